/* SPDX-License-Identifier: MIT */
#ifndef SHM_PLAN_H
#define SHM_PLAN_H

/*
 * From a size to the ways of holding it: one slot of a class that is large enough, or a run of up
 * to 64 slots of a smaller core class. The way that wastes least comes first, then the others, so
 * that a request fails only if none of them can be had. Of two that waste the same, the one with
 * fewer slots.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/record.h"
#include "shm/view.h"

struct plan_way {
	uint32_t class_;
	uint32_t slots;
	uint64_t waste; /* bytes */
};

/* Can a size be held in this class? The class must have as many slots. size is at least 1. */
static inline bool plan_way_init(
	struct plan_way *way, const struct thr_class_view *class_, uint32_t index, uint64_t size)
{
	uint64_t n = 1;

	if (size > class_->stride_bytes) {
		if (class_->is_open || size > RECORD_RUN_MAX * class_->stride_bytes)
			return false;
		n = (size + class_->stride_bytes - 1) / class_->stride_bytes;
		if (n > class_->slots)
			return false;
	}
	*way = (struct plan_way){ index, (uint32_t)n, n * class_->stride_bytes - size };
	return true;
}

/*
 * The best way after `last` (NULL: the best of all). False if there is none. Classes are in
 * ascending order of their strides. A wrong size costs a look at each class, a right one a division
 * for each class that is too small for it.
 */
static inline bool plan_next(const struct thr_view *view, uint64_t size,
	const struct plan_way *last, struct plan_way *ret)
{
	struct plan_way way;
	bool found = false;
	uint32_t i;

	/* The largest first, so that of equals the one with fewer slots is met first. */
	for (i = view->n_classes; i-- > 0;) {
		if (!plan_way_init(&way, &view->class_[i], i, size))
			continue;
		if (last && (way.waste < last->waste ||
				    (way.waste == last->waste && i >= last->class_)))
			continue;
		if (!found || way.waste < ret->waste) {
			*ret = way;
			found = true;
		}
	}
	return found;
}

#endif
