/* SPDX-License-Identifier: MIT */
/* thrusterctl stats: how full each class is, what happened to it, and on which cores. */

#include <inttypes.h>
#include <stdio.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/table.h"

static bool with_cores;

static const struct argp_option options[] = {
	{ "cores", 'c', NULL, 0, "Show also what each core holds, and what it did" },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	(void)state;
	if (key != 'c')
		return ARGP_ERR_UNKNOWN;
	with_cores = true;
	return 0;
}

static void print_classes(const json_t *arena)
{
	static const char *const titles[] = { "CLASS", "SLOTS", "FREE", "FREE MIN", "LEASED",
		"PEAK", "RENTS", "RETURNS", "RECLAIMED", "EXHAUSTED", NULL };
	json_t *class_;
	struct table table;
	size_t i;

	table_init(&table, titles);
	json_array_foreach(json_object_get(arena, "classes"), i, class_) {
		table_add_bytes(&table, answer_number(class_, "slot_bytes"));
		table_add_number(&table, answer_number(class_, "slots"));
		table_add_number(&table, answer_number(class_, "free"));
		table_add_number(&table, answer_number(class_, "free_min"));
		table_add_number(&table, answer_number(class_, "leased"));
		table_add_number(&table, answer_number(class_, "leased_peak"));
		table_add_number(&table, answer_number(class_, "rents_total"));
		table_add_number(&table, answer_number(class_, "returns_total"));
		table_add_number(&table, answer_number(class_, "reclaimed_total"));
		table_add_number(&table, answer_number(class_, "exhausted_total"));
	}
	table_print(&table);
	table_fini(&table);
}

static void add_core(struct table *table, const json_t *class_, const json_t *core)
{
	static const char *const fields[] = { "slots", "leased", "takeable", "rents_total",
		"local_returns_total", "remote_returns_total", "refills_total", "adoptions_total",
		"visits_total", "restarts_total" };
	size_t i;

	table_add_bytes(table, answer_number(class_, "slot_bytes"));
	table_add_number(table, answer_number(core, "core"));
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		table_add_number(table, answer_number(core, fields[i]));
}

static void print_cores(const json_t *arena)
{
	static const char *const titles[] = { "CLASS", "CORE", "HOLDS", "LEASED", "TAKEABLE",
		"RENTS", "LOCAL", "REMOTE", "REFILLS", "ADOPTED", "VISITS", "RESTARTS", NULL };
	json_t *class_, *core;
	struct table table;
	size_t i, j;

	table_init(&table, titles);
	json_array_foreach(json_object_get(arena, "classes"), i, class_)
		json_array_foreach(json_object_get(class_, "cores"), j, core)
			add_core(&table, class_, core);
	putchar('\n');
	table_print(&table);
	table_fini(&table);
}

static void print_arena(const json_t *arena)
{
	const json_t *memory = json_object_get(arena, "memory");

	printf("arena %s: %.1f MiB, %.1f of them resident, %zu of %" PRIu64 " clients\n",
		answer_string(arena, "name"),
		(double)answer_number(arena, "size_bytes") / (1 << 20),
		(double)answer_number(memory, "resident_bytes") / (1 << 20),
		json_array_size(json_object_get(arena, "clients")),
		answer_number(arena, "max_clients"));
	print_classes(arena);
	if (with_cores)
		print_cores(arena);
	putchar('\n');
}

static void print_stats(const json_t *answer)
{
	const json_t *daemon = json_object_get(answer, "daemon");
	const json_t *reclaim = json_object_get(answer, "reclaim");
	uint64_t up_ns = answer_number(answer, "timestamp_realtime_ns") -
			 answer_number(daemon, "started_realtime_ns");
	json_t *arena;
	size_t i;

	printf("thrusterd %s, pid %" PRIu64 ", %s for %" PRIu64 " s\n\n",
		answer_string(daemon, "version"), answer_number(daemon, "pid"),
		answer_string(daemon, "state"), up_ns / 1000000000u);
	json_array_foreach(json_object_get(answer, "arenas"), i, arena)
		print_arena(arena);
	printf("FREE MIN and PEAK are the extremes of samples, about one a second.\n"
	       "reclaimed so far: %" PRIu64 " leases, %" PRIu64
	       " clients gone without a detach\n",
		answer_number(reclaim, "leases_total"), answer_number(reclaim, "clients_total"));
}

static enum exit_status run(const struct command *command)
{
	json_t *answer;
	enum exit_status status = answer_get(&answer, command, WIRE_QUESTION_STATS, 0);

	if (status != EXIT_OK)
		return status;
	if (command->is_json)
		answer_print(answer);
	else
		print_stats(answer);
	status = answer_must_show(answer);
	json_decref(answer);
	return status;
}

const struct verb verb_stats = {
	.name = "stats",
	.summary = "how full each class is, and what happened to it",
	.options = options,
	.parse = parse,
	.run = run,
};
