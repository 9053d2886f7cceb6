/* SPDX-License-Identifier: MIT */
#ifndef SHM_CORE_H
#define SHM_CORE_H

/*
 * Renting as a core: the threads that run on one core, of whatever process, take the slots of the
 * core's current segment with the restartable sequences of shm/section.h. When that has nothing,
 * the core goes on to the next of the segments that it holds, which has been left alone longest;
 * then to the one it is at; then it adopts another (shm/adopt.h). It keeps THR_CORE_HELD_MAX of
 * them in a ring and relinquishes what falls out.
 *
 * All functions are for core classes (THR_CLAIM_CORE) and lock-free.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/atomics.h"
#include "shm/mask.h"
#include "shm/self.h"
#include "shm/view.h"

enum core_outcome {
	CORE_DONE,
	CORE_DRY,       /* no n free slots in a row that can be had now */
	CORE_ASKED,     /* the same; but another core was asked for some */
	CORE_NOT_HERE,  /* this thread cannot rent as a core: no rseq, a core that may not hold
	                   segments, or it is restarted for ever, as under a debugger's steps */
};

/* A thread and the core that it runs on for now. */
struct core_here {
	const struct thr_class_view *class_;
	const struct thr_self *self;
	struct core_id core;
	struct thr_core *state;
};

static inline struct thr_segment *core_segment(const struct core_here *here, uint32_t number)
{
	return &here->class_->segments[number];
}

/* The mask is a word that any client can write: nothing beyond the class is taken of it. */
static inline uint64_t core_takeable(const struct core_here *here, uint32_t number)
{
	return load_relaxed(&core_segment(here, number)->mask) &
	       mask_low(class_segment_slots(here->class_, number));
}

/* Nothing is left of what the core rents from: make something current that has n slots in a row.
 * DONE if it is worth to look again. shm/refill.c */
enum core_outcome thr_core_refill(const struct core_here *here, unsigned n);

/* Count that an operation begins anew. */
void thr_core_restarted(const struct thr_class_view *class_, const struct thr_self *self,
	struct core_id core);

/* The fast path: lease one slot of the core's current segment, or nothing, if not DONE. The core is
 * one that may be held. Who is told MOVED counts it (thr_core_restarted()). */
static inline enum section core_rent_now(const struct thr_class_view *class_,
	const struct thr_self *self, struct core_id core, struct slot_id *ret_slot,
	uint64_t *ret_record)
{
	enum section r = section_rent(self->section, core, &class_->cores[core.n],
		&class_->segments, &class_->n_segments, &self->addend, ret_slot, ret_record);

	if (r == SECTION_DONE && ret_slot->n >= class_->slots)
		return SECTION_CHANGED; /* any client can write a mask */
	return r;
}

/* Go on to another segment that the core holds and that has slots to take, without a walk. False if
 * there is none, or somebody else wants some: thr_core_rent() sees to it. */
bool thr_core_turn(const struct thr_class_view *class_, const struct thr_self *self,
	struct core_id core);

/* Lease n slots in a row, n from 1 to 64. */
enum core_outcome thr_core_rent(const struct thr_class_view *class_, const struct thr_self *self,
	unsigned n, struct slot_id *ret_slot, uint64_t *ret_record);

/* Slots that were taken out of the mask of the core's current segment and are to be leased one by
 * one. If that is cut short, those that are left are FREE, and a walk finds them. */
struct core_reserved {
	const struct thr_class_view *class_;
	const struct thr_self *self;
	struct section_self section;
	struct core_id core;
	struct thr_core *state;
	uint64_t addend;
	uint64_t current;
	struct thr_segment *segment;
	uint32_t number; /* the segment's */
	uint64_t bits;   /* slots of it that are still to be leased */
};

/* Reserve up to n single slots, at least one if DONE. */
enum core_outcome thr_core_reserve(const struct thr_class_view *class_,
	const struct thr_self *self, unsigned n, struct core_reserved *ret);

/* Lease the next of them. False if nothing more can be made of them: the thread was disturbed. */
static inline bool core_lease_next(
	struct core_reserved *r, struct slot_id *ret_slot, uint64_t *ret_record)
{
	unsigned bit = mask_lowest(r->bits);
	uint64_t *word = &r->segment->record[bit];

	*ret_record = (load_relaxed(word) & RECORD_SEQUENCE_MASK) + r->addend;
	if (section_put(r->section, r->core, r->state, r->current, word, *ret_record) !=
		SECTION_DONE) {
		store_relaxed(&r->segment->returned, 1);
		thr_core_restarted(r->class_, r->self, r->core);
		return false;
	}
	ret_slot->n = r->number * THR_SEGMENT_SLOTS + bit;
	r->bits &= r->bits - 1;
	return true;
}

/* Does the core hold the segment? */
bool thr_core_holds(const struct core_here *here, uint32_t number);

/* Have a segment that the core holds be `to`'s (shm/holder.h). DONE if it went. */
enum section thr_core_relinquish(const struct core_here *here, uint32_t number, uint32_t to);

/*
 * If somebody has asked this core for slots: relinquish a segment that has some to him, and others
 * with some to nobody, and wake who waits. The current one only if `also_current`. The thread must
 * be on the core, or does nothing. Returns how many segments went.
 */
unsigned thr_core_yield(const struct thr_class_view *class_, const struct thr_self *self,
	struct core_id core, bool also_current);

/*
 * Relinquish whatever a core holds that is offline, from afar. If it comes back meanwhile, what was
 * marked for that is the core's again at the next visit. Returns how many segments went. By the
 * daemon alone.
 */
unsigned thr_core_bury(const struct thr_class_view *class_, struct core_id core,
	bool (*is_offline)(struct core_id core, void *userdata), void *userdata);

/*
 * The core is back: what was marked for that and not relinquished is the core's again. By CAS and
 * not in a sequence, because until then it is the daemon's, on whatever core that runs.
 * Returns how many segments came back.
 */
unsigned thr_core_exhume(const struct thr_class_view *class_, struct core_id core);

#endif
