/* SPDX-License-Identifier: MIT */
/* One stage for all storms, one after the other; it is zeroed between them. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/deaths/crew.h"
#include "bench/deaths/storms.h"
#include "bench/fail.h"
#include "bench/machine.h"
#include "bench/rivals.h"
#include "bench/worker.h"

#define LOOK_NS 100000000
#define TELL_NS INT64_C(1000000000)
#define GRACE_NS INT64_C(60000000000) /* beyond the storm: to begin, and to count what is left */

#define CLIENTS_MAX 4096 /* many are dead and not yet reclaimed */

static struct stage *stage;
static int stage_fd;
static struct machine machine;

unsigned storms_kind(const struct engine *engine, unsigned held)
{
	if (engine->held_max)
		return held ? STORM_HOLD_8_OF_FEW : STORM_HOLD_NONE_OF_FEW;
	return held ? STORM_HOLD_8 : STORM_HOLD_NONE;
}

const char *storms_start_daemon(const struct intent *intent, const struct engine *engine,
	unsigned which)
{
	const struct arena *arena;

	if (engine->has_daemon)
		return rivals_begin(storm_kinds[which].slots);
	if (engine->family != FAMILY_OURS)
		return NULL;
	arena = arena_find(engine_arena(engine, &storm_kinds[which]));
	daemon_start(intent->thrusterd, json_pack("{s:[{s:s, s:i, s:[{s:i, s:i}]}]}", "arenas",
		"name", arena->name, "max_clients", CLIENTS_MAX, "classes", "slot_bytes",
		(int)arena->slot_bytes, "slots", (int)arena->slots));
	return NULL;
}

void storms_stop_daemon(const struct engine *engine)
{
	if (engine->family == FAMILY_OURS)
		daemon_stop();
	if (engine->has_daemon)
		rivals_stop();
}

static void prepare(void)
{
	int r;

	if (stage)
		return;
	machine_init(&machine, NULL);
	r = stage_new(&stage, &stage_fd);
	if (r < 0)
		fail("cannot share memory with workers: %s", strerror(-r));
}

static void give_orders(const struct engine *engine, const struct kind *kind,
	const struct storm *storm)
{
	struct orders *orders = &stage->orders;
	const char *socket = daemon_socket();

	stage_reset(stage, stage_fd);
	stage->storm = *storm;
	orders->dry_ns_max = storm->stuck_ns / 2;
	orders->stride_bytes = kind->bytes + 64;
	orders->n_cores = machine.n_cores;
	memcpy(orders->core, machine.core, sizeof(orders->core));
	if (socket)
		memcpy(orders->socket, socket, strlen(socket) + 1);
	orders->mounts = rivals_mounts(engine);
	if (engine->set_up)
		engine->set_up(stage, kind->slots);
}

/* For one that prints a line each time that nothing is free. */
static void fall_silent(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
}

static _Noreturn void become_worker(const struct engine *engine, unsigned which)
{
	char path[4096], order[64], option[] = STORM_OPTION;
	char *argv[] = { path, option, order, NULL };

	engine_settle(engine);
	if (engine->has_daemon)
		fall_silent();
	snprintf(order, sizeof(order), STORM_ORDER_FORMAT, (size_t)which,
		(size_t)(engine - engines), stage_fd);
	if (engine_program(engine, path, sizeof(path)))
		execv(path, argv);
	_exit(EXIT_FAILURE);
}

/* What the engine's own file said before it gave up. */
static void take_word(struct storm *storm)
{
	unsigned i;

	*storm = stage->storm;
	for (i = 0; i < LANES_MAX && !*storm->error; i++)
		snprintf(storm->error, sizeof(storm->error), "%s", stage->report[i].error);
}

void storms_run(const struct engine *engine, unsigned which, struct storm *storm,
	void (*progress)(const struct engine *engine, const struct storm *storm))
{
	int64_t start = clock_ns(CLOCK_MONOTONIC), told = start, now = start;
	pid_t pid;
	int status;

	prepare();
	give_orders(engine, &storm_kinds[which], storm);
	pid = crew_fork();
	if (pid == 0)
		become_worker(engine, which);
	while (!crew_has_ended(pid, &status)) {
		crew_sleep(LOOK_NS);
		now = clock_ns(CLOCK_MONOTONIC);
		if (progress && now - told > TELL_NS) {
			progress(engine, &stage->storm);
			told = now;
		}
		if (now - start > storm->limit_ns + GRACE_NS) {
			crew_kill(pid);
			stage->storm.end = STORM_STUCK;
			snprintf(stage->storm.error, sizeof(stage->storm.error),
				"it does not end");
			break;
		}
	}
	take_word(storm);
}
