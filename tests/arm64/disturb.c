/* SPDX-License-Identifier: MIT */
/*
 * A timer of the thread's own, whose signal comes to it alone. The handler is two system calls at
 * most; when it returns, the thread is where it was, or at the abort handler of the sequence in
 * which it was, and perhaps on another core.
 */

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include "tests/arm64/disturb.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static __thread uint32_t random_state;
static __thread cpu_set_t everywhere;

static void on_signal(int signal)
{
	uint32_t core, dice = random_state = random_state * 1664525 + 1013904223;
	cpu_set_t set;

	(void)signal;
	if (dice >> 31) {
		sched_yield();
		return;
	}
	core = (dice >> 8) % CPU_SETSIZE % (uint32_t)CPU_COUNT(&everywhere);
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (CPU_ISSET(core, &everywhere))
		sched_setaffinity(0, sizeof(set), &set);
}

void disturb_me(unsigned us, unsigned seed)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	const struct itimerspec period = {
		.it_value.tv_nsec = us * 1000L + 1,
		.it_interval.tv_nsec = us * 1000L,
	};
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	timer_t timer;

	if (us == 0)
		return;
	random_state = seed;
	sched_getaffinity(0, sizeof(everywhere), &everywhere);
	sigaction(SIGUSR1, &action, NULL);
	event.sigev_notify_thread_id = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		timer_settime(timer, 0, &period, NULL);
}
