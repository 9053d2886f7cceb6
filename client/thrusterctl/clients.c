/* SPDX-License-Identifier: MIT */
/* thrusterctl clients: who is attached, and what each holds. */

#include <stdio.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/table.h"

static void add_clients(struct table *table, const json_t *answer, const json_t *arena)
{
	uint64_t now = answer_number(answer, "timestamp_realtime_ns");
	json_t *client;
	size_t i;

	json_array_foreach(json_object_get(arena, "clients"), i, client) {
		uint64_t since = answer_number(client, "attached_realtime_ns");

		table_add(table, answer_string(arena, "name"));
		table_add_number(table, answer_number(client, "id"));
		table_add_number(table, answer_number(client, "pid"));
		table_add_number(table, answer_number(client, "uid"));
		table_add_duration(table, now > since ? now - since : 0);
		table_add_number(table, answer_number(client, "leased"));
		table_add_bytes(table, answer_number(client, "leased_bytes"));
		table_add_number(table, answer_number(client, "exhausted_total"));
		table_add_number(table, answer_number(client, "waiters"));
		table_add_duration(table, answer_number(client, "wait_ns_total"));
		table_add(table, answer_string(client, "label"));
	}
}

static void print_clients(const json_t *answer)
{
	static const char *const titles[] = { "<ARENA", "ID", "PID", "UID", "ATTACHED", "LEASES",
		"BYTES", "EXHAUSTED", "WAITING", "WAITED", "<LABEL", NULL };
	struct table table;
	json_t *arena;
	size_t i;

	table_init(&table, titles);
	json_array_foreach(json_object_get(answer, "arenas"), i, arena)
		add_clients(&table, answer, arena);
	table_print(&table);
	table_fini(&table);
}

/* All clients of all arenas in one array, each with the name of its arena. */
static json_t *clients_json(const json_t *answer)
{
	json_t *root = json_object(), *clients = json_array(), *arena, *client, *copy;
	size_t i, j;

	json_object_set_new(root, "schema", json_string("thruster.clients"));
	json_object_set_new(root, "schema_version", json_integer(1));
	json_object_set(
		root, "timestamp_realtime_ns", json_object_get(answer, "timestamp_realtime_ns"));
	json_object_set(root, "timestamp_monotonic_ns",
		json_object_get(answer, "timestamp_monotonic_ns"));
	json_array_foreach(json_object_get(answer, "arenas"), i, arena)
		json_array_foreach(json_object_get(arena, "clients"), j, client) {
			copy = json_object();
			json_object_set(copy, "arena", json_object_get(arena, "name"));
			json_object_update(copy, client);
			json_array_append_new(clients, copy);
		}
	json_object_set_new(root, "clients", clients);
	return root;
}

static enum exit_status run(const struct command *command)
{
	json_t *answer, *clients;
	enum exit_status status = answer_get(&answer, command, WIRE_QUESTION_STATS, 0);

	if (status != EXIT_OK)
		return status;
	if (command->is_json) {
		clients = clients_json(answer);
		answer_print(clients);
		json_decref(clients);
	} else {
		print_clients(answer);
	}
	status = answer_must_show(answer);
	json_decref(answer);
	return status;
}

const struct verb verb_clients = {
	.name = "clients",
	.summary = "who is attached, and what each holds",
	.run = run,
};
