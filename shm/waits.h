/* SPDX-License-Identifier: MIT */
#ifndef SHM_WAITS_H
#define SHM_WAITS_H

/*
 * How long clients wait, told by those who wait: for each class and core in a histogram of powers
 * of two, for each client as a sum and the longest. Who waits has time to count. A waiter who is
 * killed has not waited, as far as the histogram knows; that he waited now is in his client's seat,
 * and goes with it.
 */

#include <stdint.h>
#include "shm/abi.h"
#include "shm/self.h"
#include "shm/view.h"

struct waits_entry {
	const struct thr_view *view;
	const struct thr_self *self;
	const struct thr_class_view *class_;
	uint64_t begun_ns;
};

/* A thread of the client begins to wait for a slot of the class. */
void thr_waits_begin(struct waits_entry *entry, const struct thr_view *view,
	const struct thr_self *self, uint32_t class_);

/* It has waited; `result` is 0 if it got one, or a negative errno. */
void thr_waits_end(const struct waits_entry *entry, int result);

/* Add one histogram, which others may be writing, to a sum of one's own. */
static inline void waits_add(struct thr_waits *sum, const struct thr_waits *waits)
{
	uint64_t max = load_relaxed(&waits->ns_max);
	unsigned i;

	sum->ns_total += load_relaxed(&waits->ns_total);
	sum->ns_max = max > sum->ns_max ? max : sum->ns_max;
	for (i = 0; i < THR_WAIT_BUCKETS; i++)
		sum->bucket[i] += load_relaxed(&waits->bucket[i]);
}

/* The bucket of a wait: the least n with ns <= 2^n, or the last. */
static inline unsigned waits_bucket(uint64_t ns)
{
	unsigned n = ns < 2 ? 0 : 64 - (unsigned)__builtin_clzll(ns - 1);

	return n < THR_WAIT_BUCKETS ? n : THR_WAIT_BUCKETS - 1;
}

#endif
