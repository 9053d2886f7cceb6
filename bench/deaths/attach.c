/* SPDX-License-Identifier: MIT */
/*
 * What it takes a process to come to its pool, and to leave it: one that has just begun, each time.
 * Ours asks a daemon; of the rivals each does what its own documentation wants of a program at its
 * start. The program's own start and the loading of libraries are not in it.
 */

#include <string.h>
#include "bench/clock.h"
#include "bench/deaths/intent.h"
#include "bench/deaths/storms.h"

#define OPEN_NS_MAX INT64_C(10000000000) /* of one engine, all its repetitions */

static double enter_us[NUMBERS_MAX], leave_us[NUMBERS_MAX];

/* The number of them; *ret_last is the last, if it failed. */
static unsigned open_often(const struct engine *engine, unsigned n, struct storm *ret_last)
{
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	unsigned i;

	for (i = 0; i < n && clock_ns(CLOCK_MONOTONIC) - start < OPEN_NS_MAX; i++) {
		*ret_last = (struct storm){ .limit_ns = OPEN_NS_MAX };
		storms_run(engine, storms_kind(engine, 0), ret_last, NULL);
		if (ret_last->end != STORM_DONE)
			break;
		enter_us[i] = (double)ret_last->enter_ns / 1e3;
		leave_us[i] = (double)ret_last->leave_ns / 1e3;
	}
	return i;
}

static json_t *spread_json(const double *numbers, unsigned n)
{
	json_t *object = json_object();

	set_spread(object, "", numbers, n);
	return object;
}

static json_t *measure(const struct intent *intent, const struct engine *engine)
{
	json_t *object = json_pack("{s:s, s:s}", "engine", engine->name, "what", engine->what);
	const char *absence = engine_absence(engine);
	struct storm last = { 0 };
	unsigned n = 0;

	tell("attach: %s", engine->name);
	if (!absence)
		absence = storms_start_daemon(intent, engine, storms_kind(engine, 0));
	if (!absence) {
		n = open_often(engine, intent->attaches, &last);
		storms_stop_daemon(engine);
	}
	if (n == 0) {
		if (!absence)
			absence = *last.error ? last.error : "it cannot be begun";
		json_object_set_new(object, "absent", json_string(absence));
		return object;
	}
	json_object_set_new(object, "n", json_integer(n));
	json_object_set_new(object, "attach_us", spread_json(enter_us, n));
	if (leave_us[0] >= 0)
		json_object_set_new(object, "detach_us", spread_json(leave_us, n));
	if (engine->forks)
		json_object_set_new(object, "note",
			json_string("makes the pool too: who shares it is a fork"));
	return object;
}

static double number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static void print_spread(const json_t *spread)
{
	if (spread)
		say(" %10.1f %9.1f ..%9.1f", number(spread, "median"), number(spread, "p10"),
			number(spread, "p90"));
	else
		say(" %10s %20s", "-", "");
}

static void print(const json_t *rows)
{
	const json_t *row, *absent;
	const char *note;
	size_t i;

	say("Microseconds that a new process takes to attach to its pool, and to detach: median, "
	    "and 10th to\n90th percentile. Without the program's own start.\n\n%-11s%11s %20s"
	    "%11s %20s %5s\n",
		"engine", "attach", "", "detach", "", "n");
	json_array_foreach(rows, i, row) {
		say("%-11s", json_string_value(json_object_get(row, "engine")));
		absent = json_object_get(row, "absent");
		if (absent) {
			say(" absent: %s\n", json_string_value(absent));
			continue;
		}
		print_spread(json_object_get(row, "attach_us"));
		print_spread(json_object_get(row, "detach_us"));
		note = json_string_value(json_object_get(row, "note"));
		say(" %5lld%s%s\n", (long long)json_integer_value(json_object_get(row, "n")),
			note ? "  " : "", note ? note : "");
	}
	say("\n");
}

json_t *attach_measure(const struct intent *intent)
{
	json_t *rows = json_array();
	size_t i;

	for (i = 0; i < n_engines; i++)
		if ((engines[i].family == FAMILY_OURS && strcmp(engines[i].name, "none") != 0 &&
			    strcmp(engines[i].name, "open") != 0) ||
			engines[i].family == FAMILY_SHARED)
			if (intent_has(intent, "attach", engines[i].name))
				json_array_append_new(rows, measure(intent, &engines[i]));
	if (json_array_size(rows) > 0)
		print(rows);
	return rows;
}
