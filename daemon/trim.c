/* SPDX-License-Identifier: MIT */
/*
 * The loop starts a process and looks now and then whether it has ended. The process runs in memory
 * that clients write, by the sizes of the geometry, and may crash or hang there without harm.
 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "daemon/cleanup.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/pages.h"
#include "daemon/places.h"
#include "daemon/trim.h"
#include "shm/atomics.h"
#include "shm/holder.h"
#include "shm/idle.h"
#include "shm/mask.h"
#include "shm/wait.h"

/* At a time: to give this much back takes a tenth of a millisecond or so. */
#define CHUNK_BYTES ((uint64_t)256 * 1024)
/* More than any trim of a correct arena takes, which is a third of a second for each GiB. */
#define TOO_LONG_NS (60 * NS_PER_S)
#define TOO_LONG_GIB_NS (4 * NS_PER_S)
#define STOP_NS (2 * NS_PER_S)
#define STOP_LOOK_NS 1000000L

/* What the process does, in its own words. */
struct work {
	const struct arena *arena;
	struct seat_id seat;
	int fd; /* the seat's description of the pages, with its lock */
	cpu_set_t *home;
	size_t home_bytes;
};

/* The pages that only slots of this run have. */
static void give_back_run(const struct work *w, uint32_t class_, uint32_t first, unsigned n)
{
	const struct thr_class_geometry *c = &w->arena->geometry.class_[class_];
	uint64_t from = c->data_offset + first * c->stride_bytes;

	pages_give_back(w->fd, from, from + n * c->stride_bytes);
}

static void give_back(const struct work *w, uint32_t class_, uint32_t number, uint64_t slots)
{
	while (slots) {
		unsigned first = mask_lowest(slots);
		uint64_t beyond = ~(slots >> first);
		unsigned n = beyond ? mask_lowest(beyond) : THR_SEGMENT_SLOTS;

		give_back_run(w, class_, number * THR_SEGMENT_SLOTS + first, n);
		slots &= ~mask_run(first, n);
	}
}

/*
 * Some slots at a time, so that few are missed meanwhile. Those of a class that spreads its slots
 * end within pages: the last one of each turn is leased again with the next, or the page between
 * the two would stay. Returns how many slots it had.
 */
static unsigned trim_segment(const struct work *w, uint32_t class_, uint32_t number)
{
	const struct thr_class_view *c = &w->arena->view.class_[class_];
	struct thr_control *control = w->arena->view.control;
	uint64_t most = CHUNK_BYTES / c->stride_bytes, among = ~(uint64_t)0;
	struct thr_idle idle;
	unsigned n = 0, last;

	most = most < 1 ? 1 : most < THR_SEGMENT_SLOTS ? most : THR_SEGMENT_SLOTS;
	while (among && thr_idle_take(c, number, w->seat, among, (unsigned)most, &idle)) {
		give_back(w, class_, number, idle.slots);
		thr_idle_return(c, number, &idle);
		if (wait_is_wanted(control, true))
			thr_wait_wake(control, WAIT_ALL);
		last = mask_highest(idle.slots);
		if (mask_count(idle.slots) > 1 && last + 1 < THR_SEGMENT_SLOTS) {
			n += mask_count(idle.slots) - 1;
			among = ~mask_low(last);
		} else {
			n += mask_count(idle.slots);
			among = ~mask_low(last + 1);
		}
	}
	return n;
}

static bool holds_any(const struct thr_class_view *c, struct core_id core)
{
	uint32_t number;

	for (number = 0; number < c->n_segments; number++)
		if (holder_who(load_relaxed(&c->segments[number].holder)) == holder_of_core(core))
			return true;
	return false;
}

/* What cores hold becomes nobody's, so that it can be leased. */
static void empty_cores(const struct work *w, uint32_t class_)
{
	const struct thr_class_view *c = &w->arena->view.class_[class_];
	struct thr_self self;
	struct core_id core;

	thr_self_init(&self, SEAT_NOBODY, &w->arena->view, w->arena->board->visitable);
	for (core.n = 0; core.n < self.n_cores && core.n < c->n_cores; core.n++)
		if (holds_any(c, core) && place_go_to(core, self.n_cores, self.section))
			thr_idle_empty_core(c, &self, core);
	if (w->home)
		sched_setaffinity(0, w->home_bytes, w->home);
}

