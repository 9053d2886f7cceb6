/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HARNESS_PAPER_H
#define TESTS_HARNESS_PAPER_H

/* A ledger that is only memory, for tests of the rooms that write in one. free() it. */

#include <stdlib.h>
#include "daemon/clock.h"
#include "daemon/ledger.h"

static inline struct ledger *paper_ledger(const struct thr_geometry *geometry, uint64_t grace_ns)
{
	struct ledger *ledger = calloc(1, ledger_bytes(geometry));

	if (!ledger)
		abort();
	ledger->geometry = *geometry;
	ledger->counting_since_ns = clock_monotonic_ns();
	ledger->grace_ns = grace_ns;
	return ledger;
}

#endif
