/* SPDX-License-Identifier: MIT */
/*
 * What is lost when processes are killed inside the allocator: a storm of kills for each engine
 * (storm.h), and then a count of what can still be rented, beside what could be rented of a pool
 * that nobody has died in.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/deaths/crew.h"
#include "bench/deaths/intent.h"
#include "bench/deaths/storms.h"
#include "bench/deaths/word.h"
#include "bench/fail.h"
#include "bench/worker.h"

/* Until nothing more is waited for. Of those with a daemon it takes back what the dead had, ours in
 * milliseconds, others in seconds; and a slow machine is not to be taken for a lock. */
#define PATIENCE_NS INT64_C(100000000)
#define PATIENCE_NS_REAPER INT64_C(3000000000)
#define STUCK_NS INT64_C(1000000000) /* without progress */
#define STUCK_NS_QUICK INT64_C(300000000)
#define STUCK_NS_REAPER INT64_C(10000000000)
/* A rival's daemon knows a dead process after one and a half seconds, and has room for 300. */
#define PACE_NS 20000000
#define PACE_NS_HELD 100000000
/* Times fewer kills: of those that hold buffers; if it is to be quick, of those with a pace. */
#define HOLDING_LESS 4
#define PACED_LESS 5
#define STORMS 5 /* of an engine that ends early */
#define AGAIN_NS_MAX INT64_C(3000000000)
#define OWN_NS_MAX INT64_C(60000000000)
#define RIVAL_NS_MAX INT64_C(20000000000)

static bool is_quick; /* so what a rival's daemon might still do is not waited for */

static bool is_ours(const struct engine *engine)
{
	return engine->family == FAMILY_OURS;
}

static bool is_asked(const struct engine *engine)
{
	return engine->can & NEEDS_PROCESSES && strcmp(engine->name, "none") != 0;
}

static void progress(const struct engine *engine, const struct storm *storm)
{
	tell("kills: %s, %llu of %llu", engine->name, (unsigned long long)storm->kills,
		(unsigned long long)storm->wanted);
}

/* Who takes back what the dead had; so for a while it may be missed. */
static bool has_reaper(const struct engine *engine)
{
	return is_ours(engine) || (engine->has_daemon && !is_quick);
}

static void storm_over(const struct engine *engine, unsigned which, uint64_t kills, uint64_t slots,
	struct storm *ret)
{
	bool is_held = storm_kinds[which].held > 0;
	struct storm storm = {
		.wanted = kills,
		.most = slots,
		.patience_ns = kills && has_reaper(engine) ? PATIENCE_NS_REAPER : PATIENCE_NS,
		.stuck_ns = has_reaper(engine) ? STUCK_NS_REAPER
			    : is_quick         ? STUCK_NS_QUICK
					       : STUCK_NS,
		.pace_ns = !engine->has_daemon ? 0 : is_held ? PACE_NS_HELD : PACE_NS,
		.limit_ns = engine->program ? RIVAL_NS_MAX : OWN_NS_MAX,
	};

	*ret = storm;
	storms_run(engine, which, ret, kills ? progress : NULL);
}

/* In words, for people. */
static void describe(const struct storm *storm, uint64_t slots, char *ret, size_t size)
{
	unsigned long long lost = slots - storm->drained, all = slots;
	const char *late = storm->end == STORM_LATE ? ", for which there was time" : "";
	char kills[32];

	snprintf(kills, sizeof(kills), "%llu kill%s", (unsigned long long)storm->kills,
		storm->kills == 1 ? "" : "s");
	switch ((enum storm_end)storm->end) {
	case STORM_DONE:
	case STORM_LATE:
		if (lost == 0)
			snprintf(ret, size, "nothing lost in %s%s", kills, late);
		else
			snprintf(ret, size, "%llu of %llu slots lost in %s%s", lost, all, kills,
				late);
		break;
	case STORM_EMPTY:
		snprintf(ret, size, "nothing to rent any more after %s: %llu of %llu slots lost",
			kills, lost, all);
		break;
	case STORM_STUCK:
	case STORM_STUCK_AFTER:
		snprintf(ret, size, "stuck after %s: %s", kills, storm->error);
		break;
	case STORM_FAILED:
	case STORM_CRASHED:
		snprintf(ret, size, "broken after %s: %s", kills,
			*storm->error ? storm->error : "its process has ended");
		break;
	}
}

static bool is_counted(const struct storm *storm)
{
	return storm->end == STORM_DONE || storm->end == STORM_LATE || storm->end == STORM_EMPTY;
}

static json_t *row_of(const struct engine *engine)
{
	return json_pack("{s:s, s:s}", "engine", engine->name, "what", engine->what);
}

static void set_storm(json_t *object, const struct storm *storm, uint64_t slots)
{
	char outcome[256];

	describe(storm, slots, outcome, sizeof(outcome));
	json_object_set_new(object, "kills", json_integer((json_int_t)storm->kills));
	json_object_set_new(object, "wanted", json_integer((json_int_t)storm->wanted));
	json_object_set_new(object, "slots", json_integer((json_int_t)slots));
	if (is_counted(storm))
		json_object_set_new(object, "leaked",
			json_integer((json_int_t)(slots - storm->drained)));
	json_object_set_new(object, "stuck", json_boolean(storm->end == STORM_STUCK ||
		storm->end == STORM_STUCK_AFTER));
	json_object_set_new(object, "outcome", json_string(outcome));
	json_object_set_new(object, "seconds", json_real((double)storm->ns / 1e9));
}

static bool is_early(const struct storm *storm)
{
	return storm->end == STORM_EMPTY || storm->end == STORM_STUCK ||
		storm->end == STORM_STUCK_AFTER;
}

