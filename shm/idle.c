/* SPDX-License-Identifier: MIT */
/* A claim is the one of shm/lane.c, for every slot of a segment and not for the next free one. */

#include "shm/idle.h"
#include "shm/atomics.h"
#include "shm/holder.h"
#include "shm/mask.h"
#include "shm/record.h"
#include "shm/segment.h"

/* As a lane that no thread of the client uses, since the client is the daemon. */
#define LANE 0u

static bool claim(const struct thr_class_view *class_, struct thr_segment *segment, unsigned bit,
	struct seat_id seat, struct thr_idle *idle)
{
	uint64_t *word = &segment->record[bit], record = load_acquire(word);
	uint64_t leased = record_lease(record, seat, 1);

	fence_full(); /* a slot may have become FREE after it was looked at to be stamped */
	if (!class_->is_open && load_acquire(&segment->holder) != idle->holder) /* [P7] */
		return false;
	if (record_is_free(record) && cas_acquire(word, record, leased)) { /* [P1] */
		idle->slots |= (uint64_t)1 << bit;
		idle->record[bit] = leased;
	}
	return true;
}

/* True if the segment was nobody's and is ours. */
static bool hold(struct thr_segment *segment, unsigned slots, uint32_t who, struct thr_idle *idle)
{
	uint64_t holder = load_acquire(&segment->holder); /* [P7] */

	if (holder_who(holder) == HOLDER_REVOKED) {
		thr_segment_clean(segment, slots, holder);
		holder = load_acquire(&segment->holder);
	}
	if (holder_who(holder) != HOLDER_NOBODY || !thr_segment_look(segment, slots))
		return false;
	idle->holder = holder_next(holder, who);
	return thr_segment_adopt(segment, holder, who);
}

static void let_go(struct thr_segment *segment, uint64_t holder)
{
	store_relaxed(&segment->returned, 1);
	cas_holder(&segment->holder, holder, holder_next(holder, HOLDER_NOBODY)); /* [P7] */
}

bool thr_idle_take(const struct thr_class_view *class_, uint32_t number, struct seat_id seat,
	uint64_t among, unsigned most, struct thr_idle *ret)
{
	struct thr_segment *segment = &class_->segments[number];
	unsigned slots = class_segment_slots(class_, number);
	uint64_t takeable;

	ret->slots = 0;
	if (!class_->is_open && !hold(segment, slots, holder_of_thread(seat, LANE), ret))
		return false;
	takeable = thr_segment_look(segment, slots) & among;
	for (; takeable && most--; takeable &= takeable - 1)
		if (!claim(class_, segment, mask_lowest(takeable), seat, ret))
			break;
	if (!ret->slots && !class_->is_open)
		let_go(segment, ret->holder);
	return ret->slots;
}

void thr_idle_return(
	const struct thr_class_view *class_, uint32_t number, const struct thr_idle *idle)
{
	struct thr_segment *segment = &class_->segments[number];
	uint64_t left;

	for (left = idle->slots; left; left &= left - 1) {
		unsigned bit = mask_lowest(left);

		store_release(&segment->record[bit], record_free(idle->record[bit])); /* [P1] */
	}
	if (!class_->is_open)
		let_go(segment, idle->holder);
}

unsigned thr_idle_empty_core(const struct thr_class_view *class_, const struct thr_self *self,
	struct core_id core)
{
	struct core_here here = { class_, self, core, &class_->cores[core.n] };
	uint32_t number;
	unsigned n = 0;

	for (number = 0; number < class_->n_segments; number++)
		n += thr_core_holds(&here, number) &&
		     thr_segment_look(&class_->segments[number],
			     class_segment_slots(class_, number)) &&
		     thr_core_relinquish(&here, number, HOLDER_NOBODY) == SECTION_DONE;
	return n;
}
