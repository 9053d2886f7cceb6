/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

/*
 * What one run of the daemon tells the next, beside the ledgers: how many runs there were, which
 * arenas are not to be touched any more, and, the reason for it, which arena a thread of the daemon
 * was at work on when the daemon ended. An arena that was under its hands at the end of three runs
 * in a row, none of which had lived long, is what ends them.
 */

#include <stdbool.h>
#include <stdint.h>
#include "daemon/cleanup.h"
#include "daemon/ledger.h"
#include "daemon/store.h"
#include "shm/atomics.h"

#define STATE_ARENAS_MAX 192u
#define STATE_FAILURES_MAX 3u
#define STATE_FAST_NS (60ull * 1000000000ull)

enum state_hand { STATE_LOOP, STATE_VISITOR, STATE_HANDS };

struct state_arena {
	uint32_t id;       /* 0 = unused */
	uint32_t failures; /* runs in a row that ended while they were at work on it */
	uint32_t is_set_aside;
};

struct state {
	uint64_t magic;
	uint64_t version;
	uint64_t runs;                  /* this one included */
	uint64_t restarted_total;       /* runs that found an arena to adopt */
	uint64_t begun_ns, alive_ns;    /* CLOCK_MONOTONIC: this run's start and its last turn */
	uint64_t quarantined_total;
	uint64_t refused_total, violations_total; /* of sessions, all runs */
	/* Of arenas that are gone, so that sums over all only grow. */
	uint64_t reclaimed_clients, reclaimed_leases;
	struct thr_waits reclaims;
	uint64_t audits_total, audit_faults_total;
	uint32_t next_id;
	uint32_t at_work[STATE_HANDS];  /* an arena's id, 0 = none */
	struct state_arena arenas[STATE_ARENAS_MAX];
};

/*
 * Go on with the state that the store holds, or begin a new one, and have it kept. 0 and the state
 * mapped, for as long as the process lives; or -errno.
 */
int state_open(struct state **ret, struct store *store);

/* An id that no arena ever had. */
uint32_t state_new_id(struct state *state);

/* The entry of an arena, made if there is none; NULL if there is no room. */
struct state_arena *state_arena(struct state *state, uint32_t id);
void state_forget_arena(struct state *state, uint32_t id);

/* Its arena goes: what it counted is added to what those before it did. */
void state_keep_totals(struct state *state, const struct ledger *ledger);

static inline void state_end_work(uint32_t **hand)
{
	store_relaxed(*hand, 0);
}

/* For the rest of the scope this hand is at work on that arena. */
#define STATE_AT_WORK(hand, id)                                                                    \
	_cleanup_(state_end_work) uint32_t *at_work_ = (hand);                                     \
	store_relaxed(at_work_, (id))

#endif
