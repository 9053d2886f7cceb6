/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

/* One sample of one workload: workers started, watched until they end, and what they report. */

#include <stdbool.h>
#include <stdint.h>
#include "bench/engines.h"
#include "bench/machine.h"

struct workload {
	const struct kind *kind;
	const struct engine *engine;
	char name[64]; /* kind/engine */
};

struct sample {
	double ns;    /* an operation */
	double dry;   /* times that nothing was free, for an operation */
	double rents; /* for an operation of Kestrel's pipe */
	int64_t elapsed_ns;
	uint64_t switches; /* off a core unasked, all lanes */
	char failure[160]; /* "": there was none */
};

/* Before the first: signals that are to end the program are blocked from here on. */
void sample_prepare(const struct machine *machine, bool is_quick);

/* `ops` of each lane. False, and ret->failure, when a worker fails or is not done in time. fail()s
 * when the daemon does, or when told to stop by a signal. */
bool sample_take(const struct workload *workload, const struct machine *machine, uint64_t ops,
	struct sample *ret);

#endif
