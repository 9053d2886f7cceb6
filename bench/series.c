/* SPDX-License-Identifier: MIT */
/*
 * A B C A B C: every repetition takes one sample of each workload, so that a machine that grows
 * slow or fast, or is disturbed, does so to all alike, and ratios hold. First each workload is
 * tried, to find how many operations fill a sample; those tries are not counted. Which workloads
 * there are is the product of the kinds and the engines that can do them.
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

#define TRY_OPS (2 * OPS_UNIT)
#define OPS_MAX 1e9
#define QUICK_DEPTH 64

static void workload_name(const struct kind *kind, const struct engine *engine, char *ret,
	size_t size)
{
	snprintf(ret, size, "%s/%s", kind->group == GROUP_LIMIT ? "limit" : kind->name,
		kind->group == GROUP_LIMIT ? kind->name : engine->name);
}

static bool is_wanted(const char *name, const char *pattern)
{
	return !pattern || fnmatch(pattern, name, 0) == 0 || strstr(name, pattern);
}

/* A rival that is not here is found absent once, not for each kind. */
static const char *absence_of(const struct engine *engine)
{
	static const char *known[64];
	static bool is_known[64];
	size_t i = (size_t)(engine - engines);

	if (!is_known[i])
		known[i] = engine_absence(engine);
	is_known[i] = true;
	return known[i];
}

static const char *absence_of_workload(const struct workload *workload,
	const struct machine *machine)
{
	const char *arena = engine_arena(workload->engine, workload->kind);
	const char *refusal = engine_refusal(workload->engine, workload->kind);

	if (refusal)
		return refusal;
	if (workload->kind->cores > machine->n_cores)
		return "needs two cores";
	if (workload->kind->body == BODY_RSEQ && !body_rseq_is_here())
		return "no restartable sequences here";
	if (arena && strcmp(arena, "open") == 0 && machine->n_cores < 2)
		return "one core holds the only segment, so no class is open";
	return absence_of(workload->engine);
}

static void add(struct series *series, const struct kind *kind, const struct engine *engine,
	unsigned repetitions, const struct machine *machine)
{
	struct result *result = &series->result[series->n++];
	const char *absence;

	result->workload.kind = kind;
	result->workload.engine = engine;
	workload_name(kind, engine, result->workload.name, sizeof(result->workload.name));
	absence = absence_of_workload(&result->workload, machine);
	snprintf(result->absence, sizeof(result->absence), "%s", absence ? absence : "");
	result->ns = calloc(repetitions, sizeof(*result->ns));
	if (!result->ns)
		fail("out of memory");
}

static bool is_for(const struct kind *kind, const char *name, const char *pattern,
	const struct plan *plan)
{
	if (!pattern && plan->is_quick && kind->group == GROUP_PIPES && kind->depth != QUICK_DEPTH)
		return false;
	return is_wanted(name, pattern);
}

void series_new(struct series *ret, const char *pattern, const struct plan *plan,
	const struct machine *machine)
{
	const char *refusal;
	char name[64];
	size_t i, j;

	ret->n = 0;
	ret->result = calloc(n_kinds * n_engines, sizeof(*ret->result));
	if (!ret->result)
		fail("out of memory");
	for (i = 0; i < n_kinds; i++) {
		for (j = 0; j < n_engines; j++) {
			refusal = engine_refusal(&engines[j], &kinds[i]);
			workload_name(&kinds[i], &engines[j], name, sizeof(name));
			if ((!refusal || *refusal) && is_for(&kinds[i], name, pattern, plan))
				add(ret, &kinds[i], &engines[j], plan->repetitions, machine);
		}
	}
}

void series_free(struct series *series)
{
	size_t i;

	for (i = 0; i < series->n; i++)
		free(series->result[i].ns);
	free(series->result);
}

bool series_has(const struct series *series, const struct engine *engine)
{
	size_t i;

	for (i = 0; i < series->n; i++)
		if (series->result[i].workload.engine == engine && !*series->result[i].absence)
			return true;
	return false;
}

