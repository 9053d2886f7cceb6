/* SPDX-License-Identifier: MIT */
/* Relaxed adds, and a maximum by compare-and-swap; a clock that costs no system call. */

#include <time.h>
#include "shm/atomics.h"
#include "shm/probes.h"
#include "shm/waits.h"

#define NS_PER_S 1000000000u

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static struct thr_seat *seat_of(const struct waits_entry *e)
{
	return &e->view->seats[e->self->seat.n];
}

void thr_waits_begin(struct waits_entry *entry, const struct thr_view *view,
	const struct thr_self *self, uint32_t class_)
{
	struct thr_seat *seat;
	uint16_t waiters, peak;

	*entry = (struct waits_entry){ view, self, &view->class_[class_], now_ns() };
	seat = seat_of(entry);
	waiters = add_note(&seat->waiters[class_], 1);
	do
		peak = load_relaxed(&seat->waiters_peak[class_]);
	while (peak < waiters && !cas_note(&seat->waiters_peak[class_], peak, waiters));
	PROBE(wait_begin, entry->class_, self->seat, self_core_hint(self), 0, 0);
}

static void raise_to(uint64_t *max, uint64_t ns)
{
	uint64_t before;

	do
		before = load_relaxed(max);
	while (before < ns && !cas_acquire(max, before, ns));
}

void thr_waits_end(const struct waits_entry *e, int result)
{
	uint64_t ns = now_ns() - e->begun_ns;
	struct core_id core = self_core_hint(e->self);
	struct thr_waits *waits = class_waits(e->class_, core);
	struct thr_core *here = &e->class_->cores[core.n];
	struct thr_seat *seat = seat_of(e);

	add_note(&seat->waiters[e->class_->index], -1);
	add_relaxed(&seat->wait_ns_total, ns);
	raise_to(&seat->wait_max_ns, ns);
	add_relaxed(&here->waits_total, 1);
	if (result < 0)
		add_relaxed(&here->wait_timeouts_total, 1);
	add_relaxed(&waits->ns_total, ns);
	raise_to(&waits->ns_max, ns);
	add_relaxed(&waits->bucket[waits_bucket(ns)], 1);
	PROBE(wait_end, e->class_, e->self->seat, core, ns, (int64_t)result);
}
