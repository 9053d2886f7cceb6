/* SPDX-License-Identifier: MIT */
/*
 * thruster-bench: what a buffer costs, beside other ways to have one, all in one run. Reads the
 * options, starts a daemon, has the workloads done by turns, reports.
 */

#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/fail.h"
#include "bench/report.h"
#include "bench/rivals.h"
#include "bench/sizes.h"
#include "bench/worker.h"

#define REPETITIONS_DEFAULT 13
#define SAMPLE_MS_DEFAULT 5.0
#define RETAKES_DEFAULT 3
#define REPETITIONS_QUICK 1
#define SAMPLE_MS_QUICK 1.0
#define EXIT_USAGE 2
#define KEY_WORKER 256
#define KEY_CORES 257
#define KEY_SAMPLE 258
#define KEY_RETAKES 259
#define KEY_KINDS 260

__attribute__((visibility("default")))
const char *argp_program_version = "thruster-bench " THRUSTER_VERSION;

static const char description[] =
	"Measure what it costs to rent and return buffers, beside other ways to have them.\v"
	"A thrusterd is started for it, on a socket of its own. The exit status says whether "
	"everything ran, not whether it was fast. bench/README.md says how to read the table.";

static const struct argp_option options[] = {
	{ "list", 'l', NULL, 0, "Name the workloads, and exit" },
	{ "list-kinds", KEY_KINDS, NULL, 0, "Say what is measured of each engine, and exit" },
	{ "only", 'o', "PATTERN", 0,
		"Only workloads whose name has PATTERN in it, or matches it as a file name does" },
	{ "repetitions", 'r', "N", 0, "Samples of each workload (13)" },
	{ "sample-ms", KEY_SAMPLE, "MS", 0, "Length of a sample (5)" },
	{ "retakes", KEY_RETAKES, "N", 0,
		"Take a sample again, up to N times, if another program had its core (3)" },
	{ "quick", 'q', NULL, 0, "Only see that everything runs" },
	{ "json", 'j', "FILE", 0, "Write all results to FILE too; - is standard output" },
	{ "cores", KEY_CORES, "LIST", 0, "Use these cores, for example 0,2-3" },
	{ "thrusterd", 't', "PATH", 0, "The daemon to start (" BENCH_THRUSTERD ")" },
	{ "worker", KEY_WORKER, "ORDER", OPTION_HIDDEN, NULL },
	{ 0 },
};

extern const struct engine_code none_code, pool_code, portable_code, open_code, cas_mask_code,
	circle_code, stacks_code, queue_code, glibc_code, jemalloc_code, mimalloc_code,
	tcmalloc_code;

/* Those that need no library but ours; see worker-main.c for the others. */
static const struct engine_code *const codes[] = { &none_code, &pool_code, &portable_code,
	&open_code, &cas_mask_code, &circle_code, &stacks_code, &queue_code, &glibc_code,
	&jemalloc_code, &mimalloc_code, &tcmalloc_code };

struct arguments {
	const char *only, *json, *thrusterd, *worker, *cores;
	struct plan plan;
	bool is_list;
};

static double number(const char *text, double least, double most, struct argp_state *state)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= least && value <= most))
		argp_error(state, "%s: a number from %g to %g is wanted", text, least, most);
	return value;
}

static void list_kinds(void)
{
	size_t i;

	for (i = 0; i < n_kinds; i++)
		if (kinds[i].group != GROUP_LIMIT)
			printf("%-42s %s\n", kinds[i].name, kinds[i].what);
}

static error_t on_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'l':
		arguments->is_list = true;
		return 0;
	case KEY_KINDS:
		list_kinds();
		exit(EXIT_SUCCESS);
	case 'o':
		arguments->only = argument;
		return 0;
	case 'r':
		arguments->plan.repetitions =
			(unsigned)number(argument, 1, REPETITIONS_MAX, state);
		return 0;
	case KEY_SAMPLE:
		arguments->plan.sample_ms = number(argument, 0.1, 1000, state);
		return 0;
	case KEY_RETAKES:
		arguments->plan.retakes = (unsigned)number(argument, 0, 1000, state);
		return 0;
	case 'q':
		arguments->plan.is_quick = true;
		return 0;
	case 'j':
		arguments->json = argument;
		return 0;
	case KEY_CORES:
		arguments->cores = argument;
		return 0;
	case 't':
		arguments->thrusterd = argument;
		return 0;
	case KEY_WORKER:
		arguments->worker = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void fill_in(struct plan *plan)
{
	if (plan->repetitions == 0)
		plan->repetitions = plan->is_quick ? REPETITIONS_QUICK : REPETITIONS_DEFAULT;
	if (plan->sample_ms <= 0)
		plan->sample_ms = plan->is_quick ? SAMPLE_MS_QUICK : SAMPLE_MS_DEFAULT;
	if (plan->is_quick)
		plan->retakes = 0;
}

