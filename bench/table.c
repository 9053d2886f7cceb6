/* SPDX-License-Identifier: MIT */
/*
 * The table: a line for each workload, in nanoseconds an operation and as ratios; then the targets,
 * and what disturbed the run.
 */

#include <stdio.h>
#include <string.h>
#include <thruster/client.h>
#include "bench/report.h"
#include "bench/verdicts.h"

#define NAME_WIDTH 37

double report_beside(const struct series *series, const struct result *result, const char *engine)
{
	const char *name = result->workload->name, *slash = strchr(name, '/');
	const struct result *other;
	const char *rest = slash ? strchr(slash + 1, '/') : NULL;
	char wanted[96];

	if (!slash || result->n == 0)
		return 0;
	snprintf(wanted, sizeof(wanted), "%.*s/%s%s", (int)(slash - name), name, engine,
		rest ? rest : "");
	other = series_find(series, wanted);
	return other && other != result ? result->median / other->median : 0;
}

static double beside(const struct result *result, const struct series *series, const char *name)
{
	const struct result *other = series_find(series, name);

	return other ? result->median / other->median : 0;
}

static void print_ratio(double ratio)
{
	if (ratio > 0)
		printf(" %7.2f", ratio);
	else
		printf(" %7s", "-");
}

static void print_result(const struct series *series, const struct result *result)
{
	printf("%-*s", NAME_WIDTH, result->workload->name);
	if (result->absence) {
		printf(" absent: %s\n", result->absence);
		return;
	}
	printf(" %8.2f %8.2f %8.2f", result->median, result->p10, result->p90);
	print_ratio(beside(result, series, "single/pool"));
	print_ratio(beside(result, series, "limit/lock-add"));
	print_ratio(report_beside(series, result, "cas-mask"));
	print_ratio(report_beside(series, result, "queue"));
	printf(" %6.3f %4u/%-4u %s\n", result->dry, result->disturbed, result->n,
		workload_verdict(result->workload, series));
}

/* Most of its samples, although each lane has a core of its own. */
static bool is_disturbed(const struct series *series, const char *name,
	const struct machine *machine)
{
	const struct result *result = name ? series_find(series, name) : NULL;

	return result && result_is_alone(result, machine) && 2 * result->disturbed > result->n;
}

static void print_target(const struct target *target, enum verdict verdict, double value,
	bool is_doubtful)
{
	printf("%-47s ", target->what);
	if (verdict == VERDICT_ABSENT)
		printf("%8s %8.2f absent\n", "-", target->at_most);
	else
		printf("%8.2f %8.2f %s%s\n", value, target->at_most,
			verdict == VERDICT_MET ? "met" : "MISSED",
			is_doubtful ? ", but disturbed" : "");
}

/* Those that nobody asked for are not listed, only counted. */
static void print_targets(const struct series *series, const struct machine *machine)
{
	unsigned count[3] = { 0 };
	double value = 0;
	size_t i;

	printf("\n%-47s %8s %8s\n", "target", "measured", "at most");
	for (i = 0; i < n_targets; i++) {
		const struct target *target = &targets[i];
		enum verdict verdict = target_judge(target, series, &value);

		count[verdict]++;
		if (verdict == VERDICT_ABSENT && series->n < n_workloads)
			continue;
		print_target(target, verdict, value,
			is_disturbed(series, target->measured, machine) ||
				is_disturbed(series, target->against, machine));
	}
	printf("%u met, %u missed, %u absent\n", count[VERDICT_MET], count[VERDICT_MISSED],
		count[VERDICT_ABSENT]);
}

static void print_notes(const struct series *series, const struct report_notes *notes)
{
	unsigned disturbed = 0, samples = 0, retaken = 0;
	size_t i;

	for (i = 0; i < series->n; i++) {
		retaken += series->result[i].retaken;
		if (!result_is_alone(&series->result[i], notes->machine))
			continue;
		disturbed += series->result[i].disturbed;
		samples += series->result[i].n;
	}
	printf("\n%.0f s; of %u samples with cores of their own %u were disturbed, and %u before "
		"them\n", notes->seconds, samples, disturbed, retaken);
	printf("steal %.1f %% of all processors' time; others used %.0f %% of one core\n",
		notes->steal_percent, notes->other_percent);
	if (notes->steal_percent > 1 || notes->other_percent > 5)
		printf("NOTE: the machine was not ours alone: do not trust the figures too far\n");
	if (notes->plan->is_quick)
		printf("NOTE: --quick: the figures only show that everything runs\n");
}

void report_print(const struct series *series, const struct report_notes *notes)
{
	const struct machine *machine = notes->machine;
	size_t i;

	printf("thruster %s on %s, %s, %s, %u cores\n", thruster_version(), machine->model,
		machine->kernel, machine->libc, machine->n_cores);
	printf("ns for a rent and a return; medians of %u repetitions by turns, samples of %g "
		"ms\n\n", notes->plan->repetitions, notes->plan->sample_ms);
	printf("%-*s %8s %8s %8s %7s %7s %7s %7s %6s %9s %s\n", NAME_WIDTH, "workload", "median",
		"p10", "p90", "/single", "/lock", "/cas", "/queue", "dry", "disturbed", "target");
	for (i = 0; i < series->n; i++)
		print_result(series, &series->result[i]);
	print_targets(series, machine);
	print_notes(series, notes);
}