static void trim_class(const struct work *w, uint32_t class_)
{
	const struct thr_class_view *c = &w->arena->view.class_[class_];
	uint64_t left = w->arena->idle.due[class_];
	uint32_t number;
	unsigned n;

	if (left && w->arena->idle.of_cores[class_] && !c->is_open)
		empty_cores(w, class_);
	for (number = 0; left && number < c->n_segments; number++) {
		n = trim_segment(w, class_, number);
		left -= n < left ? n : left;
	}
}

static _Noreturn void trim_main(struct work *w, pid_t daemon)
{
	uint32_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != daemon)
		_exit(EXIT_FAILURE);
	/* Nobody is to take a connection for open because we have it. */
	close_range(STDERR_FILENO + 1, (unsigned)w->fd - 1, 0);
	close_range((unsigned)w->fd + 1, UINT_MAX, 0);
	prctl(PR_SET_NAME, "trimmer");
	w->home = place_home(&w->home_bytes);
	for (i = 0; i < w->arena->geometry.classes; i++)
		trim_class(w, i);
	_exit(EXIT_SUCCESS);
}

static int begin(struct trimmer *t, struct arena *arena)
{
	struct work work = { .arena = arena };
	_cleanup_(close_fd) int fd = -1;
	pid_t daemon = getpid();
	int r = arena_seat_self(arena, "trim", &t->client, &fd);

	if (r < 0)
		return r;
	work.seat = t->client->seat;
	work.fd = fd;
	arena->idle.resident_before = pages_resident(arena->fds.pages);
	t->pid = fork();
	if (t->pid == 0)
		trim_main(&work, daemon);
	if (t->pid < 0) {
		r = -errno;
		t->pid = 0;
		close_fd(&fd);
		fd = -1;
		t->client->is_leaving = true;
		arena_unseat(arena, t->client);
		return r;
	}
	t->arena = arena;
	t->begun_ns = clock_monotonic_ns();
	t->client->pid = t->pid;
	return 0;
}

/* The process has ended, and nothing of it is left but what it had leased, if it was killed. */
static void end(struct trimmer *t, int status)
{
	struct arena *arena = t->arena;
	struct ledger *ledger = arena->ledger;
	uint64_t before = arena->idle.resident_before, after;

	t->pid = 0;
	t->arena = NULL;
	t->client->is_leaving = true;
	arena_unseat(arena, t->client);
	after = pages_resident(arena->fds.pages);
	arena->idle.resident_after = after;
	arena->idle.since_ns = 0; /* its own rents do not show that anybody needs the slots */
	if (status != 0) {
		log_warning("arena %s: a trim did not come to its end (status %#x)", arena->name,
			(unsigned)status);
		return;
	}
	ledger->trims_total++;
	ledger->trimmed_bytes_total += before > after ? before - after : 0;
	log_debug("%s: trimmed, %llu bytes were resident and %llu are", arena->name,
		(unsigned long long)before, (unsigned long long)after);
}

/* From here on it is a client that the reaper looks after. */
static void abandon(struct trimmer *t)
{
	kill(t->pid, SIGKILL);
	log_warning("arena %s: a trim does not end, as if a client held it up; this run of the "
		    "daemon does not trim the arena again",
		t->arena->name);
	t->arena->idle.is_refused = true;
	t->client->is_daemon = false;
	t->arena = NULL;
	t->pid = 0;
}

static bool takes_too_long(const struct trimmer *t)
{
	uint64_t gib = t->arena->geometry.arena_bytes >> 30;

	return clock_monotonic_ns() - t->begun_ns > TOO_LONG_NS + gib * TOO_LONG_GIB_NS;
}