static void list(const struct series *series)
{
	size_t i;

	for (i = 0; i < series->n; i++)
		printf("%s\n", series->result[i].workload.name);
}

/* Processor time of this process and all that it has waited for. */
static double own_seconds(void)
{
	struct rusage usage;
	double seconds = 0;
	int who[] = { RUSAGE_SELF, RUSAGE_CHILDREN }, i;

	for (i = 0; i < 2; i++) {
		getrusage(who[i], &usage);
		seconds += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	}
	return seconds;
}

static json_t *class_config(unsigned slot_bytes, unsigned slots, unsigned align_bytes)
{
	json_t *object = json_pack("{s:i, s:i}", "slot_bytes", (int)slot_bytes, "slots",
		(int)slots);

	if (align_bytes)
		json_object_set_new(object, "align_bytes", json_integer(align_bytes));
	return object;
}

static json_t *arena_config(const struct arena *arena)
{
	json_t *classes = json_array();
	unsigned bytes = arena->slot_bytes;
	unsigned most = strcmp(arena->name, ARENA_SIZES) == 0 ? 1u << SIZE_BITS_MAX : bytes;

	for (; bytes <= most; bytes *= 2)
		json_array_append_new(classes,
			class_config(bytes, arena->slots, arena->align_bytes));
	return json_pack("{s:s, s:o}", "name", arena->name, "classes", classes);
}

/* Nothing but the time to attach depends on how many arenas there are: one daemon has them all. */
static json_t *daemon_config(const struct series *series)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n_arenas; i++)
		if (series_needs_arena(series, arenas[i].name))
			json_array_append_new(list, arena_config(&arenas[i]));
	return json_pack("{s:o}", "arenas", list);
}

static void run(struct series *series, const struct arguments *arguments,
	const struct machine *machine)
{
	struct report_notes notes = { .machine = machine, .plan = &arguments->plan };
	struct load before = machine_load(), after;
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	double all, own;

	sample_prepare(machine, arguments->plan.is_quick);
	if (series_needs_daemon(series))
		daemon_start(arguments->thrusterd, daemon_config(series));
	rivals_start(series);
	series_run(series, &arguments->plan, machine);
	rivals_stop();
	daemon_stop();
	after = machine_load();
	own = own_seconds();
	notes.seconds = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9;
	all = (double)(after.all - before.all);
	notes.steal_percent = all > 0 ? 100.0 * (double)(after.steal - before.steal) / all : 0;
	notes.other_percent = 100 *
		((all - (double)(after.idle - before.idle)) / (double)sysconf(_SC_CLK_TCK) - own) /
		notes.seconds;
	if (notes.other_percent < 0)
		notes.other_percent = 0;
	if (!arguments->json || strcmp(arguments->json, "-") != 0)
		report_print(series, &notes);
	if (arguments->json)
		report_write_json(series, &notes, arguments->json);
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, on_option, NULL, description, NULL, NULL, NULL };
	struct arguments arguments = {
		.thrusterd = BENCH_THRUSTERD,
		.plan.retakes = RETAKES_DEFAULT,
	};
	struct machine machine;
	struct series series;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (arguments.worker)
		return worker_main(arguments.worker, codes, sizeof(codes) / sizeof(codes[0]));
	fill_in(&arguments.plan);
	machine_init(&machine, arguments.cores);
	series_new(&series, arguments.only, &arguments.plan, &machine);
	if (series.n == 0)
		fail("no workload is called %s; --list names them", arguments.only);
	if (arguments.is_list)
		list(&series);
	else
		run(&series, &arguments, &machine);
	series_free(&series);
	if (fflush(stdout) != 0)
		fail("cannot write the results");
	return EXIT_SUCCESS;
}
