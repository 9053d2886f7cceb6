/* SPDX-License-Identifier: MIT */
/*
 * The thread sleeps on the `visits` words of all arenas at once, and looks at what was asked once
 * a second in any case, because a client may have died between asking and waking it. Nothing that
 * is read here is trusted: a core that was asked for nothing good is visited in vain, and visits
 * have a pause after them.
 */

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/nodes.h"
#include "daemon/places.h"
#include "daemon/visitor.h"
#include "shm/atomics.h"
#include "shm/core.h"
#include "shm/holder.h"
#include "shm/probes.h"
#include "shm/wait.h"

#define LOOK_AGAIN_NS (1000 * NS_PER_MS)
#define PAUSE_NS (50 * NS_PER_MS / 1000)
#define WITHOUT_WAITV_NS (2 * NS_PER_MS)
#define ONLINE "/sys/devices/system/cpu/online"

/* Only an answer that says so counts: with no such file, no core is offline. */
static bool is_offline(struct core_id core, void *userdata)
{
	char online[NODES_LIST_MAX];

	(void)userdata;
	return nodes_read_list(ONLINE, online) && nodes_list_next(online, 0) != UINT32_MAX &&
	       nodes_list_next(online, core.n) != core.n;
}

static bool go_to(const struct visitor *v, struct core_id core)
{
	return place_go_to(core, v->n_cores, v->self[0].section);
}

/* To where the daemon was started: where a thread of it sleeps is not to depend on visits. */
static void go_home(const struct visitor *v)
{
	if (v->home)
		sched_setaffinity(0, v->home_size, v->home);
}

static void mark(const struct visitor *v, struct core_id core, bool is_visitable)
{
	uint64_t bit = (uint64_t)1 << core.n % 64;
	size_t i;

	for (i = 0; i < v->n_arenas; i++) {
		uint64_t *word = &v->arenas[i]->board->visitable[core.n / 64];
		uint64_t now = load_relaxed(word);

		store_relaxed(word, is_visitable ? now | bit : now & ~bit);
	}
}

static bool is_marked(const struct visitor *v, struct core_id core)
{
	return v->n_arenas &&
	       (load_relaxed(&v->arenas[0]->board->visitable[core.n / 64]) >> core.n % 64 & 1);
}

/* Find out which cores can be visited: all, or those that could not be. Returns how many cannot. */
static unsigned try_cores(const struct visitor *v, bool all)
{
	struct core_id core;
	bool is_visitable;
	unsigned n = 0;

	for (core.n = 0; core.n < v->n_cores; core.n++) {
		if (!all && is_marked(v, core))
			continue;
		is_visitable = go_to(v, core) || is_offline(core, NULL);
		mark(v, core, is_visitable);
		n += !is_visitable;
	}
	go_home(v);
	return n;
}

/* What an earlier run said of them does not hold without restartable sequences. */
static void mark_none(const struct visitor *v)
{
	struct core_id core;

	for (core.n = 0; core.n < v->n_cores; core.n++)
		mark(v, core, false);
}

static bool is_asked(const struct visitor *v, struct core_id core)
{
	uint32_t j;
	size_t i;

	for (i = 0; i < v->n_arenas; i++)
		for (j = 0; j < v->arenas[i]->view.n_classes; j++)
			if (core.n < v->arenas[i]->view.n_cores &&
				load_relaxed(&v->arenas[i]->view.class_[j].cores[core.n].asked))
				return true;
	return false;
}

static unsigned empty(const struct thr_self *self, const struct thr_class_view *class_,
	struct core_id core, bool is_there)
{
	uint32_t asker;
	unsigned n = 0;

	if (core.n >= class_->n_cores)
		return 0;
	if (is_there) {
		n = thr_core_exhume(class_, core);
		if (load_relaxed(&class_->cores[core.n].asked)) {
			count_here(&class_->cores[core.n].visits_total, 1);
			PROBE(visit, class_, self->seat, core, 0, 0);
			n += thr_core_yield(class_, self, core, true);
		}
	} else if (load_relaxed(&class_->cores[core.n].asked) && is_offline(core, NULL)) {
		asker = take_question(&class_->cores[core.n].asked);
		n = thr_core_bury(class_, core, is_offline, NULL);
		if (n == 0 && !is_offline(core, NULL)) /* back already: ask it again */
			cas_flag(&class_->cores[core.n].asked, HOLDER_NOBODY, asker);
	}
	return n;
}

