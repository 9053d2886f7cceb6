/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

/* All samples of all workloads chosen, taken by turns, and what they say together. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bench/sample.h"

#define REPETITIONS_MAX 1001u

struct plan {
	unsigned repetitions;
	double sample_ms; /* how long one is to be, at least */
	unsigned retakes; /* how often a disturbed sample is taken again */
	bool is_quick;    /* enough to see that everything runs */
};

struct result {
	struct workload workload;
	char absence[160]; /* why there is nothing else; "" if there is */
	uint64_t ops;      /* of each lane in a sample */
	unsigned n;        /* samples */
	double *ns;        /* each, in the order taken */
	double median, p10, p90, deviation; /* the last: median of |ns - median| */
	double dry, rents;  /* mean, an operation */
	unsigned disturbed; /* samples in which a lane was taken off its core */
	unsigned retaken;   /* such samples that were thrown away */
};

struct series {
	size_t n;
	struct result *result; /* in the order of the tables: by kind, then by engine */
};

/* The workloads whose name matches the shell pattern, or has it as a part; NULL: all, but of pipes,
 * if it is to be quick, only those of one depth. */
void series_new(struct series *ret, const char *pattern, const struct plan *plan,
	const struct machine *machine);
void series_free(struct series *series);

/* Is it one of those that are to be measured? `arena`: one of them has it. */
bool series_has(const struct series *series, const struct engine *engine);
/* Why none of its workloads that it can do is here. */
const char *series_absence(const struct series *series, const struct engine *engine);
bool series_needs_arena(const struct series *series, const char *arena);
bool series_needs_daemon(const struct series *series);

void series_run(struct series *series, const struct plan *plan, const struct machine *machine);

/* Has every lane a core of its own, so that to be taken off it is a disturbance? */
bool result_is_alone(const struct result *result, const struct machine *machine);

/* Of the workload "kind/engine"; NULL: not measured. */
const struct result *series_find(const struct series *series, const char *name);
const struct result *series_pair(const struct series *series, const struct kind *kind,
	const char *engine);

#endif
