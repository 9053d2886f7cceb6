/* SPDX-License-Identifier: MIT */
/* A trace for people: classes, clients, who took from whom, and where the time went. */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/table.h"
#include "client/thrusterctl/trace/trace.h"

/* Of durations, for a table: 12us, 3.4ms. */
static void add_time(struct table *table, uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double n = (double)ns;
	size_t unit = 0;
	char text[32];

	while (n >= 1000 && unit < 3) {
		n /= 1000;
		unit++;
	}
	snprintf(text, sizeof(text), unit && n < 10 ? "%.1f%s" : "%.0f%s", n, units[unit]);
	table_add(table, ns ? text : "-");
}

static uint64_t sum_of(const json_t *cores, const char *key)
{
	uint64_t sum = 0;
	json_t *core;
	size_t i;

	json_array_foreach(cores, i, core)
		sum += answer_number(core, key);
	return sum;
}

/* The bound below which so many in a hundred are, of all histograms of an array together. */
static uint64_t bound_of(const json_t *items, const char *key, unsigned percent)
{
	uint64_t count = 0, below = 0, le = 1;
	unsigned power;
	json_t *item, *bucket;
	size_t i, j;

	json_array_foreach(items, i, item)
		count += answer_number(json_object_get(item, key), "count");
	if (!count)
		return 0;
	for (power = 0; power < 64; power++, le *= 2) {
		json_array_foreach(items, i, item) {
			const json_t *waits = json_object_get(item, key);

			json_array_foreach(json_object_get(waits, "buckets"), j, bucket)
				if (answer_number(bucket, "le") == le)
					below += answer_number(bucket, "count");
		}
		if (below * 100 >= count * percent)
			return le;
	}
	return 0;
}

static uint64_t waited(const json_t *items)
{
	uint64_t sum = 0;
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
		sum += answer_number(json_object_get(item, "waits"), "sum");
	return sum;
}

static void add_counts(struct table *table, const json_t *items)
{
	static const char *const keys[] = { "refills_total", "adoptions_total", "yields_total",
		"retries_total", "restarts_total", "exhausted_total", "waits_total" };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		table_add_number(table, sum_of(items, keys[i]));
	add_time(table, waited(items));
	add_time(table, bound_of(items, "waits", 50));
	add_time(table, bound_of(items, "waits", 99));
}

static void print_classes(const json_t *arena)
{
	static const char *const titles[] = { "CLASS", "REFILLS", "ADOPTED", "GIVEN", "RETRIES",
		"RESTARTS", "EXHAUSTED", "WAITS", "WAITED", "MEDIAN<", "P99<", NULL };
	struct table table;
	json_t *class_;
	size_t i;

	table_init(&table, titles);
	json_array_foreach(json_object_get(arena, "classes"), i, class_) {
		table_add_bytes(&table, answer_number(class_, "slot_bytes"));
		add_counts(&table, json_object_get(class_, "cores"));
	}
	table_print(&table);
	table_fini(&table);
}

static void print_clients(const json_t *arena)
{
	static const char *const titles[] = { "CLIENT", "PID", "REFILLS", "ADOPTED", "GIVEN",
		"RETRIES", "RESTARTS", "EXHAUSTED", "WAITS", "WAITED", "MEDIAN<", "P99<", "<LABEL",
		NULL };
	json_t *client, *alone;
	struct table table;
	size_t i;

	if (!json_object_get(json_array_get(json_object_get(arena, "clients"), 0), "refills_total"))
		return; /* only eBPF knows of clients what it knows of classes */
	table_init(&table, titles);
	json_array_foreach(json_object_get(arena, "clients"), i, client) {
		alone = json_pack("[O]", client);
		table_add_number(&table, answer_number(client, "id"));
		table_add_number(&table, answer_number(client, "pid"));
		add_counts(&table, alone);
		table_add(&table, answer_string(client, "label"));
		json_decref(alone);
	}
	putchar('\n');
	table_print(&table);
	table_fini(&table);
}

static void add_core(struct table *table, const json_t *steal, const char *key)
{
	if (json_object_get(steal, key))
		table_add_number(table, answer_number(steal, key));
	else
		table_add(table, "thread");
}

static void print_steals(const json_t *arena)
{
	static const char *const titles[] = { "FROM", "TO", "SEGMENTS", NULL };
	bool is_any = false;
	struct table table;
	json_t *steal;
	size_t i;

	table_init(&table, titles);
	json_array_foreach(json_object_get(arena, "steals"), i, steal) {
		if (!answer_number(steal, "segments"))
			continue;
		is_any = true;
		add_core(&table, steal, "from");
		add_core(&table, steal, "to");
		table_add_number(&table, answer_number(steal, "segments"));
	}
	if (is_any) {
		printf("\nsegments that cores gave to others that had asked:\n");
		table_print(&table);
	}
	table_fini(&table);
}

static void print_time(const json_t *time)
{
	static const char *const titles[] = { "PID", "BLOCKED", "PREEMPTED", "QUEUED", "IN FUTEX",
		"KERNEL LOCKS", NULL };
	static const char *const keys[] = { "blocked", "preempted", "queued", "futex",
		"kernel_lock" };
	struct table table;
	json_t *process;
	size_t i, j;

	if (strcmp(answer_string(time, "state"), "measured") != 0) {
		printf("\nwhere clients were while they did not run was not measured: %s\n",
			answer_string(time, "reason"));
		return;
	}
	printf("\nhow long their threads did not run, all together, and why:\n");
	table_init(&table, titles);
	json_array_foreach(json_object_get(time, "processes"), i, process) {
		table_add_number(&table, answer_number(process, "pid"));
		for (j = 0; j < sizeof(keys) / sizeof(keys[0]); j++)
			add_time(&table,
				answer_number(json_object_get(process, keys[j]), "sum"));
	}
	table_print(&table);
	table_fini(&table);
}

void trace_print(const json_t *document)
{
	const json_t *contention = json_object_get(document, "contention");
	const json_t *ebpf = json_object_get(contention, "ebpf");
	const json_t *arenas = json_object_get(contention, "arenas");
	json_t *arena;
	size_t i;

	printf("in %.1f s", (double)answer_number(document, "duration_ns") / 1e9);
	if (strcmp(answer_string(ebpf, "state"), "attached") == 0) {
		printf(", as eBPF saw it:\n");
	} else {
		printf(", as the clients counted it (eBPF: %s):\n", answer_string(ebpf, "reason"));
		arenas = json_object_get(document, "arenas");
	}
	json_array_foreach(arenas, i, arena) {
		printf("\narena %s\n", answer_string(arena, "name"));
		print_classes(arena);
		print_clients(arena);
		print_steals(arena);
	}
	print_time(json_object_get(document, "time"));
	printf("\nMEDIAN< and P99<: half of the waits, and 99 of 100, took no longer.\n");
}
