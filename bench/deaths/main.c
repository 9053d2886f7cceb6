/* SPDX-License-Identifier: MIT */
/*
 * thruster-deaths: what becomes of buffers whose holder is killed, here and elsewhere, and what it
 * takes to be able to tell: the time to attach, and memory.
 */

#include <argp.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/deaths/crew.h"
#include "bench/deaths/intent.h"
#include "bench/fail.h"
#include "bench/statistics.h"
#include "bench/worker.h"

#define JSON_VERSION 1
#define DIGITS 6
#define KILLS_DEFAULT 10000
#define KILLS_QUICK 50
#define RECLAIMS_DEFAULT 25
#define RECLAIMS_QUICK 5
#define ATTACHES_DEFAULT 51
#define ATTACHES_QUICK 5
#define EXIT_USAGE 2
#define KEY_STORM 256
#define KEY_CTL 257

__attribute__((visibility("default")))
const char *argp_program_version = "thruster-deaths " THRUSTER_VERSION;

static const char description[] =
	"Kill clients and see what becomes of their buffers, here and with other pools; and "
	"measure what attaching takes, and memory.\v"
	"A thrusterd is started for it, on a socket of its own. Parts are called reclaim/HELD, "
	"kills/ENGINE, holding/ENGINE, attach/ENGINE and memory/ENGINE. The exit status says "
	"whether everything ran and nothing of Thruster's own was lost.";

static const struct argp_option options[] = {
	{ "only", 'o', "PATTERN", 0,
		"Only parts whose name has PATTERN in it, or matches it as a file name does" },
	{ "kills", 'k', "N", 0, "Kills of each engine (10000)" },
	{ "quick", 'q', NULL, 0, "Only see that everything runs" },
	{ "json", 'j', "FILE", 0, "Write all results to FILE too; - is standard output" },
	{ "thrusterd", 't', "PATH", 0, "The daemon to start (" BENCH_THRUSTERD ")" },
	{ "thrusterctl", KEY_CTL, "PATH", 0, "Who asks it (" BENCH_THRUSTERCTL ")" },
	{ "storm", KEY_STORM, "ORDER", OPTION_HIDDEN, NULL },
	{ 0 },
};

extern const struct engine_code pool_code, portable_code, open_code, cas_mask_code, circle_code,
	stacks_code, queue_code;

static const struct engine_code *const codes[] = { &pool_code, &portable_code, &open_code,
	&cas_mask_code, &circle_code, &stacks_code, &queue_code };

struct arguments {
	const char *json, *storm;
	struct intent intent;
};

static bool is_terminal; /* standard error */
static bool is_silent, is_told;

void say(const char *format, ...)
{
	va_list args;

	if (is_told && is_terminal)
		fprintf(stderr, "\r\033[K");
	is_told = false;
	va_start(args, format);
	if (!is_silent)
		vprintf(format, args);
	fflush(stdout);
	va_end(args);
}

void tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, is_terminal ? "\r\033[K" : "");
	vfprintf(stderr, format, args);
	fprintf(stderr, is_terminal ? "" : "\n");
	is_told = true;
	va_end(args);
}

bool intent_has(const struct intent *intent, const char *section, const char *name)
{
	char text[96];

	snprintf(text, sizeof(text), "%s/%s", section, name);
	return !intent->only || strstr(text, intent->only) || fnmatch(intent->only, text, 0) == 0;
}

void set_spread(json_t *object, const char *suffix, const double *numbers, unsigned n)
{
	static const struct {
		const char *name;
		double part;
	} quantiles[] = { { "median", 0.5 }, { "p10", 0.1 }, { "p90", 0.9 } };
	char name[32];
	size_t i;

	for (i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", quantiles[i].name, suffix);
		json_object_set_new(object, name,
			json_real(quantile(numbers, n, quantiles[i].part)));
	}
}

static error_t on_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	char *end;

	switch (key) {
	case 'o':
		arguments->intent.only = argument;
		return 0;
	case 'k':
		arguments->intent.kills = (unsigned)strtoul(argument, &end, 10);
		if (*end || arguments->intent.kills < 1 || arguments->intent.kills > 10000000)
			argp_error(state, "%s: a number from 1 to 10000000 is wanted", argument);
		return 0;
	case 'q':
		arguments->intent.is_quick = true;
		return 0;
	case 'j':
		arguments->json = argument;
		return 0;
	case 't':
		arguments->intent.thrusterd = argument;
		return 0;
	case KEY_CTL:
		arguments->intent.thrusterctl = argument;
		return 0;
	case KEY_STORM:
		arguments->storm = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void fill_in(struct intent *intent)
{
	if (intent->kills == 0)
		intent->kills = intent->is_quick ? KILLS_QUICK : KILLS_DEFAULT;
	intent->reclaims = intent->is_quick ? RECLAIMS_QUICK : RECLAIMS_DEFAULT;
	intent->attaches = intent->is_quick ? ATTACHES_QUICK : ATTACHES_DEFAULT;
}

static void write_json(json_t *top, const char *path)
{
	size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(DIGITS);
	int r = strcmp(path, "-") == 0 ? json_dumpf(top, stdout, flags)
				       : json_dump_file(top, path, flags);

	if (r < 0)
		fail("cannot write %s", path);
}

/* Ours promise to lose nothing: here that is a test. */
static bool is_any_lost(const json_t *kills)
{
	const json_t *row;
	size_t i;

	json_array_foreach(kills, i, row)
		if (json_is_false(json_object_get(row, "promise_kept")))
			return true;
	return false;
}

static bool is_any_measured(json_t *top)
{
	const char *name;
	json_t *part;

	json_object_foreach(top, name, part)
		if (json_array_size(part) > 0)
			return true;
	return false;
}

static int run(const struct arguments *arguments)
{
	const struct intent *intent = &arguments->intent;
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	json_t *top = json_object(), *kills, *holding;
	bool is_lost, is_any;

	crew_prepare();
	json_object_set_new(top, "version", json_integer(JSON_VERSION));
	json_object_set_new(top, "quick", json_boolean(intent->is_quick));
	json_object_set_new(top, "reclaim", reclaim_measure(intent));
	json_object_set_new(top, "kills", kills = kills_measure(intent, 0));
	json_object_set_new(top, "holding", holding = kills_measure(intent, 8));
	json_object_set_new(top, "attach", attach_measure(intent));
	json_object_set_new(top, "memory", memory_measure(intent));
	json_object_set_new(top, "seconds",
		json_real((double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9));
	if (arguments->json)
		write_json(top, arguments->json);
	is_lost = is_any_lost(kills) || is_any_lost(holding);
	is_any = is_any_measured(top);
	json_decref(top);
	if (!is_any)
		fail("no part is called %s; bench/README.md names them", intent->only);
	if (is_lost)
		fail("Thruster lost something, or the daemon finds fault: see above");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, on_option, NULL, description, NULL, NULL, NULL };
	struct arguments arguments = {
		.intent.thrusterd = BENCH_THRUSTERD,
		.intent.thrusterctl = BENCH_THRUSTERCTL,
	};
	int result;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (arguments.storm)
		return storm_main(arguments.storm, codes, sizeof(codes) / sizeof(codes[0]));
	is_terminal = isatty(STDERR_FILENO);
	fill_in(&arguments.intent);
	if (arguments.json && strcmp(arguments.json, "-") == 0)
		is_silent = true;
	result = run(&arguments);
	if (fflush(stdout) != 0)
		fail("cannot write the results");
	return result;
}
