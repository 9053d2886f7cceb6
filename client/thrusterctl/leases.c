/* SPDX-License-Identifier: MIT */
/* thrusterctl leases: every lease, oldest first, and who holds it. */

#include <inttypes.h>
#include <stdio.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/table.h"

#define LIMIT_DEFAULT 50u

static uint32_t limit;
static bool has_limit;

static const struct argp_option options[] = {
	{ "limit", 'l', "N", 0, "Show at most N, up to 10000 (default 50, with --json 10000)" },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	if (key != 'l')
		return ARGP_ERR_UNKNOWN;
	limit = (uint32_t)verb_read_number("--limit", argument, UINT32_MAX, state);
	has_limit = true;
	return 0;
}

static void add_lease(struct table *table, const json_t *lease)
{
	table_add(table, answer_string(lease, "arena"));
	table_add_bytes(table, answer_number(lease, "size_bytes"));
	table_add_number(table, answer_number(lease, "slot"));
	table_add_duration(table, answer_number(lease, "age_ns"));
	table_add(table, answer_string(lease, "state"));
	table_add_number(table, answer_number(lease, "client_id"));
	table_add_number(table, answer_number(lease, "pid"));
	table_add(table, answer_string(lease, "label"));
}

static void print_leases(const json_t *answer)
{
	static const char *const titles[] = {
		"<ARENA", "SIZE", "INDEX", "AGE", "<STATE", "CLIENT", "PID", "<LABEL", NULL};
	json_t *leases = json_object_get(answer, "leases"), *lease;
	struct table table;
	size_t i;

	table_init(&table, titles);
	json_array_foreach(leases, i, lease)
		add_lease(&table, lease);
	table_print(&table);
	table_fini(&table);
	if (json_array_size(leases) < answer_number(answer, "leases_total"))
		printf("the oldest %zu of %" PRIu64 " leases; --limit N shows more\n",
			json_array_size(leases), answer_number(answer, "leases_total"));
}

static enum exit_status run(const struct command *command)
{
	json_t *answer;
	enum exit_status status = answer_get(&answer, command, WIRE_QUESTION_LEASES,
		has_limit || command->is_json ? limit : LIMIT_DEFAULT);

	if (status != EXIT_OK)
		return status;
	if (command->is_json)
		answer_print(answer);
	else
		print_leases(answer);
	json_decref(answer);
	return EXIT_OK;
}

const struct verb verb_leases = {
	.name = "leases",
	.summary = "every lease, the oldest first, and who holds it",
	.options = options,
	.parse = parse,
	.run = run,
};
