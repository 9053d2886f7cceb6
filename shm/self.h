/* SPDX-License-Identifier: MIT */
#ifndef SHM_SELF_H
#define SHM_SELF_H

/*
 * Who rents: one client of an arena, in its own private memory. The daemon has one too, without a
 * seat, to visit cores.
 */

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include "shm/abi.h"
#include "shm/atomics.h"
#include "shm/id.h"
#include "shm/record.h"
#include "shm/section.h"
#include "shm/view.h"

struct thr_self {
	struct section_self section;
	uint64_t addend;           /* record_lease_addend() of one slot for the seat */
	struct seat_id seat;
	uint32_t n_cores;          /* cores that may be held; 0 = none, there is no rseq */
	uint32_t n_cores_all;      /* cores of the arena */
	const uint64_t *visitable; /* the board's */
	struct thr_control *control;
	uint32_t n_seats;
};

/* May the threads on this core hold segments as a core? */
static inline bool self_may_hold(const struct thr_self *self, struct core_id core)
{
	return core.n < self->n_cores &&
	       (load_relaxed(&self->visitable[core.n / 64]) >> core.n % 64 & 1);
}

/* The core that we run on, folded into those of the arena; a hint by the time it is used. */
static inline struct core_id self_core_hint(const struct thr_self *self)
{
	struct core_id core = section_core(self->section);
	int cpu;

	if (core.n < self->n_cores)
		return core;
	cpu = sched_getcpu();
	return (struct core_id){ cpu < 0 ? 0 : (uint32_t)cpu % self->n_cores_all };
}

/* `visitable` NULL: never as a core. */
void thr_self_init(struct thr_self *self, struct seat_id seat, const struct thr_view *view,
	const uint64_t *visitable);

#endif
