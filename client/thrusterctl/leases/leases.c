/* SPDX-License-Identifier: MIT */
/*
 * thrusterctl leases: every lease, and who holds it; those that look forgotten first. The daemon
 * tells of the oldest leases, at most so many; they are judged here, all of them, before those are
 * chosen that were asked for.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/leases/by.h"
#include "client/thrusterctl/leases/filter.h"
#include "client/thrusterctl/leases/mark.h"
#include "client/thrusterctl/leases/suspects.h"
#include "client/thrusterctl/table.h"

#define LIMIT_DEFAULT 50u

enum { OPTION_CLIENT = 256, OPTION_PID, OPTION_LABEL, OPTION_ARENA, OPTION_OLDER, OPTION_LARGER,
	OPTION_BY };

static uint32_t limit;
static bool has_limit, is_by_client;
static struct lease_filter filter;

static const struct argp_option options[] = {
	{ "limit", 'l', "N", 0, "Show at most N, up to 10000 (default 50, with --json 10000)" },
	{ "client", OPTION_CLIENT, "ID", 0, "Only those of the client with this id" },
	{ "pid", OPTION_PID, "PID", 0, "Only those of clients in this process" },
	{ "label", OPTION_LABEL, "TEXT", 0, "Only those of clients with TEXT in their label" },
	{ "arena", OPTION_ARENA, "NAME", 0, "Only those in this arena" },
	{ "older", OPTION_OLDER, "AGE", 0, "Only those of at least this age: 90s, 5m, 2h, 1d" },
	{ "larger", OPTION_LARGER, "BYTES", 0, "Only those of at least this size: 4096, 64K, 2M" },
	{ "by", OPTION_BY, "WHAT", 0, "Sum up; WHAT can be \"client\"" },
	{ 0 },
};

static void parse_quantity(int key, const char *argument, struct argp_state *state)
{
	if (key == OPTION_OLDER && !lease_read_age(argument, &filter.older_ns))
		argp_error(state, "--older: \"%s\" is no age like 90s, 5m, 2h or 1d", argument);
	if (key == OPTION_LARGER && !lease_read_bytes(argument, &filter.larger_bytes))
		argp_error(state, "--larger: \"%s\" is no size like 4096, 64K or 2M", argument);
}

static error_t parse_filter(int key, char *argument, struct argp_state *state)
{
	switch (key) {
	case OPTION_CLIENT:
		filter.client_id = verb_read_number("--client", argument, UINT32_MAX, state);
		filter.has_client = true;
		return 0;
	case OPTION_PID:
		filter.pid = verb_read_number("--pid", argument, INT32_MAX, state);
		filter.has_pid = true;
		return 0;
	case OPTION_LABEL:
		filter.label = argument;
		return 0;
	case OPTION_ARENA:
		filter.arena = argument;
		return 0;
	case OPTION_OLDER:
	case OPTION_LARGER:
		parse_quantity(key, argument, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	switch (key) {
	case 'l':
		limit = (uint32_t)verb_read_number("--limit", argument, UINT32_MAX, state);
		has_limit = true;
		return 0;
	case OPTION_BY:
		if (strcmp(argument, "client") != 0)
			argp_error(state, "--by: \"%s\" is not \"client\"", argument);
		is_by_client = true;
		return 0;
	default:
		return parse_filter(key, argument, state);
	}
}

static void add_lease(struct table *table, const json_t *lease)
{
	char text[32];

	table_add(table, answer_string(lease, "arena"));
	table_add_bytes(table, answer_number(lease, "size_bytes"));
	table_add_number(table, answer_number(lease, "slot"));
	table_add_duration(table, answer_number(lease, "age_ns"));
	table_add(table, answer_string(lease, "state"));
	table_add_number(table, answer_number(lease, "client_id"));
	table_add_number(table, answer_number(lease, "pid"));
	table_add(table, answer_string(lease, "label"));
	table_add(table, leases_suspicion(lease, text));
}

static size_t count_suspects(const json_t *leases)
{
	json_t *lease;
	size_t i, n = 0;

	json_array_foreach(leases, i, lease)
		n += json_is_true(json_object_get(lease, "suspect"));
	return n;
}

/* What is not shown of those wanted, and what the daemon did not tell of. */
static void print_rest(const json_t *wanted, size_t shown, const json_t *answer)
{
	uint64_t total = answer_number(answer, "leases_total");
	uint64_t seen = answer_number(answer, "leases_seen");
	size_t n = json_array_size(wanted), suspects = count_suspects(wanted);

	if (suspects)
		printf("%zu look forgotten; thrusterctl(1) tells the rule, --json the reasons\n",
			suspects);
	if (shown < n)
		printf("the %soldest %zu of %" PRIu64 " leases%s; --limit N shows more\n",
			suspects ? "suspects and the " : "", shown,
			lease_filter_is_any(&filter) ? n : total,
			lease_filter_is_any(&filter) ? " that match" : "");
	if (seen < total)
		printf("the daemon told of the oldest %" PRIu64 " of %" PRIu64
		       " leases; younger ones are not seen here\n", seen, total);
}

