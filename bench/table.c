/* SPDX-License-Identifier: MIT */
/*
 * The table: for each kind a line for each engine, the fastest first, in nanoseconds an operation
 * and as ratios; then our places, the targets, and what disturbed the run.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thruster/client.h>
#include "bench/report.h"
#include "bench/verdicts.h"

static int compare(const void *a, const void *b)
{
	const struct result *const *x = a, *const *y = b;

	return ((*x)->median > (*y)->median) - ((*x)->median < (*y)->median);
}

unsigned report_ranking(const struct series *series, const struct kind *kind,
	const struct result **ret, unsigned max)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < series->n && n < max; i++)
		if (series->result[i].workload.kind == kind && series->result[i].n > 0)
			ret[n++] = &series->result[i];
	qsort(ret, n, sizeof(ret[0]), compare);
	return n;
}

static void print_ratio(const struct result *result, const struct result *unit)
{
	if (unit)
		printf(" %8.2f", result->median / unit->median);
	else
		printf(" %8s", "-");
}

static void print_result(const struct series *series, const struct result *result)
{
	const struct kind *kind = result->workload.kind;
	bool is_limit = kind->group == GROUP_LIMIT;

	printf("  %-12s %9.2f %9.2f %9.2f", is_limit ? kind->name : result->workload.engine->name,
		result->median, result->p10, result->p90);
	print_ratio(result, series_pair(series, kind, "pool"));
	print_ratio(result, series_find(series, "limit/lock-add"));
	printf(" %7.3f %4u/%-4u", result->dry, result->disturbed, result->n);
	if (result->rents > 0)
		printf(" %.3f rents each", result->rents);
	printf("%s%s\n", is_limit ? " " : "", is_limit ? kind->what : "");
}

/* Those that cannot do it have their reason behind them, once for all that share it. */
static void print_absent(const struct series *series, const struct kind *kind)
{
	size_t i, j;

	for (i = 0; i < series->n; i++) {
		const struct result *result = &series->result[i];

		if (result->workload.kind != kind || !*result->absence)
			continue;
		for (j = 0; j < i; j++)
			if (series->result[j].workload.kind == kind &&
				strcmp(series->result[j].absence, result->absence) == 0)
				break;
		if (j < i)
			continue;
		printf("  absent:");
		for (j = i; j < series->n; j++)
			if (series->result[j].workload.kind == kind &&
				strcmp(series->result[j].absence, result->absence) == 0)
				printf(" %s", kind->group == GROUP_LIMIT
						      ? kind->name
						      : series->result[j].workload.engine->name);
		printf(": %s\n", result->absence);
	}
}

static void print_kind(const struct series *series, const struct kind *kind)
{
	const struct result *ranking[64];
	unsigned n = report_ranking(series, kind, ranking, 64), i;

	if (kind->group != GROUP_LIMIT)
		printf("\n%s: %s\n", kind->name, kind->what);
	for (i = 0; i < n; i++)
		print_result(series, ranking[i]);
	print_absent(series, kind);
}

static bool has_kind(const struct series *series, const struct kind *kind)
{
	size_t i;

	for (i = 0; i < series->n; i++)
		if (series->result[i].workload.kind == kind)
			return true;
	return false;
}

/* Where we stand in each kind, beside the best of the others. */
static void print_places(const struct series *series)
{
	const struct result *ranking[64], *us, *best;
	unsigned n, i, place, firsts = 0, kinds_done = 0;
	size_t k;

	printf("\n%-42s %9s %-12s %9s %8s  %s\n", "kind", "pool", "best other", "", "ratio",
		"place");
	for (k = 0; k < n_kinds; k++) {
		us = series_pair(series, &kinds[k], "pool");
		n = report_ranking(series, &kinds[k], ranking, 64);
		if (!us || kinds[k].group == GROUP_OURS)
			continue;
		for (best = NULL, place = 1, i = 0; i < n; i++) {
			if (ranking[i]->workload.engine->family == FAMILY_OURS)
				continue;
			place += ranking[i]->median < us->median;
			best = best ? best : ranking[i];
		}
		if (!best)
			continue;
		firsts += place == 1;
		kinds_done++;
		printf("%-42s %9.2f %-12s %9.2f %8.2f  %u\n", kinds[k].name, us->median,
			best->workload.engine->name, best->median, us->median / best->median,
			place);
	}
	if (kinds_done)
		printf("first in %u of %u\n", firsts, kinds_done);
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
		if (verdict == VERDICT_ABSENT)
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
	if (notes->steal_percent > STEAL_PERCENT_MAX || notes->other_percent > OTHER_PERCENT_MAX)
		printf("NOTE: the machine was not ours alone: do not trust the figures too far\n");
	if (notes->plan->is_quick)
		printf("NOTE: --quick: the figures only show that everything runs\n");
}

static void print_engines(const struct series *series)
{
	size_t i, j;

	printf("\nhow they were configured\n");
	for (i = 1; i < n_engines; i++) {
		for (j = 0; j < series->n && series->result[j].workload.engine != &engines[i]; j++)
			;
		if (j < series->n)
			printf("  %-12s %s: %s%s\n", engines[i].name, engines[i].what,
				engines[i].configured,
				series_has(series, &engines[i]) ? "" : " (absent)");
	}
}

void report_print(const struct series *series, const struct report_notes *notes)
{
	const struct machine *machine = notes->machine;
	size_t i;

	printf("thruster %s on %s, %s, %s, %u cores\n", thruster_version(), machine->model,
		machine->kernel, machine->libc, machine->n_cores);
	printf("ns for a rent and a return; medians of %u repetitions by turns, samples of %g "
		"ms\n\n", notes->plan->repetitions, notes->plan->sample_ms);
	printf("  %-12s %9s %9s %9s %8s %8s %7s %9s\n", "", "median", "p10", "p90", "/pool",
		"/lock", "dry", "disturbed");
	for (i = 0; i < n_kinds; i++)
		if (has_kind(series, &kinds[i]))
			print_kind(series, &kinds[i]);
	print_engines(series);
	print_places(series);
	print_targets(series, machine);
	print_notes(series, notes);
}
