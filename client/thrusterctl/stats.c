/* SPDX-License-Identifier: MIT */
/*
 * thrusterctl stats: how full each class is, what happened to it, and on which cores. If the daemon
 * does not answer: what it last wrote on the boards of its arenas.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/boards/json.h"
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

static bool is_unresponsive(const json_t *answer)
{
	return strcmp(answer_string(json_object_get(answer, "daemon"), "state"), "unresponsive") ==
	       0;
}

/* What is not there is not known. */
static void add_field(struct table *table, const json_t *class_, const char *key)
{
	if (json_object_get(class_, key))
		table_add_number(table, answer_number(class_, key));
	else
		table_add(table, "-");
}

static void print_classes(const json_t *arena)
{
	static const char *const titles[] = { "CLASS", "SLOTS", "FREE", "FREE MIN", "LEASED",
		"PEAK", "RENTS", "RETURNS", "RECLAIMED", "EXHAUSTED", NULL };
	static const char *const fields[] = { "slots", "free", "free_min", "leased", "leased_peak",
		"rents_total", "returns_total", "reclaimed_total", "exhausted_total" };
	json_t *class_;
	struct table table;
	size_t i, j;

	table_init(&table, titles);
	json_array_foreach(json_object_get(arena, "classes"), i, class_) {
		table_add_bytes(&table, answer_number(class_, "slot_bytes"));
		for (j = 0; j < sizeof(fields) / sizeof(fields[0]); j++)
			add_field(&table, class_, fields[j]);
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

static void print_head(const json_t *arena)
{
	const json_t *memory = json_object_get(arena, "memory");

	printf("arena %s: %.1f MiB, %.1f of them resident, %zu of %" PRIu64 " clients\n",
		answer_string(arena, "name"),
		(double)answer_number(arena, "size_bytes") / (1 << 20),
		(double)answer_number(memory, "resident_bytes") / (1 << 20),
		json_array_size(json_object_get(arena, "clients")),
		answer_number(arena, "max_clients"));
}

static void print_board_head(const json_t *arena)
{
	printf("arena %s: %.1f MiB, %zu clients, ", answer_string(arena, "name"),
		(double)answer_number(arena, "size_bytes") / (1 << 20),
		json_array_size(json_object_get(arena, "clients")));
	if (json_object_get(arena, "sample_age_ns"))
		printf("as of %.1f s ago\n", (double)answer_number(arena, "sample_age_ns") / 1e9);
	else
		printf("the daemon stopped while it wrote the figures\n");
}

static void print_arenas(const json_t *answer)
{
	bool is_board = is_unresponsive(answer);
	json_t *arena;
	size_t i;

	json_array_foreach(json_object_get(answer, "arenas"), i, arena) {
		if (is_board)
			print_board_head(arena);
		else
			print_head(arena);
		print_classes(arena);
		if (with_cores && !is_board)
			print_cores(arena);
		putchar('\n');
	}
}

static void print_stats(const json_t *answer)
{
	const json_t *daemon = json_object_get(answer, "daemon");
	const json_t *reclaim = json_object_get(answer, "reclaim");
	uint64_t up_ns = answer_number(answer, "timestamp_realtime_ns") -
			 answer_number(daemon, "started_realtime_ns");

	if (is_unresponsive(answer))
		printf("thrusterd, pid %" PRIu64 ", unresponsive\n\n",
			answer_number(daemon, "pid"));
	else
		printf("thrusterd %s, pid %" PRIu64 ", %s for %" PRIu64 " s\n\n",
			answer_string(daemon, "version"), answer_number(daemon, "pid"),
			answer_string(daemon, "state"), up_ns / 1000000000u);
	print_arenas(answer);
	printf("FREE MIN and PEAK are the extremes of samples, about one a second.\n");
	if (reclaim)
		printf("reclaimed so far: %" PRIu64 " leases, %" PRIu64
		       " clients gone without a detach\n",
			answer_number(reclaim, "leases_total"),
			answer_number(reclaim, "clients_total"));
}

/* The daemon does not answer. Its boards may be all there is to see, but it is not well. */
static enum exit_status show_boards(const struct command *command, int error)
{
	enum exit_status status = answer_fail(command, error);
	struct boards boards;
	json_t *document;

	if (boards_find(&boards, command->socket_path)) {
		fprintf(stderr, "thrusterctl: this is what the boards of its arenas say\n");
		document = boards_json(&boards);
		if (command->is_json)
			answer_print(document);
		else
			print_stats(document);
		json_decref(document);
	} else if (geteuid() != 0) {
		fprintf(stderr, "thrusterctl: root, or the user that it runs as, can see the "
				"boards of its arenas all the same\n");
	} else {
		fprintf(stderr, "thrusterctl: no boards of its arenas were found either\n");
	}
	boards_fini(&boards);
	return status;
}

static enum exit_status run(const struct command *command)
{
	enum exit_status status;
	json_t *answer;
	int r = answer_ask(&answer, command, WIRE_QUESTION_STATS, 0);

	if (r == -ETIMEDOUT)
		return show_boards(command, r);
	if (r < 0)
		return answer_fail(command, r);
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
