/* SPDX-License-Identifier: MIT */
/*
 * The program itself does nothing while a sample is taken but wait for signals: a worker that ends,
 * a person who has seen enough, or the time to move a lane to the next core. If one worker fails
 * the others wait for it in vain, so they are ended. What a worker forks ends with it.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/fail.h"
#include "bench/rivals.h"
#include "bench/sample.h"
#include "bench/worker.h"

#define SAMPLE_NS_MAX INT64_C(10000000000)
#define QUICK_NS_MAX INT64_C(1000000000)
#define DRY_NS_MAX INT64_C(500000000)
#define QUICK_DRY_NS_MAX INT64_C(100000000)
#define FLIP_NS 1000000
#define LOOK_NS 200000000
#define WARM_OPS_MIN (8 * OPS_UNIT) /* enough to touch every buffer of the largest pool */

struct crew {
	unsigned n, alive;
	pid_t pid[LANES_MAX];
};

static struct stage *stage;
static int stage_fd;
static int64_t sample_ns_max, dry_ns_max;
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

void sample_prepare(const struct machine *machine, bool is_quick)
{
	int r = stage_new(&stage, &stage_fd);

	sample_ns_max = is_quick ? QUICK_NS_MAX : SAMPLE_NS_MAX;
	dry_ns_max = is_quick ? QUICK_DRY_NS_MAX : DRY_NS_MAX;
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

static _Noreturn void become_worker(const struct workload *workload, unsigned process)
{
	char path[4096], order[64], option[] = WORKER_OPTION;
	char *argv[] = { path, option, order, NULL };

	engine_settle(workload->engine);
	snprintf(order, sizeof(order), WORKER_ORDER_FORMAT, (size_t)(workload->kind - kinds),
		(size_t)(workload->engine - engines), process, stage_fd);
	if (engine_program(workload->engine, path, sizeof(path)))
		execv(path, argv);
	_exit(EXIT_FAILURE);
}

static void start_worker(const struct workload *workload, unsigned process)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		fail("cannot start a worker: %s", strerror(errno));
	if (pid == 0) {
		child_settle(parent);
		become_worker(workload, process);
	}
	crew.pid[crew.n++] = pid;
	crew.alive++;
}

/* The first to leave word is quoted; the others may be waiting for it in vain. */
static void note_failure(unsigned i, int status, struct sample *ret)
{
	size_t size = sizeof(ret->failure);
	unsigned lane;

	for (lane = 0; lane < LANES_MAX; lane++)
		if (*stage->report[lane].error && !*ret->failure)
			snprintf(ret->failure, size, "%s", stage->report[lane].error);
	if (*ret->failure)
		return;
	if (WIFSIGNALED(status))
		snprintf(ret->failure, size, "worker %u was killed by signal %d", i,
			WTERMSIG(status));
	else
		snprintf(ret->failure, size, "worker %u has ended with status %d", i,
			WEXITSTATUS(status));
}

static void reap(struct sample *ret)
{
	int status;
	unsigned i;

	daemon_check();
	for (i = 0; i < crew.n; i++) {
		if (crew.pid[i] == 0 || waitpid(crew.pid[i], &status, WNOHANG) != crew.pid[i])
			continue;
		crew.pid[i] = 0;
		crew.alive--;
		if (status != 0)
			note_failure(i, status, ret);
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

static void watch(const struct workload *workload, const struct machine *machine,
	struct sample *ret)
{
	bool does_flip = workload->kind->place == PLACE_FLIP;
	struct timespec pause = { .tv_nsec = does_flip ? FLIP_NS : LOOK_NS };
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + sample_ns_max;

	while (crew.alive > 0 && !*ret->failure) {
		int signal = sigtimedwait(&awaited, NULL, &pause);

		if (signal > 0 && signal != SIGCHLD)
			fail("stopped by signal %d", signal);
		reap(ret);
		if (does_flip)
			flip(machine);
		if (clock_ns(CLOCK_MONOTONIC) > deadline)
			snprintf(ret->failure, sizeof(ret->failure),
				"stuck: not done after %d s",
				(int)(sample_ns_max / 1000000000));
	}
	end_crew();
}

static void give_orders(const struct workload *workload, const struct machine *machine,
	uint64_t ops)
{
	struct orders *orders = &stage->orders;
	const struct kind *kind = workload->kind;
	const char *socket = daemon_socket();
	static uint32_t number;
	uint64_t warm_ops = ops / 4 / OPS_UNIT * OPS_UNIT;

	stage_reset(stage, stage_fd);
	orders->ops = ops;
	orders->dry_ns_max = dry_ns_max;
	orders->warm_ops = warm_ops > WARM_OPS_MIN ? warm_ops : WARM_OPS_MIN;
	/* An odd number of lines, as our pool spreads its own. */
	orders->stride_bytes = kind->bytes ? kind->bytes + 64 : 0;
	orders->n_cores = machine->n_cores;
	memcpy(orders->core, machine->core, sizeof(orders->core));
	if (socket)
		memcpy(orders->socket, socket, strlen(socket) + 1);
	orders->number = ++number;
	orders->mounts = rivals_mounts(workload->engine);
	if (workload->engine->set_up)
		workload->engine->set_up(stage, kind->slots);
}

static void read_reports(const struct workload *workload, const struct machine *machine,
	struct sample *ret)
{
	unsigned lanes = kind_lanes(workload->kind, machine->n_cores), i;
	int64_t start = 0, end = 0, cpu = 0, each = 0;
	double ops = (double)stage->orders.ops;
	uint64_t dry = 0, rents = 0;

	for (i = 0; i < lanes; i++) {
		const struct report *report = &stage->report[i];

		start = report->start_ns > start ? report->start_ns : start;
		end = report->end_ns > end ? report->end_ns : end;
		each += report->end_ns - report->start_ns;
		cpu += report->cpu_ns;
		dry += report->dry;
		rents += report->rents;
		ret->switches += report->switches;
	}
	ret->elapsed_ns = end - start;
	ret->dry = (double)dry / ops / lanes;
	ret->rents = (double)rents / ops;
	if (workload->kind->figure == FIGURE_SPAN)
		ret->ns = (double)ret->elapsed_ns / ops;
	else if (workload->kind->figure == FIGURE_CPU)
		ret->ns = (double)cpu / ops / lanes;
	else
		ret->ns = (double)each / ops / lanes;
	if (workload->kind->figure == FIGURE_SHARE && lanes > machine->n_cores)
		ret->ns *= (double)machine->n_cores / lanes;
}

bool sample_take(const struct workload *workload, const struct machine *machine, uint64_t ops,
	struct sample *ret)
{
	unsigned processes = kind_processes(workload->kind, machine->n_cores), i;

	*ret = (struct sample){ 0 };
	give_orders(workload, machine, ops);
	crew = (struct crew){ 0 };
	for (i = 0; i < (workload->engine->forks ? 1 : processes); i++)
		start_worker(workload, i);
	watch(workload, machine, ret);
	if (*ret->failure)
		return false;
	read_reports(workload, machine, ret);
	return true;
}
