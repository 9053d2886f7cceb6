/* SPDX-License-Identifier: MIT */
/*
 * The program itself does nothing while a sample is taken but wait for signals: a worker that ends,
 * a person who has seen enough, or the time to move a lane to the next core. If one worker fails
 * the others wait for it in vain, so they are ended, and the first to leave word is quoted.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/bodies.h"
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/fail.h"
#include "bench/lane.h"
#include "bench/sample.h"
#include "bench/worker.h"

#define NO_RSEQ "glibc.pthread.rseq=0"
#define SAMPLE_NS_MAX INT64_C(60000000000)
#define FLIP_NS 1000000
#define LOOK_NS 200000000
#define WARM_OPS_MIN (64 * OPS_UNIT) /* enough to touch every buffer of the largest pool */

struct crew {
	const struct workload *workload;
	unsigned n, alive;
	pid_t pid[LANES_MAX];
};

static struct stage *stage;
static int stage_fd;
static struct crew crew;
static sigset_t awaited;

static void end_crew(void)
{
	unsigned i;

	for (i = 0; i < crew.n; i++)
		if (crew.pid[i] > 0)
			kill(crew.pid[i], SIGKILL);
	for (i = 0; i < crew.n; i++)
		if (crew.pid[i] > 0)
			waitpid(crew.pid[i], NULL, 0);
	crew.n = crew.alive = 0;
}

void sample_prepare(const struct machine *machine)
{
	int r = stage_new(&stage, &stage_fd);

	if (r < 0)
		fail("cannot share memory with workers: %s", strerror(-r));
	if (machine->n_cores == 0)
		fail("there is no core to use");
	atexit(end_crew);
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	sigaddset(&awaited, SIGHUP);
	sigaddset(&awaited, SIGINT);
	sigaddset(&awaited, SIGTERM);
	sigprocmask(SIG_BLOCK, &awaited, NULL);
}

/* A process without rseq is one whose libc was told not to register it. */
static void forgo_rseq(void)
{
	const char *tunables = getenv("GLIBC_TUNABLES");
	char text[512];

	snprintf(text, sizeof(text), "%s%s" NO_RSEQ, tunables ? tunables : "",
		tunables && *tunables ? ":" : "");
	setenv("GLIBC_TUNABLES", text, 1);
}

static void start_worker(const struct workload *workload, unsigned process)
{
	static char program[] = "thruster-bench";
	pid_t parent = getpid(), pid = fork();
	char order[64];

	if (pid < 0)
		fail("cannot start a worker: %s", strerror(errno));
	if (pid == 0) {
		char option[] = "--worker";
		char *argv[] = { program, option, order, NULL };

		child_settle(parent);
		if (workload->engine == ENGINE_PORTABLE)
			forgo_rseq();
		snprintf(order, sizeof(order), WORKER_ORDER_FORMAT, (size_t)(workload - workloads),
			process, stage_fd);
		execv("/proc/self/exe", argv);
		_exit(EXIT_FAILURE);
	}
	crew.pid[crew.n++] = pid;
	crew.alive++;
}

static _Noreturn void worker_failed(unsigned i, int status)
{
	char how[64];
	unsigned lane;

	crew.pid[i] = 0;
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "was killed by signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "has ended with status %d", WEXITSTATUS(status));
	for (lane = 0; lane < LANES_MAX; lane++)
		if (*stage->report[lane].error)
			fail("%s: worker %u: %s", crew.workload->name, lane,
				stage->report[lane].error);
	fail("%s: worker process %u %s", crew.workload->name, i, how);
}

static void reap(void)
{
	int status;
	unsigned i;

	daemon_check();
	for (i = 0; i < crew.n; i++) {
		if (crew.pid[i] == 0 || waitpid(crew.pid[i], &status, WNOHANG) != crew.pid[i])
			continue;
		if (status != 0)
			worker_failed(i, status);
		crew.pid[i] = 0;
		crew.alive--;
	}
}

static void flip(const struct machine *machine)
{
	static uint32_t turn;
	pid_t thread = __atomic_load_n(&stage->report[0].thread, __ATOMIC_RELAXED);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(machine->core[++turn % machine->n_cores], &set);
	if (thread > 0 && crew.pid[0] == thread)
		sched_setaffinity(thread, sizeof(set), &set);
}

static void watch(const struct workload *workload, const struct machine *machine)
{
	bool does_flip = workload->place == PLACE_FLIP;
	struct timespec pause = { .tv_nsec = does_flip ? FLIP_NS : LOOK_NS };
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + SAMPLE_NS_MAX;

	while (crew.alive > 0) {
		int signal = sigtimedwait(&awaited, NULL, &pause);

		if (signal > 0 && signal != SIGCHLD)
			fail("stopped by signal %d", signal);
		reap();
		if (does_flip)
			flip(machine);
		if (clock_ns(CLOCK_MONOTONIC) > deadline)
			fail("%s: not done after %d s", workload->name,
				(int)(SAMPLE_NS_MAX / 1000000000));
	}
	crew.n = 0;
}

static void give_orders(const struct workload *workload, const struct machine *machine,
	uint64_t ops)
{
	struct orders *orders = &stage->orders;
	const char *socket = daemon_socket();
	uint64_t warm_ops = ops / 4 / OPS_UNIT * OPS_UNIT;

	stage_reset(stage);
	if (workload->engine == ENGINE_CAS_MASK)
		cas_mask_init(&stage->cas_mask,
			workload->slots ? workload->slots / 64 : machine->n_configured);
	if (workload->engine == ENGINE_QUEUE)
		queue_init(&stage->queue, workload->slots);
	orders->ops = ops;
	orders->warm_ops = warm_ops > WARM_OPS_MIN ? warm_ops : WARM_OPS_MIN;
	orders->n_cores = machine->n_cores;
	memcpy(orders->core, machine->core, sizeof(orders->core));
	if (socket)
		memcpy(orders->socket, socket, strlen(socket) + 1);
}

static void read_reports(const struct workload *workload, unsigned lanes, struct sample *ret)
{
	int64_t start = 0, end = 0, cpu = 0, each = 0;
	double ops = (double)stage->orders.ops;
	uint64_t dry = 0;
	unsigned i;

	*ret = (struct sample){ 0 };
	for (i = 0; i < lanes; i++) {
		const struct report *report = &stage->report[i];

		start = report->start_ns > start ? report->start_ns : start;
		end = report->end_ns > end ? report->end_ns : end;
		each += report->end_ns - report->start_ns;
		cpu += report->cpu_ns;
		dry += report->dry;
		ret->switches += report->switches;
	}
	ret->elapsed_ns = end - start;
	ret->dry = (double)dry / ops / lanes;
	if (workload->figure == FIGURE_SPAN)
		ret->ns = (double)ret->elapsed_ns / ops;
	else
		ret->ns = (double)(workload->figure == FIGURE_CPU ? cpu : each) / ops / lanes;
}

void sample_take(const struct workload *workload, const struct machine *machine, uint64_t ops,
	struct sample *ret)
{
	unsigned i;

	give_orders(workload, machine, ops);
	crew = (struct crew){ .workload = workload };
	for (i = 0; i < workload->processes; i++)
		start_worker(workload, i);
	watch(workload, machine);
	read_reports(workload, workload_lanes(workload, machine->n_cores), ret);
}
