/* SPDX-License-Identifier: MIT */
/*
 * Two rounds of the circle. The first looks only at flags, two lines a segment; the second at the
 * records, and notes what could be had from others. If somebody was faster with what was seen, it
 * all begins anew, a few times.
 */

#include "shm/adopt.h"
#include "shm/atomics.h"
#include "shm/holder.h"
#include "shm/mask.h"
#include "shm/probes.h"
#include "shm/segment.h"

#define TRIES_MAX 8u
#define SPARE_LOOKS 4u
#define SPARE_SLOTS 16u

struct search {
	const struct thr_class_view *class_;
	uint32_t who, start, except;
	unsigned n;
	bool only_flagged;
	bool was_beaten; /* what was seen has changed: look again before there is nothing */
	uint32_t of_thread, of_core; /* the first such with something to take, or ADOPT_NONE */
	uint32_t taken_from;         /* the thread, a holder */
	struct core_id asked;
};

static uint32_t segment_after(const struct thr_class_view *class_, uint32_t segment)
{
	return segment + 1 < class_->n_segments ? segment + 1 : 0;
}

/* Has it what is sought? The flag is taken down, and raised again if so. */
static bool walk_pays(const struct search *s, uint32_t number)
{
	struct thr_segment *segment = &s->class_->segments[number];
	unsigned slots = class_segment_slots(s->class_, number);
	uint64_t takeable = thr_segment_walk(segment, slots);

	if (takeable)
		store_relaxed(&segment->returned, 1);
	return mask_find_run(takeable, s->n) >= 0;
}

static bool look_pays(const struct search *s, uint32_t number)
{
	const struct thr_segment *segment = &s->class_->segments[number];

	return mask_find_run(thr_segment_look(segment, class_segment_slots(s->class_, number)),
		       s->n) >= 0;
}

/* True if the segment is ours now. */
static bool try_segment(struct search *s, uint32_t number)
{
	struct thr_segment *segment = &s->class_->segments[number];
	uint64_t holder = load_acquire(&segment->holder); /* [P7] */
	uint32_t who = holder_who(holder);

	if (who == HOLDER_REVOKED) {
		thr_segment_clean(segment, class_segment_slots(s->class_, number), holder);
		holder = load_acquire(&segment->holder);
		who = holder_who(holder);
	}
	if (who == HOLDER_NOBODY || who == s->who) {
		if (s->only_flagged && !load_relaxed(&segment->returned))
			return false;
		if (!walk_pays(s, number))
			return false;
		if (who == s->who || thr_segment_adopt(segment, holder, s->who))
			return true;
		s->was_beaten = true;
		return false;
	}
	if (s->only_flagged)
		return false;
	if (holder_is_thread(who) && s->of_thread == ADOPT_NONE && look_pays(s, number))
		s->of_thread = number;
	if (holder_is_core(who & ~HOLDER_BURIED) && s->of_core == ADOPT_NONE &&
		look_pays(s, number))
		s->of_core = number;
	return false;
}

static uint32_t go_round(struct search *s)
{
	uint32_t number = s->start, seen;

	for (seen = 0; seen < s->class_->n_segments;
		seen++, number = segment_after(s->class_, number))
		if (number != s->except && try_segment(s, number))
			return number;
	return ADOPT_NONE;
}

static bool take_from_thread(struct search *s)
{
	struct thr_segment *segment = &s->class_->segments[s->of_thread];
	uint64_t holder = load_acquire(&segment->holder); /* [P7] */

	if (holder_is_thread(holder_who(holder))) {
		s->taken_from = holder_who(holder);
		thr_segment_revoke(
			segment, class_segment_slots(s->class_, s->of_thread), holder);
	}
	if (try_segment(s, s->of_thread))
		return true;
	s->was_beaten = true;
	return false;
}

static bool ask(struct search *s)
{
	uint64_t holder = load_relaxed(&s->class_->segments[s->of_core].holder);
	uint32_t who = holder_who(holder) & ~HOLDER_BURIED;
	struct core_id core = holder_core(who);

	if (!holder_is_core(who) || core.n >= s->class_->n_cores) {
		s->was_beaten = true;
		return false;
	}
	s->asked = core;
	store_release(&s->class_->cores[core.n].asked, s->who);
	return true;
}

static struct thr_adoption search(struct search *s)
{
	struct thr_adoption found = { .segment = ADOPT_NONE };

	s->was_beaten = false;
	s->of_thread = s->of_core = ADOPT_NONE;
	s->only_flagged = true;
	found.segment = go_round(s);
	if (found.segment != ADOPT_NONE)
		return found;
	s->only_flagged = false;
	found.segment = go_round(s);
	if (found.segment != ADOPT_NONE)
		return found;
	if (s->of_thread != ADOPT_NONE && take_from_thread(s)) {
		found.segment = s->of_thread;
		found.taken_from = s->taken_from;
	} else if (s->of_core != ADOPT_NONE) {
		found.was_asked = ask(s);
		found.asked_core = s->asked.n;
		found.asked_segment = s->of_core;
	}
	return found;
}

struct thr_adoption thr_adopt(const struct thr_class_view *class_, uint32_t who, uint32_t start,
	uint32_t except, unsigned n)
{
	struct search s = {
		.class_ = class_,
		.who = who,
		.start = start < class_->n_segments ? start : 0,
		.except = except,
		.n = n,
	};
	struct thr_adoption found;
	unsigned tries = 0;

	do
		found = search(&s);
	while (found.segment == ADOPT_NONE && !found.was_asked && s.was_beaten &&
		++tries < TRIES_MAX);
	return found;
}

uint32_t thr_adopt_spare(const struct thr_class_view *class_, uint32_t who, uint32_t start)
{
	uint32_t number = start < class_->n_segments ? start : 0, seen;
	struct thr_segment *segment;
	uint64_t holder, takeable;

	for (seen = 0; seen < SPARE_LOOKS && seen < class_->n_segments; seen++) {
		number = segment_after(class_, number);
		segment = &class_->segments[number];
		holder = load_acquire(&segment->holder); /* [P7] */
		if (holder_who(holder) != HOLDER_NOBODY || !load_relaxed(&segment->returned))
			continue;
		takeable = thr_segment_walk(segment, class_segment_slots(class_, number));
		if (takeable)
			store_relaxed(&segment->returned, 1);
		if (mask_count(takeable) >= SPARE_SLOTS && thr_segment_adopt(segment, holder, who))
			return number;
	}
	return ADOPT_NONE;
}

void thr_adopt_tell(const struct thr_class_view *class_, struct seat_id seat, struct core_id core,
	const struct thr_adoption *found)
{
	if (found->segment != ADOPT_NONE)
		PROBE(adopt, class_, seat, core, found->segment, found->taken_from);
	else if (found->was_asked)
		PROBE(ask, class_, seat, core, found->asked_core, found->asked_segment);
}
