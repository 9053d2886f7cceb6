/* SPDX-License-Identifier: MIT */
/* Sorted by owner, the leases of one lie side by side and are added up in one pass. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/leases/by.h"
#include "client/thrusterctl/table.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int by_owner(const void *first, const void *second)
{
	const json_t *a = *(json_t *const *)first, *b = *(json_t *const *)second;
	int order = strcmp(answer_string(a, "arena"), answer_string(b, "arena"));

	return order ? order
		     : COMPARE(answer_number(a, "client_id"), answer_number(b, "client_id"));
}

static int most_first(const void *first, const void *second)
{
	const json_t *a = *(json_t *const *)first, *b = *(json_t *const *)second;
	int order = COMPARE(answer_number(b, "leases"), answer_number(a, "leases"));

	return order ? order : by_owner(first, second);
}

/* The elements of an array in another order; the array keeps them alive. The caller's. */
static json_t **sorted(const json_t *array, int (*compare)(const void *, const void *))
{
	size_t n = json_array_size(array), i;
	json_t **all = calloc(n + 1, sizeof(json_t *));

	if (!all) {
		fprintf(stderr, "thrusterctl: out of memory\n");
		exit(EXIT_FAILURE);
	}
	for (i = 0; i < n; i++)
		all[i] = json_array_get(array, i);
	qsort(all, n, sizeof(json_t *), compare);
	return all;
}

static void add(json_t *object, const char *key, uint64_t more)
{
	json_object_set_new(
		object, key, json_integer((json_int_t)(answer_number(object, key) + more)));
}

static json_t *client_new(const json_t *lease)
{
	static const char *const fields[] = { "arena", "client_id", "pid", "label" };
	json_t *client = json_object(), *value;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if ((value = json_object_get(lease, fields[i])))
			json_object_set(client, fields[i], value);
	return client;
}

static void client_add(json_t *client, const json_t *lease)
{
	uint64_t age = answer_number(lease, "age_ns"), oldest = answer_number(client, "age_max_ns");

	add(client, "leases", 1);
	add(client, "leased_bytes", answer_number(lease, "size_bytes"));
	add(client, "age_max_ns", age > oldest ? age - oldest : 0);
	add(client, "suspects", json_is_true(json_object_get(lease, "suspect")));
}

json_t *leases_by_client(const json_t *leases)
{
	size_t n = json_array_size(leases), i;
	json_t **all = sorted(leases, by_owner), *clients = json_array(), *ordered = json_array();
	json_t *client = NULL;

	for (i = 0; i < n; i++) {
		if (i == 0 || by_owner(&all[i - 1], &all[i]) != 0) {
			client = client_new(all[i]);
			json_array_append_new(clients, client);
		}
		client_add(client, all[i]);
	}
	free(all);
	all = sorted(clients, most_first);
	for (i = 0; i < json_array_size(clients); i++)
		json_array_append(ordered, all[i]);
	free(all);
	json_decref(clients);
	return ordered;
}

void leases_by_client_print(const json_t *clients, size_t limit)
{
	static const char *const titles[] = { "<ARENA", "CLIENT", "PID", "LEASES", "BYTES",
		"OLDEST", "SUSPECTS", "<LABEL", NULL };
	struct table table;
	json_t *client;
	size_t i;

	table_init(&table, titles);
	json_array_foreach(clients, i, client) {
		if (i == limit)
			break;
		table_add(&table, answer_string(client, "arena"));
		table_add_number(&table, answer_number(client, "client_id"));
		table_add_number(&table, answer_number(client, "pid"));
		table_add_number(&table, answer_number(client, "leases"));
		table_add_bytes(&table, answer_number(client, "leased_bytes"));
		table_add_duration(&table, answer_number(client, "age_max_ns"));
		table_add_number(&table, answer_number(client, "suspects"));
		table_add(&table, answer_string(client, "label"));
	}
	table_print(&table);
	table_fini(&table);
	if (json_array_size(clients) > limit)
		printf("%zu of %zu clients; --limit N shows more\n", limit,
			json_array_size(clients));
}
