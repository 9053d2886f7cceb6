/* SPDX-License-Identifier: MIT */
/*
 * The slow half of waiting. Where a barrier cannot be had although the arena counts on it (a
 * client under a syscall filter), the sleep is cut into slices, so that the worst is a late wake.
 */

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "shm/wait.h"

#define SLICE_NS 10000000L
#define NS_PER_S 1000000000L

int thr_barrier_register(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) < 0 ? -errno
											   : 0;
}

int thr_barrier(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) < 0 ? -errno : 0;
}

struct thr_announcement thr_wait_announce(struct thr_control *control, bool fenced)
{
	struct thr_announcement announced = { .seen = load_acquire(&control->wakes) };

	store_relaxed(&control->waiting, 1);
	if (!fenced)
		announced.is_uncertain = thr_barrier() < 0; /* [P3] */
	fence_full();
	return announced;
}

static bool time_is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static struct timespec time_after(const struct timespec *t, long ns)
{
	long sum = t->tv_nsec + ns;

	return (struct timespec){ t->tv_sec + sum / NS_PER_S, sum % NS_PER_S };
}

int thr_wait_sleep(struct thr_control *control, struct thr_announcement announced,
	const struct timespec *deadline)
{
	const struct timespec *until = deadline;
	struct timespec now, slice;
	long r;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (deadline && !time_is_before(&now, deadline))
		return -ETIMEDOUT;
	if (announced.is_uncertain) {
		slice = time_after(&now, SLICE_NS);
		if (!deadline || time_is_before(&slice, deadline))
			until = &slice;
	}
	r = syscall(SYS_futex, &control->wakes, FUTEX_WAIT_BITSET, announced.seen, until, NULL,
		FUTEX_BITSET_MATCH_ANY);
	(void)r; /* woken, interrupted, out of time, or the word had changed: look again */
	return 0;
}

void thr_wait_wake(struct thr_control *control)
{
	exchange_relaxed(&control->waiting, 0);
	add_release(&control->wakes, 1);
	syscall(SYS_futex, &control->wakes, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}
