/* SPDX-License-Identifier: MIT */
/*
 * The daemon counts since ever; what happens now is the difference of two answers. A difference is
 * taken only of what is the same thing in both, and a counter that went down says nothing: cores
 * add without a lock and may lose a little, and a daemon that began anew counts from 0.
 */

#include <math.h>
#include <string.h>
#include "client/thrusterctl/top/model.h"

#define NS_PER_S 1e9

const json_t *top_field(const json_t *object, const char *path)
{
	const char *dot;
	char name[32];
	size_t n;

	while (path && (dot = strchr(path, '.'))) {
		n = (size_t)(dot - path);
		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = 0;
		object = json_object_get(object, name);
		path = dot + 1;
	}
	return path ? json_object_get(object, path) : NULL;
}

double top_number(const json_t *object, const char *path)
{
	const json_t *field = top_field(object, path);

	return json_is_integer(field) ? (double)json_integer_value(field) : NAN;
}

const char *top_string(const json_t *object, const char *path)
{
	const char *text = json_string_value(top_field(object, path));

	return text ? text : "";
}

/* Subtracted as integers: a double has no 63 bits. */
double top_growth(const json_t *now, const json_t *before, const char *path)
{
	const json_t *a = top_field(now, path), *b = top_field(before, path);

	if (!json_is_integer(a) || !json_is_integer(b) ||
		json_integer_value(a) < json_integer_value(b))
		return NAN;
	return (double)(json_integer_value(a) - json_integer_value(b));
}

const json_t *top_arena(const json_t *answer, uint64_t id)
{
	const json_t *arena;
	size_t i;

	json_array_foreach(json_object_get(answer, "arenas"), i, arena)
		if ((uint64_t)json_integer_value(json_object_get(arena, "id")) == id)
			return arena;
	return NULL;
}

/* Add what is counted; numbers of what it is stay, and the largest is the largest of both. */
static void add_up(json_t *sum, const json_t *part)
{
	const char *name;
	json_t *value, *mine;

	json_object_foreach((json_t *)part, name, value) {
		mine = json_object_get(sum, name);
		if (!mine)
			json_object_set_new(sum, name, json_deep_copy(value));
		else if (json_is_object(mine))
			add_up(mine, value);
		else if (!json_is_integer(mine) || strcmp(name, "core") == 0)
			continue;
		else if (strcmp(name, "max") != 0)
			json_integer_set(
				mine, json_integer_value(mine) + json_integer_value(value));
		else if (json_integer_value(value) > json_integer_value(mine))
			json_integer_set(mine, json_integer_value(value));
	}
}

/* The sum for a core; in all classes the cores come in the same order, so it is the one at i. */
static json_t *sum_at(json_t *sums, size_t i, json_int_t core)
{
	size_t n = json_array_size(sums), tried;
	json_t *sum;

	for (tried = 0; tried < n; tried++, i++) {
		sum = json_array_get(sums, i % n);
		if (json_integer_value(json_object_get(sum, "core")) == core)
			return sum;
	}
	sum = json_object();
	return json_array_append_new(sums, sum) == 0 ? sum : NULL;
}

/* Each arena gets "cores": those of its classes, added up. */
static void sum_cores(json_t *arena)
{
	json_t *class_, *core, *sum, *sums = json_array();
	size_t i, j;

	json_array_foreach(json_object_get(arena, "classes"), i, class_)
		json_array_foreach(json_object_get(class_, "cores"), j, core) {
			sum = sum_at(sums, j, json_integer_value(json_object_get(core, "core")));
			if (sum)
				add_up(sum, core);
		}
	json_object_set_new(arena, "cores", sums);
}

/* A daemon that has nothing from the one before it gives the same ids again, to other arenas. */
static bool is_begun_anew(const json_t *now, const json_t *before)
{
	return top_number(now, "daemon.started_realtime_ns") !=
		       top_number(before, "daemon.started_realtime_ns") &&
	       top_number(now, "daemon.runs_total") <= 1;
}

