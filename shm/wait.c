/* SPDX-License-Identifier: MIT */
/*
 * The slow half of waiting. The futex word counts wakes, by twos; an announcement puts the count
 * that it saw, made odd, into the flag. Whoever wakes raises the count first, then wakes, and only
 * then takes the flag down, if there was nobody more to wake, and only if it still has the value
 * from before: that of waiters who have all been woken. So a waker that is stopped or killed
 * anywhere in between leaves the flag up, and the next one does it all again.
 *
 * The kernel wakes in the order of arrival. One sleeper is woken for each slot that came back. If
 * he finds nothing that he can use, because somebody was faster or the slot is too small for him,
 * he wakes the next, once for each count of wakes, so that all get to look and none goes round for
 * ever.
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

/* What the kernel says, -1 for any error; errno itself is left alone. */
static int futex(uint32_t *word, int operation, uint32_t value, const struct timespec *until)
{
	int error = errno;
	long r = syscall(SYS_futex, word, operation, value, until, NULL, FUTEX_BITSET_MATCH_ANY);

	errno = error;
	return (int)r;
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
	return futex(&control->wakes, FUTEX_WAIT_BITSET, announced.seen, until) == 0;
}

void thr_wait_wake(struct thr_control *control, unsigned n)
{
	uint32_t flag = load_relaxed(&control->waiting);
	int woken;

	add_release(&control->wakes, WAKE_ONE);
	woken = futex(&control->wakes, FUTEX_WAKE, n, NULL);
	if (flag && woken < (int)n)
		cas_flag(&control->waiting, flag, 0);
}

void thr_wait_pass_on(struct thr_control *control)
{
	futex(&control->wakes, FUTEX_WAKE, 1, NULL);
}

void thr_wait_call_visitor(struct thr_control *control)
{
	add_release(&control->visits, 1);
	futex(&control->visits, FUTEX_WAKE, 1, NULL);
}
