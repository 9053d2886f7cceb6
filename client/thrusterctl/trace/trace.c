/* SPDX-License-Identifier: MIT */
/*
 * thrusterctl trace: what happened in some seconds. Counters are asked for before and after; where
 * clients were while they did not run is measured in between, which costs the whole machine a
 * little, and only as long as it lasts.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/trace/difference.h"
#include "client/thrusterctl/trace/measure.h"
#include "client/thrusterctl/trace/trace.h"

#define SECONDS_DEFAULT 5.0
#define SECONDS_MAX 86400

static double seconds = SECONDS_DEFAULT;

static const struct argp_option options[] = {
	{ "seconds", 'n', "N", 0, "Trace for N seconds, up to 86400 (default 5)" },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	char *end;

	if (key != 'n')
		return ARGP_ERR_UNKNOWN;
	seconds = strtod(argument, &end);
	if (*end || end == argument || !(seconds > 0 && seconds <= SECONDS_MAX))
		argp_error(state, "--seconds: \"%s\" is no number of seconds up to %d", argument,
			SECONDS_MAX);
	return 0;
}

/* As long as is said, a second at a time on a terminal. */
static void wait_for_it(void)
{
	bool is_seen = isatty(STDERR_FILENO);
	double left = seconds;

	while (left > 0) {
		double now = left < 1 ? left : 1;
		struct timespec pause = { (time_t)now, (long)((now - (double)(time_t)now) * 1e9) };

		if (is_seen)
			fprintf(stderr, "\rtracing: %.0f of %.0f s ", seconds - left, seconds);
		while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
			;
		left -= now;
	}
	if (is_seen)
		fprintf(stderr, "\r%*s\r", 40, "");
}

static json_t *document(const json_t *before, const json_t *after, json_t *time)
{
	json_t *o = json_object();
	uint64_t ns = answer_number(after, "timestamp_monotonic_ns") -
		      answer_number(before, "timestamp_monotonic_ns");

	json_object_set_new(o, "schema", json_string("thruster.trace"));
	json_object_set_new(o, "schema_version", json_integer(1));
	json_object_set(
		o, "timestamp_realtime_ns", json_object_get(after, "timestamp_realtime_ns"));
	json_object_set(
		o, "timestamp_monotonic_ns", json_object_get(after, "timestamp_monotonic_ns"));
	json_object_set_new(o, "duration_ns", json_integer((json_int_t)ns));
	json_object_set_new(o, "arenas", difference_new(json_object_get(before, "arenas"),
						 json_object_get(after, "arenas")));
	json_object_set_new(o, "contention", difference_new(json_object_get(before, "contention"),
						     json_object_get(after, "contention")));
	json_object_set_new(o, "time", time);
	return o;
}

static enum exit_status run(const struct command *command)
{
	json_t *before, *after, *o;
	enum exit_status status;
	struct measure m;

	status = answer_get(&before, command, WIRE_QUESTION_STATS, 0);
	if (status != EXIT_OK)
		return status;
	status = answer_must_show(before);
	if (status == EXIT_OK) {
		measure_begin(&m, command->socket_path, seconds);
		wait_for_it();
		o = measure_end(&m);
		status = answer_get(&after, command, WIRE_QUESTION_STATS, 0);
		if (status == EXIT_OK) {
			o = document(before, after, o);
			json_decref(after);
			if (command->is_json)
				answer_print(o);
			else
				trace_print(o);
		}
		json_decref(o);
	}
	json_decref(before);
	return status;
}

const struct verb verb_trace = {
	.name = "trace",
	.summary = "what contention there was in some seconds",
	.options = options,
	.parse = parse,
	.run = run,
};
