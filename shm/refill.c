/* SPDX-License-Identifier: MIT */
/*
 * What a core does when its current segment has nothing left to take: go on to the next one that it
 * holds, walk where a walk may pay, adopt another. As in shm/core.c, what is looked at in plain C
 * is checked again in a restartable sequence.
 */

#include "shm/adopt.h"
#include "shm/core.h"
#include "shm/holder.h"
#include "shm/mask.h"
#include "shm/probes.h"
#include "shm/segment.h"

/* Fewer slots than these are few, and one in so many times that a core finds few it looks for a
 * segment that has more. */
#define FEW 4u
#define SPARE_EVERY 16u

/*
 * Walk a segment, if the core holds it, and make it current if it has n slots in a row. It is not
 * current as of `current`, which was read before. The holder is read before the walk, too: read
 * after it, or not at all, a thread that was moved away could take a segment for its core's that is
 * being relinquished, and put slots of it into the mask that another core rents by then.
 */
static enum section refill_from(
	const struct core_here *here, uint64_t current, uint32_t number, unsigned n)
{
	struct thr_segment *segment = core_segment(here, number);
	uint64_t holder = load_acquire(&segment->holder), takeable; /* [P7] */
	enum section r = SECTION_CHANGED;

	if (holder_who(holder) != holder_of_core(here->core))
		return SECTION_CHANGED;
	takeable = thr_segment_walk(segment, class_segment_slots(here->class_, number));
	if (mask_find_run(takeable, n) >= 0)
		r = section_switch(here->self->section, here->core, here->state, current, segment,
			holder, takeable, current_next(current, number));
	if (r == SECTION_DONE) {
		count_here(&here->state->refills_total, 1);
		PROBE(refill, here->class_, here->self->seat, here->core, mask_count(takeable),
			number);
	} else if (takeable) {
		store_relaxed(&segment->returned, 1);
	}
	return r;
}

/* Not worth to go there for them alone. */
static bool is_few(uint64_t mask)
{
	unsigned i;

	for (i = 1; i < FEW; i++)
		mask &= mask - 1;
	return !mask;
}

/* A walk pays where others returned something, unless there is enough without. */
static bool can_turn_to(const struct core_here *here, uint32_t number, unsigned n)
{
	uint64_t takeable = core_takeable(here, number);

	return mask_find_run(takeable, n) >= 0 &&
	       !(is_few(takeable) && load_relaxed(&core_segment(here, number)->returned));
}

/*
 * What was returned on this core is in a segment's mask already, so the core goes on to it as it
 * is, without a walk. Nobody takes anything out of the mask of a segment that is not current, but
 * who relinquishes it, and that changes the holder. The sequence is told the word that it is while
 * the core holds the segment; if it does not, it is another.
 */
static enum section turn_to(const struct core_here *here, uint64_t current, uint32_t number)
{
	struct thr_segment *segment = core_segment(here, number);
	uint64_t holder = load_acquire(&segment->holder); /* [P7] */
	uint64_t held = holder - holder_who(holder) + holder_of_core(here->core);

	return section_switch(here->self->section, here->core, here->state, current, segment, held,
		0, current_next(current, number));
}

/* The segments of the ring, the one left longest ago first. */
static enum section refill_from_ring(const struct core_here *here, uint64_t current, unsigned n)
{
	uint32_t next = load_relaxed(&here->state->held_next), i;
	enum section r;

	for (i = 0; i < THR_CORE_HELD_MAX; i++) {
		uint32_t *place = &here->state->held[(next + i) % THR_CORE_HELD_MAX];
		uint32_t number = load_relaxed(place);

		if (number >= here->class_->n_segments || number == current_segment(current))
			continue;
		if (can_turn_to(here, number, n))
			r = turn_to(here, current, number);
		else if (load_relaxed(&core_segment(here, number)->returned) ||
			 core_takeable(here, number))
			r = refill_from(here, current, number, n);
		else
			continue;
		if (r != SECTION_CHANGED)
			return r;
	}
	return SECTION_CHANGED;
}

/* The current one itself: nobody may rent from it while it is walked, so the core leaves it. */
static enum section refill_from_current(const struct core_here *here, uint64_t current, unsigned n)
{
	uint32_t number = current_segment(current);
	uint64_t parked = current_next(current, CURRENT_NONE);
	enum section r;

	if (number >= here->class_->n_segments)
		return SECTION_CHANGED;
	r = section_put(here->self->section, here->core, here->state, current,
		&here->state->current, parked);
	if (r != SECTION_DONE)
		return r;
	return refill_from(here, parked, number, n);
}

