/* SPDX-License-Identifier: MIT */
/*
 * From two answers to the rows of one table: collect those of both by the same rule, pair them by
 * their keys, leave out what does not match, and put the rest in order.
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/top/model.h"

struct collection {
	struct top_row *rows;
	size_t n, room;
	bool is_out_of_memory;
};

static uint64_t number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

static void add(struct collection *c, struct top_row row)
{
	size_t room = c->room ? 2 * c->room : 64;
	struct top_row *rows = c->rows;

	if (c->n == c->room) {
		rows = reallocarray(c->rows, room, sizeof(*rows));
		if (!rows) {
			c->is_out_of_memory = true;
			return;
		}
		c->rows = rows;
		c->room = room;
	}
	row.place = c->n;
	c->rows[c->n++] = row;
}

/* Part of a key; what is not there is something else than 0. */
static uint64_t key(const json_t *object, const char *name)
{
	return name && json_object_get(object, name) ? number(object, name) : UINT64_MAX;
}

/* All that an array has, each told from the others by its `first` and `second` fields. */
static void add_each(struct collection *c, struct top_row row, const json_t *array,
	const char *first, const char *second)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		row.now = item;
		row.key[1] = key(item, first);
		row.key[2] = key(item, second);
		add(c, row);
	}
}

static void add_classes(struct collection *c, struct top_row row, const json_t *classes)
{
	const json_t *class_;
	size_t i;

	json_array_foreach(classes, i, class_) {
		row.now = row.class_ = class_;
		row.key[1] = i;
		add(c, row);
	}
}

/* A class of eBPF says which it is; one of an arena is known by its place. */
static void add_class_cores(struct collection *c, struct top_row row, const json_t *classes)
{
	const json_t *class_, *index;
	size_t i;

	json_array_foreach(classes, i, class_) {
		index = json_object_get(class_, "class");
		row.class_ = class_;
		row.key[3] = json_is_integer(index) ? (uint64_t)json_integer_value(index) : i;
		add_each(c, row, json_object_get(class_, "cores"), "core", NULL);
	}
}

static void add_arena(struct collection *c, struct top_row row, const json_t *arena,
	enum top_source source)
{
	switch (source) {
	case TOP_CLASSES:
		add_classes(c, row, json_object_get(arena, "classes"));
		return;
	case TOP_CORES:
		add_each(c, row, json_object_get(arena, "cores"), "core", NULL);
		return;
	case TOP_CLASS_CORES:
	case TOP_EBPF_CORES:
		add_class_cores(c, row, json_object_get(arena, "classes"));
		return;
	case TOP_CLIENTS:
		add_each(c, row, json_object_get(arena, "clients"), "id", "attached_realtime_ns");
		return;
	case TOP_EBPF_CLIENTS:
		add_each(c, row, json_object_get(arena, "clients"), "id", "pid");
		return;
	case TOP_EBPF_STEALS:
		add_each(c, row, json_object_get(arena, "steals"), "from", "to");
		return;
	}
}

