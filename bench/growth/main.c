/* SPDX-License-Identifier: MIT */
/*
 * thruster-growth: what rents, reclaiming and statistics cost as the work grows. Reads the options,
 * goes round all points once for each repetition, reports.
 */

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <thruster/client.h>
#include "bench/clock.h"
#include "bench/fail.h"
#include "bench/growth/curves.h"
#include "bench/growth/job.h"
#include "bench/growth/rounds.h"

#define REPETITIONS_DEFAULT 21
#define REPETITIONS_QUICK 1
#define SAMPLE_MS 5.0
#define SAMPLE_MS_QUICK 0.2
#define EXIT_USAGE 2
#define KEY_THRUSTERCTL 256

__attribute__((visibility("default")))
const char *argp_program_version = "thruster-growth " THRUSTER_VERSION;

static const char description[] =
	"Measure what rents, reclaiming and statistics cost as slots, classes, clients and "
	"occupancy grow.\v"
	"Daemons are started for it, on sockets of their own. The exit status says whether "
	"everything ran, not whether it was fast. bench/README.md says how to read the tables.";

static const struct argp_option options[] = {
	{ "list", 'l', NULL, 0, "Name the curves, and exit" },
	{ "only", 'o', "PATTERN", 0,
		"Only curves whose name has PATTERN in it, or matches it as a file name does" },
	{ "repetitions", 'r', "N", 0, "Samples of each point (21)" },
	{ "quick", 'q', NULL, 0, "Only see that everything runs" },
	{ "json", 'j', "FILE", 0, "Write all results to FILE too; - is standard output" },
	{ "thrusterd", 't', "PATH", 0, "The daemon to start (" BENCH_THRUSTERD ")" },
	{ "thrusterctl", KEY_THRUSTERCTL, "PATH", 0,
		"The command to ask it with (" BENCH_THRUSTERCTL ")" },
	{ 0 },
};

struct arguments {
	const char *only, *json;
	struct plan plan;
	bool is_list;
};

static unsigned repetition;
static unsigned n_repetitions;

/* A line that is written over on a terminal; elsewhere one for each repetition. */
void progress(const char *what, double n)
{
	static unsigned told;

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[Krepetition %u of %u: %.0f %s", repetition, n_repetitions,
			n, what);
	else if (told != repetition)
		fprintf(stderr, "repetition %u of %u\n", repetition, n_repetitions);
	told = repetition;
}

static unsigned count(const char *text, struct argp_state *state)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value < 1 || value > SAMPLES_MAX)
		argp_error(state, "%s: a number from 1 to %u is wanted", text, SAMPLES_MAX);
	return (unsigned)value;
}

static error_t on_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'l':
		arguments->is_list = true;
		return 0;
	case 'o':
		arguments->only = argument;
		return 0;
	case 'r':
		arguments->plan.repetitions = count(argument, state);
		return 0;
	case 'q':
		arguments->plan.is_quick = true;
		return 0;
	case 'j':
		arguments->json = argument;
		return 0;
	case 't':
		arguments->plan.thrusterd = argument;
		return 0;
	case KEY_THRUSTERCTL:
		arguments->plan.thrusterctl = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void fill_in(struct plan *plan)
{
	if (plan->repetitions == 0)
		plan->repetitions = plan->is_quick ? REPETITIONS_QUICK : REPETITIONS_DEFAULT;
	plan->sample_ms = plan->is_quick ? SAMPLE_MS_QUICK : SAMPLE_MS;
}

static void list(void)
{
	unsigned i;

	for (i = 0; i < CURVES; i++)
		if (curves[i].is_wanted)
			printf("%s\n", curves[i].name);
}

static void run(const struct arguments *arguments)
{
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	const struct plan *plan = &arguments->plan;
	double seconds;

	jobs_prepare();
	n_repetitions = plan->repetitions;
	for (repetition = 1; repetition <= n_repetitions; repetition++) {
		round_of_classes(plan);
		round_of_clients(plan);
		round_of_slots(plan);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	seconds = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9;
	if (!arguments->json || strcmp(arguments->json, "-") != 0) {
		printf("thruster %s; %u repetitions by turns, samples of %g ms\n",
			thruster_version(), plan->repetitions, plan->sample_ms);
		curves_print();
		printf("\n%.0f s%s\n", seconds, plan->is_quick
			? "\nNOTE: --quick: the figures only show that everything runs" : "");
	}
	if (arguments->json)
		curves_write_json(arguments->json, plan->is_quick, seconds);
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, on_option, NULL, description, NULL, NULL, NULL };
	struct arguments arguments = {
		.plan.thrusterd = BENCH_THRUSTERD,
		.plan.thrusterctl = BENCH_THRUSTERCTL,
	};

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	fill_in(&arguments.plan);
	if (curves_choose(arguments.only, arguments.plan.is_quick) == 0)
		fail("no curve is called %s; --list names them", arguments.only);
	if (arguments.is_list)
		list();
	else
		run(&arguments);
	if (fflush(stdout) != 0)
		fail("cannot write the results");
	return EXIT_SUCCESS;
}
