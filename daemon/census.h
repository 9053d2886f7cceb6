/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CENSUS_H
#define DAEMON_CENSUS_H

/*
 * Counting an arena by walking its records. The fast path has no clock and no counters of its own:
 * a record's sequence says how often its slot was leased, and the census remembers each record as
 * it last saw it, so the difference counts the rents between two walks and the time since a record
 * last changed is the age of its lease.
 */

#include <stddef.h>
#include <stdint.h>
#include "daemon/ledger.h"
#include "shm/abi.h"
#include "shm/view.h"

/* A lease as the last walk saw it. */
struct census_lease {
	uint32_t class_;
	struct slot_id slot;
	uint64_t record;
	uint64_t age_ns; /* since a walk first saw it; for a lease in transit since it was orphaned,
	                    if its sender has gone */
};

/* What a core holds; in an open class, what lies in its arc. */
struct census_core {
	uint64_t slots, leased, takeable;
};

struct census_class {
	struct thr_class_figures figures;
	uint64_t pending;        /* leases in transit */
	struct census_core *cores;
	struct ledger_class *kept;
	uint64_t *seen;          /* in the ledger: each slot's record at the last walk */
	uint32_t *since;         /* likewise, when that was first seen, in ticks of the census; top
	                            bit: orphaned */
};

struct census_seat {
	uint64_t leases, bytes;          /* those in transit to it included */
	uint64_t pending, pending_bytes; /* these alone */
};

struct census {
	struct census_class class_[THR_CLASSES_MAX];
	struct census_seat *seats; /* 0 to n_seats; 0 collects what no seat should have */
	uint32_t n_classes, n_seats;
	struct ledger *ledger;     /* borrowed: what outlives the daemon */
	uint64_t sampled_ns;       /* CLOCK_MONOTONIC, of the last walk */
	uint64_t duration_ns;      /* that it took */
};

/* Count on from where the ledger is, which stays the caller's. 0 or -ENOMEM. */
int census_init(struct census *census, const struct thr_view *view, struct ledger *ledger);
void census_fini(struct census *census);

/*
 * Walk. Leases in transit whose sender has been gone for the ledger's grace time are taken back;
 * they are added to the ledger's reclaimed_total. Returns how many this walk took.
 */
uint64_t census_walk(struct census *census, const struct thr_view *view);

/* Count who waits; part of a walk, and due before a seat is vacated, so that its peak counts. */
void census_count_waiters(struct census *census, const struct thr_view *view);

/*
 * The leases that the last walk saw, oldest first, at most `limit` (0: all). The array is the
 * caller's. 0 or -ENOMEM.
 */
int census_leases(const struct census *census, const struct thr_view *view, size_t limit,
	struct census_lease **ret_leases, size_t *ret_n);

#endif