static bool contains(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

static bool is_client_matching(const json_t *client, const char *filter)
{
	char pid[24];

	snprintf(pid, sizeof(pid), "%llu", (unsigned long long)number(client, "pid"));
	return contains(pid, filter) || contains(top_string(client, "label"), filter);
}

/* An arena matches by its name; or by one of its clients, if the rows are none. */
static bool is_arena_matching(const json_t *arena, const char *filter, bool by_clients)
{
	const json_t *client;
	size_t i;

	if (contains(top_string(arena, "name"), filter))
		return true;
	if (by_clients)
		json_array_foreach(json_object_get(arena, "clients"), i, client)
			if (is_client_matching(client, filter))
				return true;
	return false;
}

static void drop_others(struct collection *c, size_t from, const char *filter)
{
	size_t i, n = from;

	for (i = from; i < c->n; i++)
		if (is_client_matching(c->rows[i].now, filter))
			c->rows[n++] = c->rows[i];
	c->n = n;
}

static void collect(struct collection *c, const json_t *answer, const struct top_table *table,
	const struct top_choice *choice)
{
	bool of_ebpf = table->source >= TOP_EBPF_CORES;
	bool of_clients = table->source == TOP_CLIENTS || table->source == TOP_EBPF_CLIENTS;
	const json_t *arenas = top_field(answer, of_ebpf ? "contention.arenas" : "arenas"), *arena;
	size_t i, from;

	json_array_foreach(arenas, i, arena) {
		struct top_row row = { .arena_index = i, .arena = arena };

		row.key[0] = number(arena, "id");
		/* eBPF knows only those clients whom it has seen. */
		if (of_ebpf && top_arena(answer, row.key[0]))
			row.arena = top_arena(answer, row.key[0]);
		if (choice->arena && strcmp(top_string(row.arena, "name"), choice->arena) != 0)
			continue;
		from = c->n;
		if (is_arena_matching(row.arena, choice->filter, !of_clients)) {
			add_arena(c, row, arena, table->source);
		} else if (of_clients) {
			add_arena(c, row, arena, table->source);
			drop_others(c, from, choice->filter);
		}
	}
}

static int compare_keys(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	size_t i;

	for (i = 0; i < sizeof(x->key) / sizeof(x->key[0]); i++)
		if (x->key[i] != y->key[i])
			return x->key[i] < y->key[i] ? -1 : 1;
	return 0;
}

static int pair(struct collection *c, const struct top_samples *samples,
	const struct top_table *table)
{
	static const struct top_choice all = { .filter = "" };
	struct collection before = { 0 };
	struct top_row *found;
	size_t i;

	/* What eBPF counts begins anew with each daemon, whatever the arenas do. */
	if (samples->seconds == 0 || c->n == 0 ||
		(table->source >= TOP_EBPF_CORES &&
			top_growth(samples->now, samples->before,
				"contention.ebpf.since_realtime_ns") > 0))
		return 0;
	collect(&before, samples->before, table, &all);
	if (before.n)
		qsort(before.rows, before.n, sizeof(*before.rows), compare_keys);
	for (i = 0; i < c->n && before.n; i++) {
		found = bsearch(&c->rows[i], before.rows, before.n, sizeof(*before.rows),
			compare_keys);
		c->rows[i].before = found ? found->now : NULL;
	}
	free(before.rows);
	return before.is_out_of_memory ? -ENOMEM : 0;
}

struct order {
	bool is_grouped, is_text, is_descending;
};

static int compare_values(const struct top_row *x, const struct top_row *y, bool is_text)
{
	if (is_text)
		return strcmp(x->text, y->text);
	return (x->number > y->number) - (x->number < y->number);
}

/* What is unknown is last whichever way; what is equal stays in the daemon's order. */
static int compare_rows(const void *a, const void *b, void *userdata)
{
	const struct top_row *x = a, *y = b;
	const struct order *order = userdata;
	bool x_unknown = !order->is_text && isnan(x->number);
	bool y_unknown = !order->is_text && isnan(y->number);
	int r = 0;

	if (order->is_grouped && x->arena_index != y->arena_index)
		return x->arena_index < y->arena_index ? -1 : 1;
	if (x_unknown != y_unknown)
		return x_unknown ? 1 : -1;
	if (!x_unknown)
		r = compare_values(x, y, order->is_text);
	if (r == 0)
		return x->place < y->place ? -1 : x->place > y->place;
	return order->is_descending ? -r : r;
}

static void sort(struct collection *c, const struct top_samples *samples,
	const struct top_table *table, const struct top_choice *choice)
{
	const struct top_column *column = &table->columns[choice->sort];
	struct order order = { table->is_grouped, top_is_text(column), choice->is_descending };
	size_t i;

	for (i = 0; i < c->n; i++) {
		c->rows[i].number = top_value(samples, &c->rows[i], column);
		c->rows[i].text = order.is_text ? top_text(&c->rows[i], column) : NULL;
	}
	if (c->n)
		qsort_r(c->rows, c->n, sizeof(*c->rows), compare_rows, &order);
}

int top_rows_make(struct top_row **ret, size_t *ret_n, const struct top_samples *samples,
	const struct top_table *table, const struct top_choice *choice)
{
	struct collection c = { 0 };
	int r;

	collect(&c, samples->now, table, choice);
	r = c.is_out_of_memory ? -ENOMEM : pair(&c, samples, table);
	if (r < 0) {
		free(c.rows);
		return r;
	}
	sort(&c, samples, table, choice);
	*ret = c.rows;
	*ret_n = c.n;
	return 0;
}
