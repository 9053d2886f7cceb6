/* SPDX-License-Identifier: MIT */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

/* The same results for people and for programs. */

#include "bench/machine.h"
#include "bench/series.h"

/* Above these the figures are not to be trusted too far. */
#define STEAL_PERCENT_MAX 1
#define OTHER_PERCENT_MAX 5

struct report_notes {
	const struct machine *machine;
	const struct plan *plan;
	double seconds;       /* that the run took */
	double steal_percent; /* of all processors' time, taken by the hypervisor */
	double other_percent; /* of one core: what ran beside us */
};

/* What others do to the medians cannot be seen there; with `notes` it can. */
void report_print(const struct series *series, const struct report_notes *notes);

/* To `path`, "-" is standard output; fail()s if it cannot. */
void report_write_json(const struct series *series, const struct report_notes *notes,
	const char *path);

/* The others that can do the kind, our `pool` among them, the fastest first; how many. */
unsigned report_ranking(const struct series *series, const struct kind *kind,
	const struct result **ret, unsigned max);

#endif
