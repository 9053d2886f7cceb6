/* SPDX-License-Identifier: MIT */
/*
 * The parent of the victims. It keeps one on each lane; each is killed at a moment drawn by lot,
 * a tenth to half a millisecond after it has begun to rent and return, and at once there is
 * another. One that does not get its first few buffers rented is never killed, but waited for: so
 * whatever a dead process still holds, a lock for example, shows.
 */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/sizes.h"
#include "bench/worker.h"

#define LOOK_NS 50000
#define LOOK_NS_COUNTED 5000000 /* of the time between two looks: we may have been stopped too */
#define LIFE_NS_MIN 100000
#define LIFE_NS_MAX 500000
#define ENTER_NS_MAX INT64_C(10000000000)
#define UNIT_OPS 32 /* a progress */

#define STORM_KIND(name_, body_, arena_, bytes_, slots_, held_)                                    \
	{ .name = name_, .what = name_, .group = GROUP_ALL, .body = body_, .arena = arena_,        \
		.bytes = bytes_, .slots = slots_, .processes = STORM_LANES, .threads = 1,          \
		.needs = NEEDS_PROCESSES, .held = held_ }

const struct kind storm_kinds[STORM_KINDS] = {
	[STORM_HOLD_NONE] = STORM_KIND("one at a time", BODY_NEST_1, "small", 512, 4096, 0),
	[STORM_HOLD_8] = STORM_KIND("8 held", BODY_VOUCH, "small", 512, 4096, 8),
	[STORM_HOLD_NONE_OF_FEW] = STORM_KIND("one at a time", BODY_NEST_1, "few", 4096, 256, 0),
	[STORM_HOLD_8_OF_FEW] = STORM_KIND("8 held", BODY_VOUCH, "few", 4096, 256, 8),
};

struct victim {
	pid_t pid; /* 0: none now */
	bool is_working;
	uint64_t seen;   /* of report->done */
	int64_t idle_ns; /* without progress */
	int64_t kill_at_ns;
};

static struct {
	const struct engine *engine;
	const struct engine_code *code;
	const struct kind *kind;
	struct stage *stage;
	struct storm *storm;
	struct lane *lane; /* each child has its own copy */
	struct victim victim[LANES_MAX];
	uint64_t lives, seed;
	int64_t looked_ns, struck_ns;
	bool enters_once; /* the parent does, for all: its forks have what it has */
} self;

/* ---- in a child ---- */

_Noreturn void lane_clash(struct lane *lane)
{
	snprintf(lane->report->error, sizeof(lane->report->error),
		"a buffer was had by two at once");
	_exit(EXIT_FAILURE);
}

static void number_lane(unsigned index)
{
	struct lane *lane = self.lane;

	lane->kind = self.kind;
	lane->stage = self.stage;
	lane->index = index;
	lane->report = &self.stage->report[index];
	lane->life = lane->report->life;
}

static void enter_process(struct lane *lane)
{
	int r = self.code->enter ? self.code->enter(lane) : 0;

	if (r < 0)
		lane_fail(lane, "cannot begin", r);
}

static void enter_lane(unsigned index)
{
	struct lane *lane = self.lane;
	int r;

	number_lane(index);
	lane_place(lane);
	if (!self.enters_once)
		enter_process(lane);
	r = self.code->enter_lane ? self.code->enter_lane(lane) : 0;
	if (r < 0)
		lane_fail(lane, "cannot begin", r);
	__atomic_store_n(&lane->report->start_ns, clock_ns(CLOCK_MONOTONIC), __ATOMIC_RELEASE);
}

static _Noreturn void be_victim(unsigned index)
{
	struct lane *lane = self.lane;
	body_f *body;

	enter_lane(index);
	body = self.code->bodies[self.kind->body];
	for (;;) {
		body(lane, UNIT_OPS);
		__atomic_store_n(&lane->report->done, lane->report->done + 1, __ATOMIC_RELAXED);
	}
}

/* What it has rented it keeps until it is killed, so that the next finds only what is left. */
static _Noreturn void be_drainer(unsigned index)
{
	enter_lane(index);
	self.code->bodies[BODY_DRAIN](self.lane, self.storm->most - self.storm->drained);
	__atomic_store_n(&self.lane->report->end_ns, clock_ns(CLOCK_MONOTONIC), __ATOMIC_RELEASE);
	for (;;)
		pause();
}