/* Note in the ring that the core holds a segment; what falls out is relinquished. */
static void ring_add(const struct core_here *here, uint64_t current, uint32_t number)
{
	uint32_t next = load_relaxed(&here->state->held_next) % THR_CORE_HELD_MAX, old;

	old = load_relaxed(&here->state->held[next]);
	if (old == current_segment(current) && old != number) {
		next = (next + 1) % THR_CORE_HELD_MAX;
		old = load_relaxed(&here->state->held[next]);
	}
	store_relaxed(&here->state->held[next], number);
	store_relaxed(&here->state->held_next, (next + 1) % THR_CORE_HELD_MAX);
	if (old < here->class_->n_segments && old != number && old != current_segment(current) &&
		thr_core_holds(here, old))
		thr_core_relinquish(here, old, HOLDER_NOBODY);
}

static enum core_outcome adopt(const struct core_here *here, unsigned n)
{
	uint64_t current = load_relaxed(&here->state->current);
	struct thr_adoption found;

	if (!self_may_hold(here->self, here->core))
		return CORE_NOT_HERE;
	found = thr_adopt(here->class_, holder_of_core(here->core),
		load_relaxed(&here->state->cursor), current_segment(current), n);
	thr_adopt_tell(here->class_, here->self->seat, here->core, &found);
	if (found.segment == ADOPT_NONE)
		return found.was_asked ? CORE_ASKED : CORE_DRY;
	store_relaxed(&here->state->cursor, found.segment);
	count_here(&here->state->adoptions_total, 1);
	/* Not by what was seen before the search: it may have been long. */
	current = load_relaxed(&here->state->current);
	ring_add(here, current, found.segment);
	return CORE_DONE;
}

/*
 * What the core holds is full but for a slot here and there, so that it would go from one to the
 * next for each rent: another segment joins it, if one is near that nobody holds and that has many.
 */
static void adopt_spare(const struct core_here *here)
{
	uint64_t current = load_relaxed(&here->state->current);
	uint32_t number = current_segment(current);

	if (current_version(current) % SPARE_EVERY != 0 ||
		number >= here->class_->n_segments ||
		!is_few(load_relaxed(&core_segment(here, number)->mask)) ||
		!self_may_hold(here->self, here->core))
		return;
	number = thr_adopt_spare(here->class_, holder_of_core(here->core),
		load_relaxed(&here->state->cursor));
	if (number == ADOPT_NONE)
		return;
	store_relaxed(&here->state->cursor, number);
	count_here(&here->state->adoptions_total, 1);
	PROBE(adopt, here->class_, here->self->seat, here->core, number, 0);
	ring_add(here, load_relaxed(&here->state->current), number);
}

/*
 * Nothing is left of what the core rents from: make something current that has n slots in a row.
 * DONE if it is worth to look again.
 */
enum core_outcome thr_core_refill(const struct core_here *here, unsigned n)
{
	uint64_t current;
	enum core_outcome outcome;
	enum section r;

	thr_core_yield(here->class_, here->self, here->core, false);
	current = load_acquire(&here->state->current);
	r = refill_from_ring(here, current, n);
	if (r == SECTION_CHANGED && current_segment(current) < here->class_->n_segments &&
		load_relaxed(&core_segment(here, current_segment(current))->returned))
		r = refill_from_current(here, current, n);
	if (r == SECTION_DONE)
		adopt_spare(here);
	if (r != SECTION_CHANGED)
		return CORE_DONE;
	outcome = adopt(here, n);
	if (outcome != CORE_DRY && outcome != CORE_ASKED)
		return outcome;
	/* The last place to look, whatever its flag says. */
	current = load_acquire(&here->state->current);
	return refill_from_current(here, current, n) == SECTION_CHANGED ? outcome : CORE_DONE;
}

bool thr_core_turn(const struct thr_class_view *class_, const struct thr_self *self,
	struct core_id core)
{
	struct core_here here = { class_, self, core, &class_->cores[core.n] };
	uint64_t current = load_acquire(&here.state->current);
	uint32_t next = load_relaxed(&here.state->held_next), i, number;

	for (i = 0; i < THR_CORE_HELD_MAX && !load_relaxed(&here.state->asked); i++) {
		number = load_relaxed(&here.state->held[(next + i) % THR_CORE_HELD_MAX]);
		if (number >= class_->n_segments || number == current_segment(current) ||
			!can_turn_to(&here, number, 1))
			continue;
		if (turn_to(&here, current, number) != SECTION_DONE)
			return false;
		adopt_spare(&here);
		return true;
	}
	return false;
}
