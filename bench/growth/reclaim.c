/* SPDX-License-Identifier: MIT */
/*
 * A client is killed, and the next one waits for what it had: all slots of a class that nobody else
 * uses, so that there is nothing to be had before. It sleeps meanwhile, as a program would.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/growth/job.h"
#include "bench/growth/reclaim.h"

#define STEP_US 100
#define SETTLE_US 2000
#define WAIT_S 20

static void rent_all(struct job *job, struct thruster_pool *pool, struct thruster_lease *leases)
{
	struct timespec deadline;
	unsigned i;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += WAIT_S;
	for (i = 0; i < RECLAIM_SLOTS_HELD; i++) {
		r = thruster_rent_wait(pool, RECLAIM_BYTES, &deadline, &leases[i]);
		if (r < 0)
			job_fail(job, "cannot rent what the dead client had", r);
	}
}

static _Noreturn void be_victim(struct job *job, pid_t parent)
{
	struct thruster_lease leases[RECLAIM_SLOTS_HELD];
	struct thruster_pool *pool;

	child_settle(parent);
	job_go_to(job, job->second_core);
	job_attach(job, &pool);
	rent_all(job, pool, leases);
	__atomic_store_n(&job->reached, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static pid_t start_victim(struct job *job)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		job_fail(job, "cannot start a victim", -errno);
	if (pid == 0)
		be_victim(job, parent);
	while (!__atomic_load_n(&job->reached, __ATOMIC_ACQUIRE)) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			_exit(EXIT_FAILURE); /* it has left word */
		usleep(STEP_US);
	}
	return pid;
}

void reclaim_once(struct job *job)
{
	struct thruster_lease leases[RECLAIM_SLOTS_HELD];
	struct thruster_pool *pool;
	pid_t victim = start_victim(job);
	int64_t start;

	job_attach(job, &pool);
	usleep(SETTLE_US);
	start = clock_ns(CLOCK_MONOTONIC);
	kill(victim, SIGKILL);
	rent_all(job, pool, leases);
	job->value = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e3;
	waitpid(victim, NULL, 0);
	usleep(SETTLE_US); /* the daemon woke us before it had done; do not take its core */
	job_detach(job, pool);
}
