/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DAEMON_HANDS_H
#define TESTS_DAEMON_HANDS_H

/*
 * Processes that take what there is: pinned to a core or not, with restartable sequences or as if
 * there were none. Each has a few orders, and says how many slots it got.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/harness/harness.h"

#define HANDS_MAX 4096
#define ANY_CORE (-1)
#define RSEQ_SIGNATURE 0x53053053

struct hand {
	pid_t pid;
	int orders, answers;
};

static inline struct timespec hand_deadline(unsigned ms)
{
	uint64_t t = now_ns() + ms * 1000000ull;

	return (struct timespec){ (time_t)(t / 1000000000u), (long)(t % 1000000000u) };
}

static inline bool pin_to(int core)
{
	cpu_set_t set;

	if (core == ANY_CORE)
		return true;
	CPU_ZERO(&set);
	CPU_SET((unsigned)core, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* The n-th core that this process may run on, or -1. */
static inline int allowed_core(unsigned n)
{
	cpu_set_t set;
	int core;

	sched_getaffinity(0, sizeof(set), &set);
	for (core = 0; core < CPU_SETSIZE; core++)
		if (CPU_ISSET((unsigned)core, &set) && n-- == 0)
			return core;
	return -1;
}

/* From now on this thread is one that cannot rent as a core. */
static inline void forget_rseq(void)
{
	char *self = __builtin_thread_pointer();

	if (__rseq_size)
		syscall(SYS_rseq, self + __rseq_offset, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIGNATURE);
}

/* Take up to n, give back up to n, take and give n times; leave. */
enum { HAND_TAKE, HAND_GIVE, HAND_TURN, HAND_LEAVE };

struct hand_order {
	int what;
	unsigned n;
	size_t size;
};

static inline unsigned hand_obey(struct thruster_pool *pool, struct hand_order order)
{
	static struct thruster_lease leases[HANDS_MAX];
	static unsigned held;
	struct timespec deadline;
	unsigned done = 0;

	for (; done < order.n; done++) {
		deadline = hand_deadline(5000);
		if (order.what != HAND_GIVE && thruster_rent_wait(pool, order.size, &deadline,
						       &leases[held++]) != 0) {
			held--;
			break;
		}
		if (order.what != HAND_TAKE &&
			(held == 0 || thruster_return(pool, &leases[--held]) != 0))
			break;
	}
	return done;
}

static inline struct hand hand_new(const struct host *host, int core, bool has_rseq)
{
	struct thruster_pool *pool;
	int orders[2], answers[2];
	struct hand_order order;
	struct hand hand;
	unsigned n;

	if (pipe(orders) < 0 || pipe(answers) < 0)
		harness_fail("pipe");
	hand = (struct hand){ fork(), orders[1], answers[0] };
	if (hand.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(orders[1]);
		if (!has_rseq)
			forget_rseq();
		if (!pin_to(core))
			_exit(1);
		pool = host_attach(host, NULL);
		while (read(orders[0], &order, sizeof(order)) == sizeof(order) &&
			order.what != HAND_LEAVE) {
			n = hand_obey(pool, order);
			if (write(answers[1], &n, sizeof(n)) != sizeof(n))
				break;
		}
		_exit(thruster_detach(pool) < 0);
	}
	close(orders[0]);
	close(answers[1]);
	return hand;
}

static inline void hand_order(struct hand *hand, int what, unsigned n, size_t size)
{
	struct hand_order order = { what, n, size };

	if (write(hand->orders, &order, sizeof(order)) != sizeof(order))
		harness_fail("an order");
}

static inline unsigned hand_answer(struct hand *hand)
{
	unsigned n = 0;

	if (read(hand->answers, &n, sizeof(n)) != sizeof(n))
		harness_fail("a hand is dead");
	return n;
}

static inline unsigned hand_do(struct hand *hand, int what, unsigned n, size_t size)
{
	hand_order(hand, what, n, size);
	return hand_answer(hand);
}

/* It detaches and ends. */
static inline void hand_end(struct hand *hand)
{
	int status = -1;

	hand_order(hand, HAND_LEAVE, 0, 1);
	close(hand->orders);
	close(hand->answers);
	if (waitpid(hand->pid, &status, 0) != hand->pid || status != 0)
		harness_fail("a hand ended with status %d", status);
}

#endif
