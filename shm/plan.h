/* SPDX-License-Identifier: MIT */
#ifndef SHM_PLAN_H
#define SHM_PLAN_H

/*
 * From a size to the ways of holding it: one slot of a class that is large enough, or a run of up
 * to 64 slots of a smaller core class. A slot that fits comes first: one of which no more than half
 * is wasted, but for a line, by which slots are spread. (A run is looked for slot by slot and costs
 * ten times as much, and leaves gaps.) Then the others, the least wasteful first, so that a request
 * fails only if none of them can be had. Of two that waste the same, the one with fewer slots.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/record.h"
#include "shm/view.h"

#define PLAN_LINE 64u

struct plan_way {
	uint32_t class_;
	uint32_t slots;
	bool fits;
	uint64_t waste; /* bytes */
};

/* A slot of the class, which is large enough. */
static inline bool plan_fits(const struct thr_class_view *class_, uint64_t size)
{
	return class_->stride_bytes <= 2 * size + PLAN_LINE;
}

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
	*way = (struct plan_way){ index, (uint32_t)n, n == 1 && plan_fits(class_, size),
		n * class_->stride_bytes - size };
	return true;
}

/* Of equals the one of the larger class has fewer slots. */
static inline bool plan_is_better(const struct plan_way *a, const struct plan_way *b)
{
	if (a->fits != b->fits)
		return a->fits;
	return a->waste != b->waste ? a->waste < b->waste : a->class_ > b->class_;
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

	for (i = 0; i < view->n_classes; i++) {
		if (!plan_way_init(&way, &view->class_[i], i, size) ||
			(last && !plan_is_better(last, &way)))
			continue;
		if (!found || plan_is_better(&way, ret)) {
			*ret = way;
			found = true;
		}
	}
	return found;
}

/* The class of which one slot is the best way: THR_CLASSES_MAX if none is. What fits is found
 * without a division. */
static inline uint32_t plan_class(const struct thr_view *view, uint64_t size)
{
	unsigned bits = size > 1 ? 64 - (unsigned)__builtin_clzll(size - 1) : 0;
	struct plan_way way = { 0 };
	uint32_t i = view->first_class[bits];

	while (i < view->n_classes && view->class_[i].stride_bytes < size)
		i++;
	if (i == view->n_classes)
		return THR_CLASSES_MAX;
	if (plan_fits(&view->class_[i], size))
		return i;
	return plan_next(view, size, NULL, &way) && way.slots == 1 ? way.class_ : THR_CLASSES_MAX;
}

#endif
