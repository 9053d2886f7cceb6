/* SPDX-License-Identifier: MIT */
/* Every class is looked at, because the best way may be in any; there are 16 at most. */

#include "shm/plan.h"

/* Can a size be held in this class? The class must have as many slots. size is at least 1. */
static bool way_init(
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
static bool is_better(const struct plan_way *a, const struct plan_way *b)
{
	if (a->fits != b->fits)
		return a->fits;
	return a->waste != b->waste ? a->waste < b->waste : a->class_ > b->class_;
}

bool thr_plan_next(const struct thr_view *view, uint64_t size, const struct plan_way *last,
	struct plan_way *ret)
{
	struct plan_way way;
	bool found = false;
	uint32_t i;

	for (i = 0; i < view->n_classes; i++) {
		if (!way_init(&way, &view->class_[i], i, size) ||
			(last && !is_better(last, &way)))
			continue;
		if (!found || is_better(&way, ret)) {
			*ret = way;
			found = true;
		}
	}
	return found;
}
