/* SPDX-License-Identifier: MIT */
/*
 * The targets, as data. Ratios are of medians of one run. A figure in nanoseconds stands where the
 * target names nanoseconds; the one that depends on what a lock-prefixed add costs is a ratio to
 * that.
 */

#include <math.h>
#include <string.h>
#include "bench/verdicts.h"

const struct target targets[] = {
	{ "one buffer, beside a CAS claim (open class)", "single/pool", "single/open", 0.40 },
	{ "one buffer, beside the pool without rseq", "single/pool", "single/portable", 0.40 },
	{ "one buffer, 5 ns where a lock add is 5 ns", "single/pool", "limit/lock-add", 1.0 },
	{ "2 held, beside 1", "nested-2/pool", "single/pool", 1.0 },
	{ "2 held, touched, beside 1 touched", "nested-2/pool/touched", "single/pool/touched",
		1.0 },
	{ "3 held, beside 1", "nested-3/pool", "single/pool", 1.0 },
	{ "3 held, touched, beside 1 touched", "nested-3/pool/touched", "single/pool/touched",
		1.0 },
	{ "32 rents, then 32 returns: ns each", "batch-32/pool", NULL, 5.0 },
	{ "bulk of 32: ns each", "bulk-32/pool", NULL, 1.2 },
	{ "2 threads, beside 1", "threads-2/pool", "single/pool", 1.1 },
	{ "2 processes, beside 1", "processes-2/pool", "single/pool", 1.1 },

	{ "pipe, 128, beside a CAS mask per core", "pipe/pool/128", "pipe/cas-mask/128", 0.25 },
	{ "pipe, 128, beside a queue", "pipe/pool/128", "pipe/queue/128", 1.0 },
	{ "pipe, 4096, beside a CAS mask per core", "pipe/pool/4096", "pipe/cas-mask/128", 0.25 },
	{ "pipe, 4096, beside a queue", "pipe/pool/4096", "pipe/queue/4096", 1.0 },
	{ "pipe of threads, 128, beside CAS masks", "pipe-threads/pool/128",
		"pipe-threads/cas-mask/128", 0.25 },
	{ "pipe of threads, 128, beside a queue", "pipe-threads/pool/128", "pipe-threads/queue/128",
		1.0 },
	{ "pipe of threads, 4096, beside CAS masks", "pipe-threads/pool/4096",
		"pipe-threads/cas-mask/128", 0.25 },
	{ "pipe of threads, 4096, beside a queue", "pipe-threads/pool/4096",
		"pipe-threads/queue/4096", 1.0 },

	{ "touched pipe, 128, beside CAS masks", "pipe-touched/pool/128",
		"pipe-touched/cas-mask/128", 0.25 },
	{ "touched pipe, 128, beside a queue", "pipe-touched/pool/128", "pipe-touched/queue/128",
		1.0 },
	{ "touched pipe, 4096, beside CAS masks", "pipe-touched/pool/4096",
		"pipe-touched/cas-mask/128", 0.25 },
	{ "touched pipe, 4096, beside a queue", "pipe-touched/pool/4096", "pipe-touched/queue/4096",
		1.0 },

	{ "touched, threads, 128, beside CAS masks", "pipe-touched-threads/pool/128",
		"pipe-touched-threads/cas-mask/128", 0.25 },
	{ "touched, threads, 128, beside a queue", "pipe-touched-threads/pool/128",
		"pipe-touched-threads/queue/128", 1.0 },
	{ "touched, threads, 4096, beside CAS masks", "pipe-touched-threads/pool/4096",
		"pipe-touched-threads/cas-mask/128", 0.25 },
	{ "touched, threads, 4096, beside a queue", "pipe-touched-threads/pool/4096",
		"pipe-touched-threads/queue/4096", 1.0 },

	/* The default has to be the better one. */
	{ "spread slots, 128, beside page-aligned", "pipe-touched/pool/128",
		"pipe-touched/pool/128-paged", 1.0 },
	{ "spread slots, 4096, beside page-aligned", "pipe-touched/pool/4096",
		"pipe-touched/pool/4096-paged", 1.0 },
	{ "spread, threads, 4096, beside page-aligned", "pipe-touched-threads/pool/4096",
		"pipe-touched-threads/pool/4096-paged", 1.0 },

	{ "moved every millisecond, beside pinned", "flip/pool", "paid/pool", 1.5 },
	{ "more threads than cores, beside pinned", "crowd-free/pool", "crowd-pinned/pool", 1.5 },
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

const char *workload_verdict(const struct workload *workload, const struct series *series)
{
	const char *verdict = "";
	double value;
	size_t i;

	for (i = 0; i < n_targets; i++) {
		if (strcmp(targets[i].measured, workload->name) != 0)
			continue;
		switch (target_judge(&targets[i], series, &value)) {
		case VERDICT_MISSED:
			return "MISSED";
		case VERDICT_MET:
			verdict = "met";
			break;
		case VERDICT_ABSENT:
			break;
		}
	}
	return verdict;
}
