/* SPDX-License-Identifier: MIT */
#ifndef BENCH_VERDICTS_H
#define BENCH_VERDICTS_H

/* What is to be reached, and whether it was. */

#include <stddef.h>
#include "bench/series.h"

enum verdict { VERDICT_MET, VERDICT_MISSED, VERDICT_ABSENT };

struct target {
	const char *what;
	const char *measured; /* workload */
	const char *against;  /* workload: its median is the unit; NULL: a nanosecond is */
	double at_most;
};

extern const struct target targets[];
extern const size_t n_targets;

/* Compares what the table prints: two decimals. *ret_value is set unless it is absent. */
enum verdict target_judge(const struct target *target, const struct series *series,
	double *ret_value);

#endif