/* ---- in the parent ---- */

static void end(struct victim *victim)
{
	kill(victim->pid, SIGKILL);
	waitpid(victim->pid, NULL, 0);
	victim->pid = 0;
}

static void end_all(void)
{
	unsigned i;

	for (i = 0; i < LANES_MAX; i++)
		if (self.victim[i].pid > 0)
			end(&self.victim[i]);
}

static bool finish(enum storm_end how, const char *error)
{
	snprintf(self.storm->error, sizeof(self.storm->error), "%s", error);
	self.storm->end = how;
	return false;
}

static bool begin(unsigned index, void (*be)(unsigned index))
{
	struct report *report = &self.stage->report[index];
	pid_t parent = getpid(), pid;

	report->start_ns = report->end_ns = 0;
	__atomic_store_n(&report->life, ++self.lives, __ATOMIC_RELEASE);
	pid = fork();
	if (pid < 0)
		return finish(STORM_FAILED, strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			be(index);
		_exit(EXIT_FAILURE);
	}
	self.victim[index] = (struct victim){ .pid = pid, .seen = report->done };
	return true;
}

/* False if it has ended by itself: it has left word why. */
static bool is_alive(unsigned index)
{
	const char *error = self.stage->report[index].error;
	int status;

	if (waitpid(self.victim[index].pid, &status, WNOHANG) != self.victim[index].pid)
		return true;
	self.victim[index].pid = 0;
	if (*error)
		return finish(strstr(error, "stalled") ? STORM_EMPTY : STORM_FAILED, error);
	snprintf(self.storm->error, sizeof(self.storm->error), WIFSIGNALED(status)
			? "a survivor was killed by signal %d"
			: "a survivor has ended with status %d",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	self.storm->end = STORM_FAILED;
	return false;
}

static int64_t since_last_look(void)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC), since = now - self.looked_ns;

	self.looked_ns = now;
	return since < LOOK_NS_COUNTED ? since : LOOK_NS_COUNTED;
}

static bool has_entered(unsigned index)
{
	return __atomic_load_n(&self.stage->report[index].start_ns, __ATOMIC_ACQUIRE) != 0;
}

/* Does it stand still for longer than anything may? */
static bool is_stuck(unsigned index, int64_t since, int64_t limit_ns)
{
	struct victim *victim = &self.victim[index];
	const struct report *report = &self.stage->report[index];
	uint64_t done = __atomic_load_n(&report->done, __ATOMIC_RELAXED);

	victim->idle_ns = done == victim->seen ? victim->idle_ns + since : 0;
	victim->is_working = victim->is_working || done != victim->seen;
	victim->seen = done;
	return victim->idle_ns > (has_entered(index) ? limit_ns : ENTER_NS_MAX);
}

static void strike(unsigned index)
{
	/* What it wrote into its buffers means nothing from now on. */
	__atomic_store_n(&self.stage->report[index].life, 0, __ATOMIC_SEQ_CST);
	end(&self.victim[index]);
	self.storm->kills++;
	self.struck_ns = self.looked_ns;
}

/* False when the storm is over. */
static bool look_at(unsigned index, int64_t since)
{
	struct victim *victim = &self.victim[index];

	if (victim->pid == 0)
		return begin(index, be_victim);
	if (victim->is_working) {
		if (self.looked_ns >= victim->kill_at_ns &&
			self.looked_ns >= self.struck_ns + self.storm->pace_ns)
			strike(index);
		return true;
	}
	if (!is_alive(index))
		return false;
	if (is_stuck(index, since, self.storm->stuck_ns))
		return finish(STORM_STUCK, has_entered(index)
			? "a survivor waits for ever"
			: "a new process cannot begin");
	if (victim->is_working)
		victim->kill_at_ns = self.looked_ns + LIFE_NS_MIN +
			(int64_t)(sizes_random(&self.seed) % (LIFE_NS_MAX - LIFE_NS_MIN));
	return true;
}

