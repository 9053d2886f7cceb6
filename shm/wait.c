/* SPDX-License-Identifier: MIT */
/*
 * The slow half of waiting. The futex word counts wakes, by twos; an announcement puts the count
 * that it saw, made odd, into the flag. Whoever wakes raises the count first, then wakes, and only
 * then takes the flag down, and only if it still has the value from before: that of waiters who
 * have all been woken. So a waker that is stopped or killed anywhere in between leaves the flag up,
 * and the next one does it all again.
 *
 * Where a barrier cannot be had although the arena counts on it (a client under a system call
 * filter), the sleep is cut into slices, so that the worst is a late wake.
 */

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "shm/wait.h"

#define SLICE_NS 10000000L
#define NS_PER_S 1000000000L

#define WAKE_ONE 2u
#define FLAG_OF(wakes) ((wakes) | 1u)

/* 0 or -errno; errno itself is left alone. */
static int membarrier(int command)
{
	int error = errno, r = syscall(SYS_membarrier, command, 0, 0) < 0 ? -errno : 0;

	errno = error;
	return r;
}

static void futex(uint32_t *word, int operation, uint32_t value, const struct timespec *until)
{
	int error = errno;

	syscall(SYS_futex, word, operation, value, until, NULL, FUTEX_BITSET_MATCH_ANY);
	errno = error;
}

int thr_barrier_register(void)
{
	return membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
}

int thr_barrier(void)
{
	return membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}

struct thr_announcement thr_wait_announce(struct thr_control *control, bool others_fence)
{
	struct thr_announcement announced = { .seen = load_acquire(&control->wakes) };

	store_relaxed(&control->waiting, FLAG_OF(announced.seen));
	if (!others_fence)
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

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (deadline && !time_is_before(&now, deadline))
		return -ETIMEDOUT;
	if (announced.is_uncertain) {
		slice = time_after(&now, SLICE_NS);
		if (!deadline || time_is_before(&slice, deadline))
			until = &slice;
	}
	/* Woken, interrupted, out of time, or the word had changed: look again. */
	futex(&control->wakes, FUTEX_WAIT_BITSET, announced.seen, until);
	return 0;
}

void thr_wait_wake(struct thr_control *control)
{
	uint32_t flag = load_relaxed(&control->waiting);

	add_release(&control->wakes, WAKE_ONE);
	futex(&control->wakes, FUTEX_WAKE, INT32_MAX, NULL);
	if (flag)
		cas_flag(&control->waiting, flag, 0);
}
