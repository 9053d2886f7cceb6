/* SPDX-License-Identifier: MIT */
/*
 * A worker: attach, warm up, meet the others, do the workload against the clock, go on with it
 * until the last has finished (so that nobody is timed alone), report, detach. Each sample has new
 * ones, so that where the kernel happened to put a process's pages is a matter of one sample only.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench/bodies.h"
#include "bench/clock.h"
#include "bench/lane.h"
#include "bench/worker.h"

#define TAIL_OPS (10 * OPS_UNIT)

_Noreturn void lane_fail(struct lane *lane, const char *what, int r)
{
	snprintf(lane->report->error, sizeof(lane->report->error), "%s: %s", what, strerror(-r));
	_exit(EXIT_FAILURE);
}

__attribute__((cold, noinline)) void lane_dry(struct lane *lane, int r)
{
	unsigned spins = (unsigned)lane->report->dry;

	if (r != -ENOBUFS)
		lane_fail(lane, "cannot rent", r);
	lane->report->dry++;
	spin(&spins);
}

static unsigned lanes_of(const struct lane *lane)
{
	return workload_lanes(lane->workload, lane->stage->orders.n_cores);
}

static void place(struct lane *lane)
{
	const struct orders *orders = &lane->stage->orders;
	enum place place = lane->workload->place;
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

static void measure(struct lane *lane)
{
	void (*body)(struct lane *, uint64_t) = lane->workload->body;
	struct report *report = lane->report;
	uint64_t ops = lane->stage->orders.ops, switches_before;
	int64_t cpu_ns;

	body(lane, lane->stage->orders.warm_ops);
	stage_meet(lane->stage, MEET_START, lanes_of(lane));
	report->dry = 0;
	switches_before = switches();
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	report->start_ns = clock_ns(CLOCK_MONOTONIC);
	body(lane, ops);
	report->end_ns = clock_ns(CLOCK_MONOTONIC);
	report->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	report->switches = switches() - switches_before;
}

/* The lanes of a pipe need each other, and end together. */
static void keep_company(struct lane *lane)
{
	struct stage *stage = lane->stage;
	uint64_t dry = lane->report->dry;

	__atomic_add_fetch(&stage->finished, 1, __ATOMIC_RELAXED);
	if (lane->workload->figure != FIGURE_SPAN)
		while (__atomic_load_n(&stage->finished, __ATOMIC_RELAXED) < lanes_of(lane))
			lane->workload->body(lane, TAIL_OPS);
	lane->report->dry = dry;
	stage_meet(stage, MEET_END, lanes_of(lane));
}

static void *lane_main(void *argument)
{
	struct lane *lane = argument;

	place(lane);
	lane->report->thread = (int32_t)syscall(SYS_gettid);
	if (lane->pool)
		lane->report->client = thruster_client_id(lane->pool);
	stage_meet(lane->stage, MEET_READY, lanes_of(lane));
	lane->peer = lane->stage->report[1].client;
	if (lane->workload->held)
		body_hold_begin(lane);
	measure(lane);
	keep_company(lane);
	if (lane->workload->held)
		body_hold_end(lane);
	return NULL;
}

static struct thruster_pool *attach(struct lane *lane)
{
	struct thruster_attach_options options = {
		.size = sizeof(options),
		.socket_path = lane->stage->orders.socket,
		.label = "thruster-bench",
	};
	struct thruster_pool *pool;
	int r;

	if (!lane->workload->arena)
		return NULL;
	r = thruster_attach(&pool, lane->workload->arena, &options);
	if (r < 0)
		lane_fail(lane, "cannot attach", r);
	return pool;
}

static void run_lanes(struct lane *lanes, unsigned n)
{
	pthread_t threads[LANES_MAX];
	unsigned i;
	int r;

	for (i = 1; i < n; i++) {
		r = pthread_create(&threads[i], NULL, lane_main, &lanes[i]);
		if (r != 0)
			lane_fail(&lanes[i], "cannot start a thread", -r);
	}
	lane_main(&lanes[0]);
	for (i = 1; i < n; i++)
		pthread_join(threads[i], NULL);
}

int worker_main(const char *order)
{
	struct thruster_pool *pool;
	struct stage *stage;
	struct lane *lanes;
	unsigned process, n, i;
	size_t workload;
	int fd, r;

	if (sscanf(order, WORKER_ORDER_FORMAT, &workload, &process, &fd) != 3 ||
		workload >= n_workloads || stage_open(&stage, fd) < 0)
		return EXIT_FAILURE;
	n = workload_threads(&workloads[workload], stage->orders.n_cores);
	if (process >= workloads[workload].processes)
		return EXIT_FAILURE;
	lanes = aligned_alloc(APART, n * sizeof(*lanes));
	if (!lanes)
		return EXIT_FAILURE;
	memset(lanes, 0, n * sizeof(*lanes));
	for (i = 0; i < n; i++) {
		lanes[i].workload = &workloads[workload];
		lanes[i].stage = stage;
		lanes[i].index = process * n + i;
		lanes[i].report = &stage->report[lanes[i].index];
	}
	place(&lanes[0]);
	pool = attach(&lanes[0]);
	for (i = 0; i < n; i++)
		lanes[i].pool = pool;
	run_lanes(lanes, n);
	r = thruster_detach(pool);
	if (r < 0)
		lane_fail(&lanes[0], "cannot detach", r);
	free(lanes);
	return EXIT_SUCCESS;
}
