/* SPDX-License-Identifier: MIT */
/*
 * The order in a claim is what makes it safe against whoever takes the segment away: look at the
 * record; look whether the segment still is the lane's; claim by CAS from the record as it was
 * seen. Who takes it away changes the holder first and stamps the records then, so either the
 * second look sees that, or the CAS fails, or it came before and the slot is leased [P7].
 */

#include <sched.h>
#include "shm/lane.h"
#include "shm/adopt.h"
#include "shm/atomics.h"
#include "shm/circle.h"
#include "shm/holder.h"
#include "shm/mask.h"
#include "shm/record.h"
#include "shm/segment.h"

#define TRIES_MAX 64u

struct berth {
	const struct thr_class_view *class_;
	const struct thr_self *self;
	struct core_id core;
	uint32_t who;
	uint32_t *segment;
	uint64_t *holder;
	uint64_t *mask;
};

void thr_lanes_init(struct thr_lane lanes[LANES])
{
	unsigned i, j;

	for (i = 0; i < LANES; i++)
		for (j = 0; j < THR_CLASSES_MAX; j++)
			lanes[i].class_[j].segment = ADOPT_NONE;
}

/* The lane of this core, or the next that nobody is in. */
static uint32_t lane_enter(struct thr_lane lanes[LANES], uint32_t first)
{
	uint32_t i;

	for (;;) {
		for (i = 0; i < LANES; i++)
			if (try_lock(&lanes[(first + i) % LANES].is_busy))
				return (first + i) % LANES;
		sched_yield();
	}
}

static uint64_t *holder_word(const struct berth *b)
{
	return &b->class_->segments[*b->segment].holder;
}

/*
 * The whole word, with its version: if the segment was taken away and has come back, others may
 * have leased runs in it meanwhile, which the mask knows nothing of.
 */
static bool is_held(const struct berth *b)
{
	return *b->segment < b->class_->n_segments &&
	       load_acquire(holder_word(b)) == *b->holder; /* [P7] */
}

/* Claim n slots in a row by the lane's mask. False if there are none, or not any more. */
static bool claim(const struct berth *b, unsigned n, struct slot_id *ret_slot, uint64_t *ret_record)
{
	int first;

	while ((first = mask_find_run(*b->mask, n)) >= 0) {
		struct slot_id slot = { *b->segment * THR_SEGMENT_SLOTS + (uint32_t)first };
		uint64_t *word = class_record(b->class_, slot), record = load_acquire(word), leased;

		fence_full(); /* a slot may have become FREE after it was looked at to be stamped */
		if (!is_held(b)) /* [P7] */
			return false;
		*b->mask = mask_take(*b->mask, (unsigned)first, n);
		leased = record_lease(record, b->self->seat, n);
		if (record_is_free(record) && cas_acquire(word, record, leased)) { /* [P1] */
			*ret_slot = slot;
			*ret_record = leased;
			return true;
		}
	}
	return false;
}

/* Give up the segment that the lane has and search for one with n slots in a row. */
static enum core_outcome move_on(const struct berth *b, uint32_t start, unsigned n)
{
	struct thr_adoption found;

	if (is_held(b)) {
		store_relaxed(&b->class_->segments[*b->segment].returned, 1);
		cas_holder(holder_word(b), *b->holder,
			holder_next(*b->holder, HOLDER_NOBODY)); /* [P7] */
	}
	*b->segment = ADOPT_NONE;
	found = thr_adopt(b->class_, b->who, start, ADOPT_NONE, n);
	thr_adopt_tell(b->class_, b->self->seat, b->core, &found);
	if (found.segment == ADOPT_NONE)
		return found.was_asked ? CORE_ASKED : CORE_DRY;
	*b->segment = found.segment;
	*b->holder = load_acquire(holder_word(b)); /* [P7] */
	*b->mask = 0;
	if (holder_who(*b->holder) != b->who)
		*b->segment = ADOPT_NONE; /* lost again already */
	return CORE_DONE;
}

static enum core_outcome rent(const struct berth *b, uint32_t start, unsigned n,
	struct slot_id *ret_slot, uint64_t *ret_record)
{
	enum core_outcome outcome;
	unsigned tries;

	for (tries = 0; tries < TRIES_MAX; tries++) {
		if (is_held(b)) {
			if (claim(b, n, ret_slot, ret_record))
				return CORE_DONE;
			*b->mask = thr_segment_walk(&b->class_->segments[*b->segment],
				class_segment_slots(b->class_, *b->segment));
			if (claim(b, n, ret_slot, ret_record))
				return CORE_DONE;
		}
		outcome = move_on(b, start, n);
		if (outcome != CORE_DONE)
			return outcome;
	}
	return CORE_DRY;
}

enum core_outcome thr_lane_rent(const struct thr_class_view *class_, uint32_t class_index,
	const struct thr_self *self, struct thr_lane lanes[LANES], unsigned n,
	struct slot_id *ret_slot, uint64_t *ret_record)
{
	int cpu = sched_getcpu();
	uint32_t core = cpu < 0 ? 0 : (uint32_t)cpu % class_->n_cores;
	uint32_t lane = lane_enter(lanes, core);
	struct berth b = {
		.class_ = class_,
		.self = self,
		.core = { core },
		.who = holder_of_thread(self->seat, lane),
		.segment = &lanes[lane].class_[class_index].segment,
		.holder = &lanes[lane].class_[class_index].holder,
		.mask = &lanes[lane].class_[class_index].mask,
	};
	enum core_outcome outcome = rent(&b, circle_arc(core, class_->n_cores, class_->n_segments),
		n, ret_slot, ret_record);

	unlock(&lanes[lane].is_busy);
	if (outcome == CORE_DONE)
		count_here(&class_->cores[core].rents_total, 1);
	return outcome;
}

void thr_lanes_end(const struct thr_class_view *class_, struct seat_id seat)
{
	uint32_t number;

	for (number = 0; number < class_->n_segments; number++) {
		struct thr_segment *segment = &class_->segments[number];
		uint64_t holder = load_acquire(&segment->holder);

		if (!holder_is_thread(holder_who(holder)) ||
			!seat_id_equal(holder_seat(holder_who(holder)), seat))
			continue;
		store_relaxed(&segment->returned, 1);
		cas_holder(&segment->holder, holder, holder_next(holder, HOLDER_NOBODY)); /* [P7] */
	}
}