const char *series_absence(const struct series *series, const struct engine *engine)
{
	const char *refusal;
	size_t i;

	for (i = 0; i < series->n; i++) {
		refusal = engine_refusal(engine, series->result[i].workload.kind);
		if (series->result[i].workload.engine == engine && !refusal)
			return series->result[i].absence;
	}
	return "not asked for";
}

bool series_needs_arena(const struct series *series, const char *name)
{
	const struct workload *workload;
	const char *arena;
	size_t i;

	for (i = 0; i < series->n; i++) {
		workload = &series->result[i].workload;
		arena = engine_arena(workload->engine, workload->kind);
		if (arena && strcmp(arena, name) == 0)
			return true;
	}
	return false;
}

bool series_needs_daemon(const struct series *series)
{
	size_t i;

	for (i = 0; i < n_arenas; i++)
		if (series_needs_arena(series, arenas[i].name))
			return true;
	return false;
}

static void show_progress(const char *phase, unsigned at, unsigned of, const struct result *result)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s %u of %u: %-40s", phase, at, of, result->workload.name);
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

/* What a rival cannot do here is a result too; what our own pool cannot is the end. */
static bool try(struct result *result, const struct machine *machine, struct sample *ret)
{
	if (sample_take(&result->workload, machine, result->ops, ret))
		return true;
	if (result->workload.engine->family == FAMILY_OURS)
		fail("%s: %s", result->workload.name, ret->failure);
	snprintf(result->absence, sizeof(result->absence), "%s", ret->failure);
	result->n = 0;
	return false;
}

/* How many operations last as long as a sample is to last. */
static void calibrate(struct result *result, const struct plan *plan, const struct machine *machine)
{
	unsigned stretch = result->workload.kind->stretch ? result->workload.kind->stretch : 1;
	double ms = plan->sample_ms * stretch;
	struct sample sample;

	result->ops = TRY_OPS;
	if (plan->is_quick || !try(result, machine, &sample))
		return;
	result->ops = ops_for(sample.ns, ms / 4);
	if (!try(result, machine, &sample))
		return;
	result->ops = ops_for(sample.ns, ms * 1.1);
}

bool result_is_alone(const struct result *result, const struct machine *machine)
{
	const struct kind *kind = result->workload.kind;

	return kind->place == PLACE_OWN && kind_lanes(kind, machine->n_cores) <= machine->n_cores;
}

/* A sample is judged by whether somebody else had its core, never by its time. */
static void take(struct result *result, const struct plan *plan, const struct machine *machine)
{
	unsigned left = result_is_alone(result, machine) ? plan->retakes : 0;
	struct sample sample;

	if (!try(result, machine, &sample))
		return;
	while (sample.switches > 0 && left-- > 0) {
		result->retaken++;
		if (!try(result, machine, &sample))
			return;
	}
	result->ns[result->n++] = sample.ns;
	result->dry += sample.dry;
	result->rents += sample.rents;
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
	result->rents /= result->n;
}

void series_run(struct series *series, const struct plan *plan, const struct machine *machine)
{
	unsigned r;
	size_t i;

	for (i = 0; i < series->n; i++) {
		if (*series->result[i].absence)
			continue;
		show_progress("trying workload", (unsigned)i + 1, (unsigned)series->n,
			&series->result[i]);
		calibrate(&series->result[i], plan, machine);
	}
	for (r = 0; r < plan->repetitions; r++) {
		for (i = 0; i < series->n; i++) {
			if (*series->result[i].absence)
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
		if (strcmp(series->result[i].workload.name, name) == 0)
			return series->result[i].n > 0 ? &series->result[i] : NULL;
	return NULL;
}

const struct result *series_pair(const struct series *series, const struct kind *kind,
	const char *engine)
{
	size_t i;

	for (i = 0; i < series->n; i++)
		if (series->result[i].workload.kind == kind && series->result[i].n > 0 &&
			strcmp(series->result[i].workload.engine->name, engine) == 0)
			return &series->result[i];
	return NULL;
}