static void print_leases(const json_t *wanted, size_t max, const json_t *answer)
{
	static const char *const titles[] = { "<ARENA", "SIZE", "INDEX", "AGE", "<STATE", "CLIENT",
		"PID", "<LABEL", "<SUSPECT", NULL };
	struct table table;
	json_t *lease;
	size_t i, n = json_array_size(wanted), shown = n < max ? n : max;

	table_init(&table, titles);
	json_array_foreach(wanted, i, lease)
		if (i < shown)
			add_lease(&table, lease);
	table_print(&table);
	table_fini(&table);
	print_rest(wanted, shown, answer);
}

/* Those that were asked for, the caller's. */
static json_t *choose(const json_t *leases)
{
	json_t *wanted = json_array(), *lease;
	size_t i;

	json_array_foreach(leases, i, lease)
		if (lease_filter_admits(&filter, lease))
			json_array_append(wanted, lease);
	return wanted;
}

/* For programs in the order of the daemon, which is that of the age. */
static void print_json(json_t *answer, json_t *clients)
{
	json_t *wanted = choose(json_object_get(answer, "leases"));

	while (limit && json_array_size(wanted) > limit)
		json_array_remove(wanted, json_array_size(wanted) - 1);
	json_object_set_new(answer, "leases", wanted);
	if (is_by_client)
		json_object_set(answer, "by_client", clients);
	answer_print(answer);
}

static void print(const struct command *command, json_t *answer, const json_t *stats)
{
	json_t *sorted = leases_mark(answer, stats), *wanted = choose(sorted);
	json_t *clients = leases_by_client(wanted);
	size_t max = !has_limit ? LIMIT_DEFAULT : limit ? limit : SIZE_MAX;

	json_object_set_new(answer, "leases_seen",
		json_integer((json_int_t)json_array_size(json_object_get(answer, "leases"))));
	if (command->is_json)
		print_json(answer, clients);
	else if (is_by_client)
		leases_by_client_print(clients, max);
	else
		print_leases(wanted, max, answer);
	if (!command->is_json && is_by_client)
		print_rest(wanted, json_array_size(wanted), answer);
	json_decref(clients);
	json_decref(wanted);
	json_decref(sorted);
}

static enum exit_status run(const struct command *command)
{
	json_t *answer, *stats = NULL;
	enum exit_status status = answer_get(&answer, command, WIRE_QUESTION_LEASES, 0);

	if (status != EXIT_OK)
		return status;
	/* How long clients have been there matters only where one may have gathered leases. */
	if (json_array_size(json_object_get(answer, "leases")) >= SUSPECT_GATHERED)
		status = answer_get(&stats, command, WIRE_QUESTION_STATS, 0);
	if (status == EXIT_OK)
		print(command, answer, stats);
	json_decref(stats);
	json_decref(answer);
	return status;
}

const struct verb verb_leases = {
	.name = "leases",
	.summary = "every lease, what looks forgotten first, and who holds it",
	.options = options,
	.parse = parse,
	.run = run,
};
