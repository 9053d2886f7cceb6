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
#include <stddef.h>
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

/*
 * The best way after `last` (NULL: the best of all) of holding a size, which is at least 1. False
 * if there is none. Classes are in ascending order of their strides. A wrong size costs a look at
 * each class, a right one a division for each class that is too small for it.
 */
bool thr_plan_next(const struct thr_view *view, uint64_t size, const struct plan_way *last,
	struct plan_way *ret);

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
	if (!thr_plan_next(view, size, NULL, &way) || way.slots > 1)
		return THR_CLASSES_MAX;
	return way.class_;
}

#endif