bool trim_is_due(const struct trimmer *trimmer, const struct arena *arena)
{
	return arena->idle.is_due || (trimmer->pid && trimmer->arena == arena);
}

void trim_ask(struct arena *arena)
{
	uint32_t i;

	/* A hole gives up what was reserved: who touches it next may find no huge page left. */
	if (arena->geometry.page_bytes != THR_PAGE || arena->idle.is_refused)
		return;
	for (i = 0; i < arena->geometry.classes; i++) {
		arena->idle.due[i] = arena->geometry.class_[i].slots;
		arena->idle.of_cores[i] = true;
	}
	arena->idle.is_due = true;
}

static void begin_window(struct arena *arena)
{
	uint32_t i;

	arena->idle.since_ns = arena->census.sampled_ns;
	for (i = 0; i < arena->geometry.classes; i++) {
		const struct thr_class_figures *figures = &arena->census.class_[i].figures;

		arena->idle.free_min[i] = figures->free;
		arena->idle.rents_total[i] = figures->rents_total;
	}
}

/* Of a class of which nothing was rented, cores need nothing either. */
static void ask_for_idle(struct arena *arena)
{
	struct idle *idle = &arena->idle;
	bool are_more = false, of_cores;
	uint64_t any = 0;
	uint32_t i;

	for (i = 0; i < arena->geometry.classes; i++) {
		of_cores = arena->census.class_[i].figures.rents_total == idle->rents_total[i];
		are_more |= idle->free_min[i] > idle->due[i] ||
			    (idle->free_min[i] && of_cores && !idle->of_cores[i]);
		idle->due[i] = idle->free_min[i];
		idle->of_cores[i] = of_cores;
		any |= idle->due[i];
	}
	/* Unless it is as the last trim left it. */
	idle->is_due = any && (are_more ||
				      pages_resident(arena->fds.pages) > idle->resident_after);
}

void trim_watch(struct arena *arena)
{
	struct idle *idle = &arena->idle;
	uint32_t i;

	if (!arena->ledger->trim_after_s || idle->is_due || idle->is_refused ||
		arena->geometry.page_bytes != THR_PAGE)
		return;
	if (!idle->since_ns) {
		begin_window(arena);
		return;
	}
	for (i = 0; i < arena->geometry.classes; i++) {
		uint64_t now = arena->census.class_[i].figures.free;

		if (now < idle->free_min[i])
			idle->free_min[i] = now;
	}
	if (arena->census.sampled_ns - idle->since_ns < arena->ledger->trim_after_s * NS_PER_S)
		return;
	ask_for_idle(arena);
	begin_window(arena);
}

static void begin_due(struct trimmer *t, struct arena *arena)
{
	int r;

	arena->idle.is_due = false;
	r = begin(t, arena);
	if (r < 0 && !arena->idle.is_told)
		log_warning("arena %s: cannot be trimmed: %s", arena->name,
			r == -EUSERS ? "all its seats are taken" : strerror(-r));
	arena->idle.is_told = r < 0;
}

void trim_sweep(struct trimmer *trimmer, struct arena *const *arenas, size_t n_arenas)
{
	int status;
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) /* abandoned ones as well */
		if (pid == trimmer->pid)
			end(trimmer, status);
	if (trimmer->pid && takes_too_long(trimmer))
		abandon(trimmer);
	for (i = 0; i < n_arenas && !trimmer->pid; i++)
		if (arenas[i]->idle.is_due)
			begin_due(trimmer, arenas[i]);
}

bool trim_stop(struct trimmer *trimmer, const struct arena *arena)
{
	uint64_t until = clock_monotonic_ns() + STOP_NS;
	struct timespec pause = { 0, STOP_LOOK_NS };
	int status;

	if (!trimmer->pid || (arena && trimmer->arena != arena))
		return false;
	kill(trimmer->pid, SIGKILL);
	while (waitpid(trimmer->pid, &status, WNOHANG) != trimmer->pid) {
		if (clock_monotonic_ns() > until) {
			abandon(trimmer);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	end(trimmer, status);
	return true;
}
