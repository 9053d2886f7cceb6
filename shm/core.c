/* SPDX-License-Identifier: MIT */
/*
 * The slow half of renting as a core. Nothing here is atomic on its own: walks, rings and choices
 * are made in plain C, in which the thread may be preempted, moved or killed anywhere, and only
 * then a restartable sequence checks that nothing has changed and commits. So each function looks
 * at `current` first, and hands what it saw to the sequence.
 */

#include "shm/core.h"
#include "shm/holder.h"
#include "shm/mask.h"
#include "shm/probes.h"
#include "shm/record.h"

/* A try is beaten only by others on the same core, or the same segment, who got something. */
#define TRIES_MAX 64u
/* In a row; a debugger's single steps restart a sequence for ever. */
#define RESTARTS_MAX 256u

__attribute__((noinline, cold)) void thr_core_restarted(const struct thr_class_view *class_,
	const struct thr_self *self, struct core_id core)
{
	count_here(&class_->cores[core.n].restarts_total, 1);
	PROBE(restart, class_, self->seat, core, 0, 0);
}

static bool here_init(struct core_here *here, const struct thr_class_view *class_,
	const struct thr_self *self)
{
	struct core_id core = section_core(self->section);

	if (core.n >= self->n_cores)
		return false;
	*here = (struct core_here){ class_, self, core, &class_->cores[core.n] };
	return true;
}

/* Take n slots in a row of the current segment: out of the mask, and then lease the first. */
static enum section take_run(
	const struct core_here *here, unsigned n, struct slot_id *ret_slot, uint64_t *ret_record)
{
	uint64_t current = load_relaxed(&here->state->current), value, *word;
	uint32_t number = current_segment(current);
	struct thr_segment *segment;
	enum section r;
	int first;

	if (number >= here->class_->n_segments)
		return SECTION_CHANGED;
	segment = core_segment(here, number);
	first = mask_find_run(core_takeable(here, number), n);
	if (first < 0)
		return SECTION_CHANGED;
	r = section_reserve(here->self->section, here->core, here->state, current, segment,
		mask_run((unsigned)first, n), 1);
	if (r != SECTION_DONE)
		return SECTION_MOVED; /* there was a run: look again */
	word = &segment->record[first];
	value = record_lease(load_relaxed(word), here->self->seat, n);
	r = section_put(here->self->section, here->core, here->state, current, word, value);
	if (r != SECTION_DONE) {
		store_relaxed(&segment->returned, 1);
		return SECTION_MOVED;
	}
	ret_slot->n = number * THR_SEGMENT_SLOTS + (uint32_t)first;
	*ret_record = value;
	return SECTION_DONE;
}

static enum section take(
	const struct core_here *here, unsigned n, struct slot_id *ret_slot, uint64_t *ret_record)
{
	enum section r;

	if (n > 1)
		return take_run(here, n, ret_slot, ret_record);
	r = section_rent(here->self->section, here->core, here->state, &here->class_->segments,
		&here->class_->n_segments, &here->self->addend, ret_slot, ret_record);
	if (r == SECTION_DONE && ret_slot->n >= here->class_->slots)
		return SECTION_MOVED; /* a hostile mask; the bit is gone */
	return r;
}

enum core_outcome thr_core_rent(const struct thr_class_view *class_, const struct thr_self *self,
	unsigned n, struct slot_id *ret_slot, uint64_t *ret_record)
{
	unsigned tries, restarts = 0;
	enum core_outcome outcome;
	struct core_here here;

	for (tries = 0; tries < TRIES_MAX && restarts < RESTARTS_MAX;) {
		if (!here_init(&here, class_, self))
			return CORE_NOT_HERE;
		switch (take(&here, n, ret_slot, ret_record)) {
		case SECTION_DONE:
			return CORE_DONE;
		case SECTION_MOVED:
			thr_core_restarted(class_, self, here.core);
			restarts++;
			break;
		case SECTION_CHANGED:
			outcome = thr_core_refill(&here, n);
			if (outcome != CORE_DONE)
				return outcome;
			tries++;
			break;
		}
	}
	return CORE_NOT_HERE;
}

/* The lowest n bits of those that are set; all if there are no more. */
static uint64_t lowest(uint64_t mask, unsigned n)
{
	uint64_t rest = mask, near;

	if (n >= mask_count(mask))
		return mask;
	/* As a rule they stand side by side. */
	near = mask & mask_low(mask_lowest(mask) + n);
	if (mask_count(near) == n)
		return near;
	while (n--)
		rest &= rest - 1;
	return mask ^ rest;
}

static enum section reserve(const struct core_here *here, unsigned n, struct core_reserved *ret)
{
	uint64_t current = load_relaxed(&here->state->current), bits;
	uint32_t number = current_segment(current);
	struct thr_segment *segment;

	if (number >= here->class_->n_segments)
		return SECTION_CHANGED;
	segment = core_segment(here, number);
	bits = lowest(core_takeable(here, number), n);
	if (!bits)
		return SECTION_CHANGED;
	if (section_reserve(here->self->section, here->core, here->state, current, segment, bits,
		    mask_count(bits)) != SECTION_DONE)
		return SECTION_MOVED; /* there was something: look again */
	*ret = (struct core_reserved){
		.class_ = here->class_,
		.self = here->self,
		.section = here->self->section,
		.core = here->core,
		.state = here->state,
		.addend = here->self->addend,
		.current = current,
		.segment = segment,
		.number = number,
		.bits = bits,
	};
	return SECTION_DONE;
}

enum core_outcome thr_core_reserve(const struct thr_class_view *class_,
	const struct thr_self *self, unsigned n, struct core_reserved *ret)
{
	unsigned tries, restarts = 0;
	enum core_outcome outcome;
	struct core_here here;

	for (tries = 0; tries < TRIES_MAX && restarts < RESTARTS_MAX;) {
		if (!here_init(&here, class_, self))
			return CORE_NOT_HERE;
		switch (reserve(&here, n, ret)) {
		case SECTION_DONE:
			return CORE_DONE;
		case SECTION_MOVED:
			thr_core_restarted(class_, self, here.core);
			restarts++;
			break;
		case SECTION_CHANGED:
			outcome = thr_core_refill(&here, 1);
			if (outcome != CORE_DONE)
				return outcome;
			tries++;
			break;
		}
	}
	return CORE_NOT_HERE;
}
