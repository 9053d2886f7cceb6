/* SPDX-License-Identifier: MIT */
/*
 * A B C A B C: every repetition takes one sample of each workload, so that a machine that grows
 * slow or fast, or is disturbed, does so to all alike, and ratios hold. First each workload is
 * tried, to find how many operations fill a sample; those tries are not counted.
 */

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench/bodies.h"
#include "bench/fail.h"
#include "bench/series.h"
#include "bench/statistics.h"

#define TRY_OPS (20 * OPS_UNIT)
#define OPS_MAX 1e9

static bool is_wanted(const char *name, const char *pattern)
{
	return !pattern || fnmatch(pattern, name, 0) == 0 || strstr(name, pattern);
}

void series_new(struct series *ret, const char *pattern, unsigned repetitions,
	const struct machine *machine)
{
	size_t i;

	ret->n = 0;
	ret->result = calloc(n_workloads, sizeof(*ret->result));
	if (!ret->result)
		fail("out of memory");
	for (i = 0; i < n_workloads; i++) {
		struct result *result = &ret->result[ret->n];

		if (!is_wanted(workloads[i].name, pattern))
			continue;
		result->workload = &workloads[i];
		result->absence = workload_absence(&workloads[i], machine->n_cores);
		result->ns = calloc(repetitions, sizeof(*result->ns));
		if (!result->ns)
			fail("out of memory");
		ret->n++;
	}
}

void series_free(struct series *series)
{
	size_t i;

	for (i = 0; i < series->n; i++)
		free(series->result[i].ns);
	free(series->result);
}

bool series_needs_daemon(const struct series *series)
{
	size_t i;

	for (i = 0; i < series->n; i++)
		if (series->result[i].workload->arena)
			return true;
	return false;
}

static void show_progress(const char *phase, unsigned at, unsigned of, const struct result *result)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s %u of %u: %-40s", phase, at, of, result->workload->name);
}

static void end_progress(const char *phase, unsigned at, unsigned of)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%60s\r", "");
	else
		fprintf(stderr, "%s %u of %u\n", phase, at, of);
}

static uint64_t ops_for(double ns, double sample_ms)
{
	double ops = sample_ms * 1e6 / (ns > 0.01 ? ns : 0.01);

	if (ops > OPS_MAX)
		ops = OPS_MAX;
	return ((uint64_t)ops / OPS_UNIT + 1) * OPS_UNIT;
}

/* How many operations last as long as a sample is to last. */
static void calibrate(struct result *result, const struct plan *plan, const struct machine *machine)
{
	unsigned stretch = result->workload->stretch ? result->workload->stretch : 1;
	double ms = plan->sample_ms * stretch;
	struct sample sample;

	sample_take(result->workload, machine, TRY_OPS, &sample);
	result->ops = ops_for(sample.ns, ms / 4);
	if (plan->is_quick)
		return;
	sample_take(result->workload, machine, result->ops, &sample);
	result->ops = ops_for(sample.ns, ms * 1.1);
}

bool result_is_alone(const struct result *result, const struct machine *machine)
{
	return result->workload->place == PLACE_OWN &&
		workload_lanes(result->workload, machine->n_cores) <= machine->n_cores;
}

/* A sample is judged by whether somebody else had its core, never by its time. */
static void take(struct result *result, const struct plan *plan, const struct machine *machine)
{
	unsigned left = result_is_alone(result, machine) ? plan->retakes : 0;
	struct sample sample;

	sample_take(result->workload, machine, result->ops, &sample);
	while (sample.switches > 0 && left-- > 0) {
		result->retaken++;
		sample_take(result->workload, machine, result->ops, &sample);
	}
	result->ns[result->n++] = sample.ns;
	result->dry += sample.dry;
	result->disturbed += sample.switches > 0;
}

static void summarize(struct result *result)
{
	if (result->n == 0)
		return;
	result->median = quantile(result->ns, result->n, 0.5);
	result->p10 = quantile(result->ns, result->n, 0.1);
	result->p90 = quantile(result->ns, result->n, 0.9);
	result->deviation = median_deviation(result->ns, result->n);
	result->dry /= result->n;
}

void series_run(struct series *series, const struct plan *plan, const struct machine *machine)
{
	unsigned r;
	size_t i;

	for (i = 0; i < series->n; i++) {
		if (series->result[i].absence)
			continue;
		show_progress("trying workload", (unsigned)i + 1, (unsigned)series->n,
			&series->result[i]);
		calibrate(&series->result[i], plan, machine);
	}
	for (r = 0; r < plan->repetitions; r++) {
		for (i = 0; i < series->n; i++) {
			if (series->result[i].absence)
				continue;
			show_progress("repetition", r + 1, plan->repetitions, &series->result[i]);
			take(&series->result[i], plan, machine);
		}
		end_progress("repetition", r + 1, plan->repetitions);
	}
	for (i = 0; i < series->n; i++)
		summarize(&series->result[i]);
}

const struct result *series_find(const struct series *series, const char *name)
{
	size_t i;

	for (i = 0; i < series->n; i++)
		if (strcmp(series->result[i].workload->name, name) == 0)
			return series->result[i].n > 0 ? &series->result[i] : NULL;
	return NULL;
}