static void rage(void)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	bool goes_on = true;
	unsigned i;

	self.looked_ns = start;
	while (goes_on && self.storm->kills < self.storm->wanted) {
		int64_t since = since_last_look();

		for (i = 0; goes_on && i < STORM_LANES; i++)
			goes_on = self.storm->kills == self.storm->wanted || look_at(i, since);
		if (goes_on && self.looked_ns - start > self.storm->limit_ns)
			goes_on = finish(STORM_LATE, "");
		nanosleep(&pause, NULL);
	}
	self.storm->ns = (uint64_t)(clock_ns(CLOCK_MONOTONIC) - start);
	end_all();
}

/* Returns what this one could rent; -1: it came to no end. */
static int64_t drain_by(unsigned index)
{
	const struct timespec pause = { .tv_nsec = 20 * LOOK_NS };
	struct report *report = &self.stage->report[index];
	int64_t limit_ns = self.storm->stuck_ns + 4 * self.storm->patience_ns;

	*report->error = 0;
	report->done = 0;
	if (!begin(index, be_drainer))
		return -1;
	self.looked_ns = clock_ns(CLOCK_MONOTONIC);
	while (__atomic_load_n(&report->end_ns, __ATOMIC_ACQUIRE) == 0) {
		nanosleep(&pause, NULL);
		if (!is_alive(index))
			return -1;
		if (is_stuck(index, since_last_look(), limit_ns)) {
			finish(STORM_STUCK_AFTER, "nothing can be rented afterwards, nor refused");
			return -1;
		}
	}
	return (int64_t)report->done;
}

/* What a lane's own cache holds comes to light when somebody has that lane; and some may hold only
 * so many at once, so it takes more of them. */
static void drain_all(void)
{
	int64_t n = 1;
	unsigned i;

	for (i = 0; i < LANES_MAX && (i < STORM_LANES || n > 0); i++) {
		if (self.storm->drained >= self.storm->most)
			break;
		n = drain_by(i);
		if (n < 0)
			break;
		self.storm->drained += (uint64_t)n;
	}
	end_all();
}

/* ---- the worker ---- */

/* Of those whose first process makes the pool it is the second that is timed, if it can be any but
 * a fork of the first. */
static int open_only(void)
{
	int64_t start, entered;

	if (self.enters_once && !self.engine->forks) {
		enter_process(self.lane);
		number_lane(1);
	}
	start = clock_ns(CLOCK_MONOTONIC);
	enter_process(self.lane);
	entered = clock_ns(CLOCK_MONOTONIC);
	self.storm->leave_ns = -1;
	if (self.code->leave) {
		self.code->leave(self.lane);
		self.storm->leave_ns = clock_ns(CLOCK_MONOTONIC) - entered;
	}
	self.storm->enter_ns = entered - start;
	self.storm->end = STORM_DONE;
	return EXIT_SUCCESS;
}

static int be_storm(void)
{
	number_lane(0);
	lane_place(self.lane);
	if (self.storm->most == 0)
		return open_only();
	if (self.enters_once)
		enter_process(self.lane);
	prctl(PR_SET_TIMERSLACK, 1);
	self.storm->end = STORM_DONE;
	rage();
	if (self.storm->end != STORM_STUCK)
		drain_all();
	return EXIT_SUCCESS;
}

int storm_main(const char *order, const struct engine_code *const *codes, size_t n)
{
	size_t kind, engine, bytes = sizeof(*self.lane);
	int fd;

	if (sscanf(order, STORM_ORDER_FORMAT, &kind, &engine, &fd) != 3 || kind >= STORM_KINDS ||
		engine >= n_engines || stage_open(&self.stage, fd) < 0)
		return EXIT_FAILURE;
	self.kind = &storm_kinds[kind];
	self.engine = &engines[engine];
	self.storm = &self.stage->storm;
	/* A rival's first process makes the pool, unless a daemon has done so. */
	self.enters_once = self.engine->program && !self.engine->has_daemon;
	self.code = engine_code_find(self.engine->name, codes, n);
	self.lane = aligned_alloc(APART, bytes);
	if (!self.code || !self.lane)
		return EXIT_FAILURE;
	memset(self.lane, 0, bytes);
	self.seed = (uint64_t)clock_ns(CLOCK_MONOTONIC);
	/* Nobody has been the same in another storm over the same buffers. */
	self.lives = (uint64_t)getpid() << 32;
	return be_storm();
}