static int compare(const void *a, const void *b)
{
	const struct storm *x = a, *y = b;

	return (x->kills > y->kills) - (x->kills < y->kills);
}

/* One that ends early does so by chance: some more, and the one in the middle stands for all. */
static void storm_again(const struct engine *engine, unsigned which, struct storm *storm,
	uint64_t slots, json_t *object)
{
	struct storm storms[STORMS];
	json_t *ends = json_array();
	unsigned n = 1, i;

	storms[0] = *storm;
	if (is_early(storm) && storm->ns < AGAIN_NS_MAX)
		for (; n < STORMS; n++)
			storm_over(engine, which, storm->wanted, slots, &storms[n]);
	qsort(storms, n, sizeof(storms[0]), compare);
	*storm = storms[n / 2];
	for (i = 0; n > 1 && i < n; i++)
		json_array_append_new(ends, json_integer((json_int_t)storms[i].kills));
	if (n > 1)
		json_object_set(object, "ended_after", ends);
	json_decref(ends);
}

/* True: it has lost nothing. */
static bool measure_storm(const struct intent *intent, const struct engine *engine, unsigned which,
	uint64_t kills, json_t *object)
{
	struct storm fresh, storm;

	storm_over(engine, which, 0, UINT64_MAX, &fresh);
	if (fresh.end != STORM_DONE || fresh.drained == 0) {
		json_object_set_new(object, "absent",
			json_string(*fresh.error ? fresh.error : "it cannot be begun"));
		return false;
	}
	if (engine->has_daemon) {
		storms_stop_daemon(engine);
		storms_start_daemon(intent, engine, which);
	}
	storm_over(engine, which, kills, fresh.drained, &storm);
	if (!intent->is_quick && !has_reaper(engine))
		storm_again(engine, which, &storm, fresh.drained, object);
	set_storm(object, &storm, fresh.drained);
	return (storm.end == STORM_DONE || storm.end == STORM_LATE) &&
		storm.drained == fresh.drained;
}

static uint64_t kills_for(const struct intent *intent, const struct engine *engine, unsigned held)
{
	uint64_t kills = intent->kills;

	if (intent->is_quick && engine->has_daemon)
		kills /= PACED_LESS;
	else if (!intent->is_quick && held)
		kills /= HOLDING_LESS;
	return kills ? kills : 1;
}

static json_t *measure(const struct intent *intent, const struct engine *engine, unsigned held)
{
	unsigned which = storms_kind(engine, held);
	uint64_t kills = kills_for(intent, engine, held);
	json_t *object = row_of(engine);
	const char *absence;
	bool is_well = false;

	is_quick = intent->is_quick;
	json_object_set_new(object, "held", json_integer(held));
	absence = storms_start_daemon(intent, engine, which);
	if (absence)
		json_object_set_new(object, "absent", json_string(absence));
	else
		is_well = measure_storm(intent, engine, which, kills, object);
	if (is_ours(engine)) {
		is_well = word_is_good(intent->thrusterctl, object) && is_well;
		json_object_set_new(object, "promise_kept", json_boolean(is_well));
	}
	storms_stop_daemon(engine);
	return object;
}

static void print_ends(const json_t *ends)
{
	size_t n = json_array_size(ends);

	if (n > 0)
		say(" (%lld to %lld in %zu storms)",
			(long long)json_integer_value(json_array_get(ends, 0)),
			(long long)json_integer_value(json_array_get(ends, n - 1)), n);
}

static void print(const json_t *rows, unsigned held)
{
	const json_t *row;
	size_t i;

	say("Two processes rent and return all the time%s; each is killed with SIGKILL,\n"
	    "0.1 to 0.5 ms after it has begun, and replaced. Lost: slots that cannot be rented "
	    "when all are dead.\n\n%-11s %7s %7s %7s %8s  %s\n",
		held ? ", with 8 buffers held" : "", "engine", "kills", "slots", "lost",
		"seconds", "outcome");
	json_array_foreach(rows, i, row) {
		const json_t *absent = json_object_get(row, "absent");
		const json_t *leaked = json_object_get(row, "leaked");
		char text[24] = "-";

		say("%-11s ", json_string_value(json_object_get(row, "engine")));
		if (absent) {
			say("absent: %s\n", json_string_value(absent));
			continue;
		}
		if (leaked)
			snprintf(text, sizeof(text), "%lld",
				(long long)json_integer_value(leaked));
		say("%7lld %7lld %7s %8.1f  %s",
			(long long)json_integer_value(json_object_get(row, "kills")),
			(long long)json_integer_value(json_object_get(row, "slots")), text,
			json_real_value(json_object_get(row, "seconds")),
			json_string_value(json_object_get(row, "outcome")));
		print_ends(json_object_get(row, "ended_after"));
		say(json_is_false(json_object_get(row, "promise_kept")) ? "; NOT as promised\n"
									: "\n");
	}
	say("\n");
}

json_t *kills_measure(const struct intent *intent, unsigned held)
{
	json_t *rows = json_array(), *row;
	size_t i;

	for (i = 0; i < n_engines; i++) {
		const char *absence;

		if (!is_asked(&engines[i]) ||
			!intent_has(intent, held ? "holding" : "kills", engines[i].name))
			continue;
		absence = engine_absence(&engines[i]);
		if (absence) {
			row = row_of(&engines[i]);
			json_object_set_new(row, "absent", json_string(absence));
		} else {
			row = measure(intent, &engines[i], held);
		}
		json_array_append_new(rows, row);
	}
	if (json_array_size(rows) > 0)
		print(rows, held);
	return rows;
}