void top_samples_push(struct top_samples *samples, json_t *answer)
{
	json_t *arena;
	size_t i;
	double ns;

	json_array_foreach(json_object_get(answer, "arenas"), i, arena)
		sum_cores(arena);
	json_decref(samples->before);
	samples->before = samples->now;
	samples->now = answer;
	ns = top_growth(answer, samples->before, "timestamp_monotonic_ns");
	samples->seconds = ns > 0 && !is_begun_anew(answer, samples->before) ? ns / NS_PER_S : 0;
}

void top_samples_fini(struct top_samples *samples)
{
	json_decref(samples->now);
	json_decref(samples->before);
	*samples = (struct top_samples){ 0 };
}

static double growth(const struct top_row *row, const char *path)
{
	return top_growth(row->now, row->before, path);
}

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : NAN;
}

double top_value(const struct top_samples *samples, const struct top_row *row,
	const struct top_column *column)
{
	const char *field = column->field, *other = column->other;

	switch (column->kind) {
	case TOP_ARENA:
	case TOP_TEXT:
		return NAN;
	case TOP_SIZE:
		return top_number(row->class_, "slot_bytes");
	case TOP_ID:
	case TOP_NUMBER:
	case TOP_BYTES:
	case TOP_DURATION:
		return top_number(row->now, field);
	case TOP_AGE:
		return top_number(samples->now, "timestamp_realtime_ns") -
		       top_number(row->now, field);
	case TOP_FILL:
		return 100 * ratio(top_number(row->now, field), top_number(row->now, other));
	case TOP_RATE:
		return ratio(growth(row, field), samples->seconds);
	case TOP_SHARE:
		return 100 * ratio(growth(row, field), growth(row, field) + growth(row, other));
	case TOP_LOAD:
		return 100 * ratio(growth(row, field), samples->seconds * NS_PER_S);
	case TOP_MEAN:
		return ratio(growth(row, field), growth(row, other));
	}
	return NAN;
}

double top_mark(const struct top_row *row, const struct top_column *column)
{
	return 100 * ratio(top_number(row->now, column->mark), top_number(row->now, column->other));
}

const char *top_text(const struct top_row *row, const struct top_column *column)
{
	return column->kind == TOP_ARENA ? top_string(row->arena, "name") :
					   top_string(row->now, column->field);
}

bool top_is_text(const struct top_column *column)
{
	return column->kind == TOP_ARENA || column->kind == TOP_TEXT;
}

bool top_is_quantity(const struct top_column *column)
{
	return !top_is_text(column) && column->kind != TOP_ID && column->kind != TOP_SIZE;
}

/* NAN counts as nothing as long as something is known. */
static void add_known(double *sum, double part)
{
	if (isnan(*sum))
		*sum = part;
	else if (!isnan(part))
		*sum += part;
}

static void add_class(struct top_totals *totals, const struct top_samples *samples,
	const json_t *now, const json_t *before)
{
	double size = top_number(now, "slot_bytes");

	totals->leased_bytes += size * top_number(now, "leased");
	totals->bytes += size * top_number(now, "slots");
	add_known(&totals->rents, ratio(top_growth(now, before, "rents_total"), samples->seconds));
	add_known(&totals->exhausted,
		ratio(top_growth(now, before, "exhausted_total"), samples->seconds));
}

struct top_totals top_totals_make(const struct top_samples *samples, const char *arena_name)
{
	struct top_totals totals = { .rents = NAN, .exhausted = NAN };
	const json_t *arena, *class_, *before;
	size_t i, j;

	json_array_foreach(json_object_get(samples->now, "arenas"), i, arena) {
		if (arena_name && strcmp(top_string(arena, "name"), arena_name) != 0)
			continue;
		totals.arenas++;
		totals.clients += json_array_size(json_object_get(arena, "clients"));
		before = json_object_get(top_arena(samples->before,
				(uint64_t)json_integer_value(json_object_get(arena, "id"))),
			"classes");
		json_array_foreach(json_object_get(arena, "classes"), j, class_)
			add_class(&totals, samples, class_, json_array_get(before, j));
	}
	return totals;
}
