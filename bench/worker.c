/* SPDX-License-Identifier: MIT */
/*
 * A worker: get the engine ready, warm up, meet the others, do the work against the clock, go on
 * with it until the last has finished (so that nobody is timed alone), report. Each sample has new
 * ones, so that where the kernel happened to put a process's pages is a matter of one sample only.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/kestrel.h"
#include "bench/sizes.h"
#include "bench/worker.h"

#define TAIL_OPS OPS_UNIT
#define DRY_LOOK 64u /* in so many is a look at the clock */

struct worker {
	const struct engine *engine;
	const struct engine_code *code;
	const struct kind *kind;
	struct stage *stage;
	struct lane *lanes;
	unsigned process, n_processes, n; /* lanes of each */
	struct kestrel kestrel;
};

static struct worker worker;

_Noreturn void lane_fail(struct lane *lane, const char *what, int r)
{
	snprintf(lane->report->error, sizeof(lane->report->error), "%s: %s", what, strerror(-r));
	_exit(EXIT_FAILURE);
}

static _Noreturn void lane_stall(struct lane *lane)
{
	snprintf(lane->report->error, sizeof(lane->report->error),
		"stalled: nothing comes free any more");
	_exit(EXIT_FAILURE);
}

__attribute__((cold, noinline)) void lane_dry(struct lane *lane, int r, unsigned streak)
{
	unsigned spins = streak;

	if (r != -ENOBUFS)
		lane_fail(lane, "cannot rent", r);
	if (streak == 0)
		lane->dry_since_ns = clock_ns(CLOCK_MONOTONIC);
	else if (streak % DRY_LOOK == 0 &&
		 clock_ns(CLOCK_MONOTONIC) - lane->dry_since_ns > lane->stage->orders.dry_ns_max)
		lane_stall(lane);
	lane->report->dry++;
	spin(&spins);
}

static unsigned all_lanes(void)
{
	return worker.n * worker.n_processes;
}

void lane_place(struct lane *lane)
{
	const struct orders *orders = &lane->stage->orders;
	enum place place = lane->kind->place;
	unsigned first = place == PLACE_FIRST ? 0 : lane->index % orders->n_cores, i;
	cpu_set_t set;

	CPU_ZERO(&set);
	if (place == PLACE_FREE) {
		for (i = 0; i < orders->n_cores; i++)
			CPU_SET(orders->core[i], &set);
	} else {
		CPU_SET(orders->core[first], &set);
	}
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		lane_fail(lane, "cannot go to its core", -errno);
}

static uint64_t switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_nivcsw;
}

static void measure(struct lane *lane, body_f *body)
{
	struct report *report = lane->report;
	uint64_t ops = lane->stage->orders.ops, switches_before;
	int64_t cpu_ns;

	body(lane, lane->stage->orders.warm_ops);
	stage_meet(lane->stage, MEET_START, all_lanes());
	report->dry = report->rents = 0;
	switches_before = switches();
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	report->start_ns = clock_ns(CLOCK_MONOTONIC);
	body(lane, ops);
	report->end_ns = clock_ns(CLOCK_MONOTONIC);
	report->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	report->switches = switches() - switches_before;
}

/* The lanes of a pipe need each other, and end together. */
static void keep_company(struct lane *lane, body_f *body)
{
	struct stage *stage = lane->stage;
	uint64_t dry = lane->report->dry, rents = lane->report->rents;

	__atomic_add_fetch(&stage->finished, 1, __ATOMIC_RELAXED);
	if (lane->kind->figure != FIGURE_SPAN)
		while (__atomic_load_n(&stage->finished, __ATOMIC_RELAXED) < all_lanes())
			body(lane, TAIL_OPS);
	lane->report->dry = dry;
	lane->report->rents = rents;
	stage_meet(stage, MEET_END, all_lanes());
}

