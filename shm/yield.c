/* SPDX-License-Identifier: MIT */
/*
 * Giving segments up: what falls out of the ring, and what somebody else has asked for. As in
 * shm/core.c, what is looked at in plain C is checked again in a restartable sequence.
 */

#include "shm/core.h"
#include "shm/holder.h"
#include "shm/probes.h"
#include "shm/segment.h"
#include "shm/wait.h"

bool thr_core_holds(const struct core_here *here, uint32_t number)
{
	return holder_who(load_acquire(&core_segment(here, number)->holder)) ==
	       holder_of_core(here->core);
}

enum section thr_core_relinquish(const struct core_here *here, uint32_t number, uint32_t to)
{
	struct thr_segment *segment = core_segment(here, number);
	uint64_t holder = load_acquire(&segment->holder);

	if (holder_who(holder) != holder_of_core(here->core))
		return SECTION_CHANGED;
	store_relaxed(&segment->returned, 1);
	return section_relinquish(here->self->section, here->core, here->state, segment, number,
		holder, holder_next(holder, to));
}

/* Any client can write anything there, and a segment held by nobody that exists would be lost. */
static bool is_possible(const struct core_here *here, uint32_t who)
{
	if (holder_is_thread(who))
		return holder_seat(who).n >= 1 && holder_seat(who).n <= here->self->n_seats;
	return holder_is_core(who) && holder_core(who).n < here->class_->n_cores;
}

/* Has a segment that the core holds something to give? */
static bool has_some(const struct core_here *here, uint32_t number)
{
	return thr_core_holds(here, number) &&
	       thr_segment_look(core_segment(here, number),
		       class_segment_slots(here->class_, number));
}

/* Returns how many segments went; *ret_some_are_left if not all did that have something. */
static unsigned yield_to(
	const struct core_here *here, uint32_t to, bool also_current, bool *ret_some_are_left)
{
	uint32_t number;
	unsigned n = 0;

	for (number = 0; number < here->class_->n_segments; number++) {
		uint64_t current = load_relaxed(&here->state->current);
		bool may_go = also_current || number != current_segment(current);

		if (!has_some(here, number))
			continue;
		if (!may_go || thr_core_relinquish(here, number, to) != SECTION_DONE) {
			*ret_some_are_left = true;
			continue;
		}
		if (to != HOLDER_NOBODY)
			PROBE(yield, here->class_, here->self->seat, here->core, to, number);
		to = HOLDER_NOBODY;
		n++;
	}
	return n;
}

/*
 * The question is taken before anything is looked at, so one that comes later is not lost; and put
 * back, for the visitor, if there was something that did not go. Else who waits looks again: also
 * if there was nothing, since what he saw may have become nobody's without a word. (Who is stopped
 * or killed after taking the question takes it along; the daemon has waiters look once a second.)
 */
unsigned thr_core_yield(const struct thr_class_view *class_, const struct thr_self *self,
	struct core_id core, bool also_current)
{
	struct core_here here = { class_, self, core, &class_->cores[core.n] };
	uint32_t to = load_relaxed(&here.state->asked);
	bool some_are_left = false;
	unsigned n;

	/* What the core asks itself is about what the daemon buried: its visitor sees to that. */
	if (to == HOLDER_NOBODY ||
		(to == holder_of_core(core) && !seat_id_equal(self->seat, SEAT_NOBODY)))
		return 0;
	to = take_question(&here.state->asked);
	if (to == HOLDER_NOBODY || to == holder_of_core(core))
		return 0;
	n = yield_to(&here, is_possible(&here, to) ? to : HOLDER_NOBODY, also_current,
		&some_are_left);
	if (n == 0 && some_are_left) {
		if (cas_flag(&here.state->asked, HOLDER_NOBODY, to))
			thr_wait_call_visitor(self->control);
	} else if (wait_is_wanted(self->control, true)) {
		thr_wait_wake(self->control, WAIT_ALL);
	}
	return n;
}
