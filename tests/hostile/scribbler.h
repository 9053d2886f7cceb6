/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HOSTILE_SCRIBBLER_H
#define TESTS_HOSTILE_SCRIBBLER_H

/*
 * A client that means harm: it attaches by hand and writes over everything that it can write to, at
 * random and by design, without a pause, for as long as it lives.
 */

#include "tests/harness/harness.h"

/* What all of them did, in memory that they share with the test. */
struct scribbler_sums {
	uint64_t attached, writes, locks;
	uint64_t refused;   /* what the kernel denied */
	uint64_t succeeded; /* what nobody may do, and it did not */
};

/* Fork one for an arena. It lives until it is killed. */
pid_t scribbler_fork(const struct host *host, const char *arena, unsigned seed,
	struct scribbler_sums *sums);

#endif