static void *lane_main(void *argument)
{
	struct lane *lane = argument;
	const struct engine_code *code = worker.code;
	body_f *body = code->bodies[lane->kind->body];
	int r;

	lane_place(lane);
	lane->report->thread = (int32_t)syscall(SYS_gettid);
	if (lane->pool)
		lane->report->client = thruster_client_id(lane->pool);
	if (code->enter_lane) {
		r = code->enter_lane(lane);
		if (r < 0)
			lane_fail(lane, "cannot begin", r);
	}
	stage_meet(lane->stage, MEET_READY, all_lanes());
	lane->peer = lane->stage->report[1].client;
	if (lane->kind->held)
		code->begin(lane);
	measure(lane, body);
	keep_company(lane, body);
	if (lane->kind->held)
		code->end(lane);
	if (code->leave_lane)
		code->leave_lane(lane);
	return NULL;
}

static void run_lanes(void)
{
	pthread_t threads[LANES_MAX];
	unsigned i;
	int r;

	for (i = 1; i < worker.n; i++) {
		r = pthread_create(&threads[i], NULL, lane_main, &worker.lanes[i]);
		if (r != 0)
			lane_fail(&worker.lanes[i], "cannot start a thread", -r);
	}
	lane_main(&worker.lanes[0]);
	for (i = 1; i < worker.n; i++)
		pthread_join(threads[i], NULL);
}

static void number_lanes(unsigned process)
{
	unsigned i;

	worker.process = process;
	for (i = 0; i < worker.n; i++) {
		struct lane *lane = &worker.lanes[i];

		lane->kind = worker.kind;
		lane->stage = worker.stage;
		lane->kestrel = &worker.kestrel;
		lane->index = process * worker.n + i;
		lane->report = &worker.stage->report[lane->index];
		sizes_draw(lane);
	}
}

/* Some can share only what they had before they became two. */
static void fork_others(pid_t *ret_pids)
{
	pid_t parent = getpid();
	unsigned i;

	for (i = 1; i < worker.n_processes; i++) {
		ret_pids[i] = fork();
		if (ret_pids[i] < 0)
			lane_fail(&worker.lanes[0], "cannot fork", -errno);
		if (ret_pids[i] > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_FAILURE);
		number_lanes(i);
		run_lanes();
		_exit(EXIT_SUCCESS);
	}
}

static int await_others(const pid_t *pids)
{
	int status, result = EXIT_SUCCESS;
	unsigned i;

	for (i = 1; i < worker.n_processes; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status != 0)
			result = EXIT_FAILURE;
	return result;
}

static int work(void)
{
	const struct engine_code *code = worker.code;
	struct lane *first = &worker.lanes[0];
	pid_t pids[LANES_MAX] = { 0 };
	int r = 0;

	lane_place(first);
	if (code->enter)
		r = code->enter(first);
	if (r < 0)
		lane_fail(first, "cannot begin", r);
	for (unsigned i = 1; i < worker.n; i++) {
		worker.lanes[i].pool = first->pool;
		worker.lanes[i].own = first->own;
	}
	if (worker.engine->forks)
		fork_others(pids);
	run_lanes();
	if (worker.engine->forks && await_others(pids) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	if (code->leave)
		code->leave(first);
	return EXIT_SUCCESS;
}

const struct engine_code *engine_code_find(const char *name,
	const struct engine_code *const *codes, size_t n)
{
	while (n > 0 && strcmp(codes[n - 1]->name, name) != 0)
		n--;
	return n > 0 ? codes[n - 1] : NULL;
}

int worker_main(const char *order, const struct engine_code *const *codes, size_t n)
{
	size_t kind, engine, bytes;
	unsigned process;
	int fd;

	if (sscanf(order, WORKER_ORDER_FORMAT, &kind, &engine, &process, &fd) != 4 ||
		kind >= n_kinds || engine >= n_engines || stage_open(&worker.stage, fd) < 0)
		return EXIT_FAILURE;
	worker.kind = &kinds[kind];
	worker.engine = &engines[engine];
	worker.n = kind_threads(worker.kind, worker.stage->orders.n_cores);
	worker.n_processes = kind_processes(worker.kind, worker.stage->orders.n_cores);
	worker.code = engine_code_find(worker.engine->name, codes, n);
	if (!worker.code || process >= worker.n_processes)
		return EXIT_FAILURE;
	bytes = worker.n * sizeof(*worker.lanes);
	worker.lanes = aligned_alloc(APART, bytes);
	if (!worker.lanes)
		return EXIT_FAILURE;
	memset(worker.lanes, 0, bytes);
	number_lanes(process);
	return work();
}