static void visit(const struct visitor *v, struct core_id core)
{
	bool is_there = go_to(v, core);
	uint32_t j;
	size_t i;

	if (!is_there && !is_offline(core, NULL))
		mark(v, core, false);
	for (i = 0; i < v->n_arenas; i++) {
		struct arena *arena = v->arenas[i];
		unsigned n = 0;
		STATE_AT_WORK(&arena->at_work[STATE_VISITOR], arena->id);

		for (j = 0; j < arena->view.n_classes; j++)
			n += empty(&v->self[i], &arena->view.class_[j], core, is_there);
		if (n)
			thr_wait_wake(arena->view.control, WAIT_ALL);
	}
}

static bool go_round(const struct visitor *v)
{
	struct core_id core;
	bool any = false;

	for (core.n = 0; core.n < v->n_cores; core.n++) {
		/* A question stays where we cannot go, for the core's own threads. */
		if (!is_marked(v, core) || !is_asked(v, core))
			continue;
		visit(v, core);
		any = true;
	}
	if (any)
		go_home(v);
	return any;
}

/* Until somebody calls, or it is time to look in any case. `seen`: each word as it was before. */
static void sleep_on(const struct visitor *v, const uint32_t *seen)
{
	struct futex_waitv on[ARENAS_MAX + 1];
	struct timespec until;
	uint64_t at = clock_monotonic_ns() + LOOK_AGAIN_NS;
	size_t i;

	for (i = 0; i < v->n_arenas; i++)
		on[i] = (struct futex_waitv){
			.uaddr = (uintptr_t)&v->arenas[i]->view.control->visits,
			.val = seen[i],
			.flags = FUTEX_32,
		};
	on[i] = (struct futex_waitv){
		.uaddr = (uintptr_t)&v->stop,
		.flags = FUTEX_32 | FUTEX_PRIVATE_FLAG,
	};
	until = (struct timespec){ (time_t)(at / NS_PER_S), (long)(at % NS_PER_S) };
	if (syscall(SYS_futex_waitv, on, v->n_arenas + 1, 0, &until, CLOCK_MONOTONIC) < 0 &&
		(errno == ENOSYS || errno == EPERM)) {
		until = (struct timespec){ 0, (long)WITHOUT_WAITV_NS };
		nanosleep(&until, NULL);
	}
}

static void *visitor_main(void *userdata)
{
	struct visitor *v = userdata;
	struct timespec pause = { 0, PAUSE_NS };
	uint64_t tried = clock_monotonic_ns();
	uint32_t seen[ARENAS_MAX];
	size_t i;

	pthread_setname_np(pthread_self(), "visitor");
	while (!load_acquire(&v->stop)) {
		for (i = 0; i < v->n_arenas; i++)
			seen[i] = load_acquire(&v->arenas[i]->view.control->visits);
		if (go_round(v)) {
			nanosleep(&pause, NULL);
			continue;
		}
		if (clock_monotonic_ns() - tried > LOOK_AGAIN_NS) {
			try_cores(v, false);
			tried = clock_monotonic_ns();
		}
		sleep_on(v, seen);
	}
	return NULL;
}

int visitor_start(struct visitor *v, struct arena *const *arenas, size_t n_arenas)
{
	sigset_t all, before;
	unsigned n;
	size_t i;
	int r;

	*v = (struct visitor){
		.arenas = arenas,
		.n_arenas = n_arenas,
	};
	for (i = 0; i < n_arenas; i++) /* one of another machine, perhaps, beside ours */
		if (arenas[i]->geometry.cores > v->n_cores)
			v->n_cores = arenas[i]->geometry.cores;
	for (i = 0; i < n_arenas; i++)
		thr_self_init(&v->self[i], SEAT_NOBODY, &arenas[i]->view,
			arenas[i]->board->visitable);
	if (v->self[0].n_cores == 0) {
		mark_none(v);
		log_notice("no restartable sequences here (rseq): clients rent as threads, which "
			   "is slower, and what cores held before is not fetched from them");
		return 0;
	}
	v->home = place_home(&v->home_size);
	n = try_cores(v, true);
	if (n)
		log_notice("%u of %u cores cannot be visited from here (cpuset?): clients there "
			   "rent as threads, which is slower",
			n, v->n_cores);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&v->thread, NULL, visitor_main, v);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		v->is_running = true;
	return r;
}

void visitor_stop(struct visitor *v)
{
	if (v->is_running) {
		store_release(&v->stop, 1);
		syscall(SYS_futex, &v->stop, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
		pthread_join(v->thread, NULL);
		v->is_running = false;
	}
	if (v->home)
		CPU_FREE(v->home);
	v->home = NULL;
}
