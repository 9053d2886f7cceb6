/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

/* One sample of one workload: workers started, watched until they end, and what they report. */

#include <stdbool.h>
#include <stdint.h>
#include "bench/machine.h"
#include "bench/workloads.h"

struct sample {
	double ns;  /* an operation */
	double dry; /* times that nothing was free, for an operation */
	int64_t elapsed_ns;
	uint64_t switches; /* off a core unasked, all lanes */
};

/* Before the first: signals that are to end the program are blocked from here on. */
void sample_prepare(const struct machine *machine);

/* `ops` of each lane. fail()s when a worker or the daemon does, or when told to stop by a signal.
 */
void sample_take(const struct workload *workload, const struct machine *machine, uint64_t ops,
	struct sample *ret);

#endif
