/* SPDX-License-Identifier: MIT */
/*
 * The program itself only waits meanwhile, for signals: a process that ends, or a person who has
 * seen enough. All processes end with the program, however it ends.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/fail.h"
#include "bench/growth/job.h"

#define JOBS_MAX 4u
#define JOB_NS_MAX INT64_C(60000000000)
#define LOOK_NS 100000000
#define STEP_NS 500000
#define STEP_US 200

static struct job *jobs[JOBS_MAX];
static int cores[2];
static sigset_t awaited;

static void end_all(void)
{
	unsigned i;

	for (i = 0; i < JOBS_MAX; i++)
		if (jobs[i] && jobs[i]->pid > 0 && kill(jobs[i]->pid, SIGKILL) == 0)
			waitpid(jobs[i]->pid, NULL, 0);
}

static void choose_cores(void)
{
	unsigned n = 0;
	cpu_set_t set;
	int i;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		fail("cannot find out about cores: %s", strerror(errno));
	for (i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &set))
			cores[n++] = i;
	if (n == 1)
		cores[1] = cores[0];
}

void jobs_prepare(void)
{
	choose_cores();
	atexit(end_all);
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	sigaddset(&awaited, SIGHUP);
	sigaddset(&awaited, SIGINT);
	sigaddset(&awaited, SIGTERM);
	sigprocmask(SIG_BLOCK, &awaited, NULL);
}

static struct job **place_for(const struct job *job)
{
	unsigned i;

	for (i = 0; i < JOBS_MAX; i++)
		if (jobs[i] == job)
			return &jobs[i];
	fail("too many jobs at a time");
}

_Noreturn void job_fail(struct job *job, const char *what, int r)
{
	snprintf(job->error, sizeof(job->error), "%s: %s", what, strerror(-r));
	_exit(EXIT_FAILURE);
}

void job_go_to(struct job *job, int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		job_fail(job, "cannot go to its core", -errno);
}

struct job *job_start(const struct job *model)
{
	pid_t parent = getpid(), pid;
	struct job **place = place_for(NULL), *job;

	job = mmap(NULL, sizeof(*job), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (job == MAP_FAILED)
		fail("cannot share memory with a job: %s", strerror(errno));
	*job = *model;
	job->socket = daemon_socket();
	job->core = cores[0];
	job->second_core = cores[1];
	pid = fork();
	if (pid < 0)
		fail("cannot start a job: %s", strerror(errno));
	if (pid == 0) {
		child_settle(parent);
		job_go_to(job, job->core);
		job->body(job);
		_exit(EXIT_SUCCESS);
	}
	job->pid = pid;
	*place = job;
	return job;
}

static _Noreturn void job_failed(struct job *job, int status)
{
	job->pid = 0;
	if (*job->error)
		fail("%s: %s", job->name, job->error);
	if (WIFSIGNALED(status))
		fail("%s: the process was killed by signal %d", job->name, WTERMSIG(status));
	fail("%s: the process has ended with status %d", job->name, WEXITSTATUS(status));
}

/* Has it ended well? fail()s if any of them has failed. */
static bool has_ended(const struct job *job)
{
	bool is_over = false;
	unsigned i;
	int status;

	daemon_check();
	for (i = 0; i < JOBS_MAX; i++) {
		if (!jobs[i] || waitpid(jobs[i]->pid, &status, WNOHANG) != jobs[i]->pid)
			continue;
		if (status != 0 || jobs[i] != job)
			job_failed(jobs[i], status);
		is_over = true;
	}
	return is_over;
}

static void pause_for(const struct job *job, long ns, int64_t deadline)
{
	struct timespec pause = { .tv_nsec = ns };
	int signal = sigtimedwait(&awaited, NULL, &pause);

	if (signal > 0 && signal != SIGCHLD)
		fail("stopped by signal %d", signal);
	if (clock_ns(CLOCK_MONOTONIC) > deadline)
		fail("%s: not done after %d s", job->name, (int)(JOB_NS_MAX / 1000000000));
}

void job_reach(struct job *job, uint32_t wanted)
{
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + JOB_NS_MAX;

	__atomic_store_n(&job->wanted, wanted, __ATOMIC_RELEASE);
	while (__atomic_load_n(&job->reached, __ATOMIC_ACQUIRE) < wanted) {
		if (has_ended(job))
			fail("%s: the process has left", job->name);
		pause_for(job, STEP_NS, deadline);
	}
}

double job_end(struct job *job)
{
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + JOB_NS_MAX;
	double value;

	__atomic_store_n(&job->wanted, JOB_LEAVE, __ATOMIC_RELEASE);
	while (!has_ended(job))
		pause_for(job, LOOK_NS, deadline);
	value = job->value;
	*place_for(job) = NULL;
	munmap(job, sizeof(*job));
	return value;
}

double job_run(const struct job *job)
{
	return job_end(job_start(job));
}

void job_attach(struct job *job, struct thruster_pool **ret_pool)
{
	struct thruster_attach_options options = {
		.size = sizeof(options),
		.socket_path = job->socket,
		.label = "thruster-growth",
	};
	int r = thruster_attach(ret_pool, job->arena, &options);

	if (r < 0)
		job_fail(job, "cannot attach", r);
}

void job_detach(struct job *job, struct thruster_pool *pool)
{
	int r = thruster_detach(pool);

	if (r < 0)
		job_fail(job, "cannot detach", r);
}

uint32_t job_await(struct job *job, uint32_t reached)
{
	uint32_t wanted;

	__atomic_store_n(&job->reached, reached, __ATOMIC_RELEASE);
	while ((wanted = __atomic_load_n(&job->wanted, __ATOMIC_ACQUIRE)) <= reached)
		usleep(STEP_US);
	return wanted;
}
