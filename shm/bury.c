/* SPDX-License-Identifier: MIT */
/*
 * What an offline core holds. No thread runs there, so no sequence is under way; but it may come
 * back at any moment. So everything is marked first such that no sequence that begins later can
 * change it: no segment is current, and none is the core's. Then, if the core is still offline and
 * the mark on `current` is still there, whose version would have grown with any change, there was
 * a moment at which it was offline and all was marked. From that moment on nobody but the daemon
 * can touch what is marked.
 */

#include "shm/atomics.h"
#include "shm/core.h"
#include "shm/holder.h"

static void mark(const struct thr_class_view *class_, uint32_t who)
{
	uint32_t number;

	for (number = 0; number < class_->n_segments; number++) {
		uint64_t *holder = &class_->segments[number].holder, seen = load_acquire(holder);

		if (holder_who(seen) == who)
			cas_holder(holder, seen, holder_next(seen, HOLDER_BURIED | who)); /* [P7] */
	}
}

static unsigned release(const struct thr_class_view *class_, uint32_t who)
{
	uint32_t number;
	unsigned n = 0;

	for (number = 0; number < class_->n_segments; number++) {
		struct thr_segment *segment = &class_->segments[number];
		uint64_t seen = load_acquire(&segment->holder);

		if (holder_who(seen) != (HOLDER_BURIED | who))
			continue;
		store_relaxed(&segment->mask, 0);
		store_relaxed(&segment->returned, 1);
		n += cas_holder(&segment->holder, seen,
			holder_next(seen, HOLDER_NOBODY)); /* [P7] */
	}
	return n;
}

unsigned thr_core_bury(const struct thr_class_view *class_, struct core_id core,
	bool (*is_offline)(struct core_id core, void *userdata), void *userdata)
{
	struct thr_core *state = &class_->cores[core.n];
	uint64_t current, marked;

	if (!is_offline(core, userdata))
		return 0;
	current = load_relaxed(&state->current);
	marked = current_next(current, CURRENT_NONE);
	/* By CAS, since the core may be back by now and have gone on from there. */
	if (!cas_acq_rel(&state->current, current, marked))
		return 0;
	mark(class_, holder_of_core(core));
	fence_full();
	if (!is_offline(core, userdata) || load_relaxed(&state->current) != marked)
		return 0;
	return release(class_, holder_of_core(core));
}

unsigned thr_core_exhume(const struct thr_class_view *class_, struct core_id core)
{
	uint32_t number, who = holder_of_core(core);
	unsigned n = 0;

	for (number = 0; number < class_->n_segments; number++) {
		struct thr_segment *segment = &class_->segments[number];
		uint64_t seen = load_acquire(&segment->holder);

		if (holder_who(seen) != (HOLDER_BURIED | who))
			continue;
		store_relaxed(&segment->returned, 1);
		n += cas_holder(&segment->holder, seen, holder_next(seen, who)); /* [P7] */
	}
	return n;
}
