/* SPDX-License-Identifier: MIT */
/*
 * The targets, as data. Ratios are of medians of one run. A figure in nanoseconds stands where the
 * target names nanoseconds; the one that depends on what a lock-prefixed add costs is a ratio to
 * that.
 */

#include <math.h>
#include <string.h>
#include "bench/verdicts.h"

/* Of a pipe with a queue of 64, between threads or processes. */
#define PIPE(how_, slots_, touched_)                                                               \
	{ "pipe, " how_ ", " #slots_ touched_ ", beside a CAS mask",                               \
		"pipe-" how_ "-" #slots_ "-depth-64" touched_ "/pool",                             \
		"pipe-" how_ "-" #slots_ "-depth-64" touched_ "/cas-mask", 0.25 },                 \
		{ "pipe, " how_ ", " #slots_ touched_ ", beside a queue",                          \
			"pipe-" how_ "-" #slots_ "-depth-64" touched_ "/pool",                     \
			"pipe-" how_ "-" #slots_ "-depth-64" touched_ "/queue", 1.0 }

const struct target targets[] = {
	{ "one buffer, beside a CAS claim (open class)", "serial/pool", "serial/open", 0.40 },
	{ "one buffer, beside the pool without rseq", "serial/pool", "serial/portable", 0.40 },
	{ "one buffer, 5 ns where a lock add is 5 ns", "serial/pool", "limit/lock-add", 1.0 },
	{ "2 held, beside 1", "nested-2/pool", "nested-1/pool", 1.0 },
	{ "2 held, touched, beside 1 touched", "nested-2-touched/pool", "nested-1-touched/pool",
		1.0 },
	{ "3 held, beside 1", "nested-3/pool", "nested-1/pool", 1.0 },
	{ "3 held, touched, beside 1 touched", "nested-3-touched/pool", "nested-1-touched/pool",
		1.0 },
	{ "32 rents, then 32 returns: ns each", "batch-32/pool", NULL, 5.0 },
	{ "bulk of 32: ns each", "bulk-32/pool", NULL, 1.2 },
	{ "threads on all cores, beside 1", "threads/pool", "nested-1/pool", 1.1 },
	{ "processes on all cores, beside 1", "processes/pool", "nested-1/pool", 1.1 },

	PIPE("processes", 128, ""),
	PIPE("processes", 4096, ""),
	PIPE("processes", 128, "-touched"),
	PIPE("processes", 4096, "-touched"),
	PIPE("threads", 128, ""),
	PIPE("threads", 4096, ""),
	PIPE("threads", 128, "-touched"),
	PIPE("threads", 4096, "-touched"),

	/* The default has to be the better one. */
	{ "spread slots, 128, beside page-aligned", "pipe-processes-128-depth-64-touched/pool",
		"paged-processes-128/pool", 1.0 },
	{ "spread slots, 4096, beside page-aligned", "pipe-processes-4096-depth-64-touched/pool",
		"paged-processes-4096/pool", 1.0 },
	{ "spread, threads, 4096, beside page-aligned", "pipe-threads-4096-depth-64-touched/pool",
		"paged-threads-4096/pool", 1.0 },

	{ "moved every millisecond, beside pinned", "flip/pool", "paid/pool", 1.5 },
	{ "more threads than cores, beside pinned", "over-free/pool", "over-pinned/pool", 1.5 },
	{ "4 processes on a core, beside 1", "same-core-4/pool", "paid/pool", 1.0 },
};
const size_t n_targets = sizeof(targets) / sizeof(targets[0]);

enum verdict target_judge(const struct target *target, const struct series *series,
	double *ret_value)
{
	const struct result *measured = series_find(series, target->measured);
	const struct result *against = NULL;

	if (target->against)
		against = series_find(series, target->against);
	if (!measured || (target->against && !against))
		return VERDICT_ABSENT;
	*ret_value = against ? measured->median / against->median : measured->median;
	return round(*ret_value * 100) <= round(target->at_most * 100) ? VERDICT_MET
								       : VERDICT_MISSED;
}
