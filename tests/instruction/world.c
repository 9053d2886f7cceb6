/* SPDX-License-Identifier: MIT */
/* Setting the scene, and waiting until a death has been dealt with. */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "client/connection.h"
#include "client/pool.h"
#include "shm/atomics.h"
#include "shm/holder.h"
#include "shm/record.h"
#include "shm/section.h"
#include "shm/segment.h"
#include "tests/instruction/world.h"

#define CLIENTS 3u /* the harness, near and far */
#define RECLAIM_NS 60000000000ull
#define POLL_US 50
#define ANSWER_MS 10000
#define RING_AND_MORE (THR_CORE_HELD_MAX + 2) /* so that a core that has held all lets go of some */
#define SHORT 10u     /* a last segment with fewer slots than the others */
#define SETTLE_MS 50 /* longer than the daemon takes to close what it has sent */

static const char format[] =
	"{ \"arenas\": ["
	" { \"name\": \"default\", \"max_clients\": 16, \"undelivered_grace_ms\": 100,"
	"   \"classes\": [ { \"slot_bytes\": 64, \"slots\": %u },"
	"     { \"slot_bytes\": 1024, \"slots\": 16 }, { \"slot_bytes\": 4096, \"slots\": %u } ] },"
	" { \"name\": \"closed\", \"allow\": { \"users\": [], \"groups\": [] },"
	"   \"classes\": [ { \"slot_bytes\": 64, \"slots\": 1 } ] },"
	" { \"name\": \"aligned\","
	"   \"classes\": [ { \"slot_bytes\": 4096, \"slots\": 4, \"align_bytes\": 65536 } ] }"
	" ] }";

/* The first two cores that we may use. */
static void choose_cores(struct world *w)
{
	cpu_set_t set;
	int i;

	w->core = w->other_core = -1;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		harness_fail("affinity: %s", strerror(errno));
	for (i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET((unsigned)i, &set))
			continue;
		if (w->core < 0)
			w->core = i;
		else if (w->other_core < 0)
			w->other_core = i;
	}
	if (w->other_core < 0)
		w->other_core = w->core;
}

/* A few of each size, stamped, which nobody may touch. */
static void stand_by(struct world *w)
{
	static const size_t sizes[] = { 1, 200, OPEN_BYTES, LARGE_BYTES };
	size_t i;

	w->bystander.n = 0;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (holding_rent(&w->bystander, w->pool, sizes[i], 1) != 1)
			harness_fail("nothing to rent in a new arena");
		memset(w->bystander.lease[i].data, (int)i + 1, w->bystander.lease[i].size);
	}
}

void world_start(struct world *w)
{
	unsigned cores = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	unsigned segments = cores < RING_AND_MORE / 2 ? RING_AND_MORE : 2 * cores;
	char config[sizeof(format) + 32];

	if (!w->stage) {
		w->stage = mmap(NULL, sizeof(*w->stage), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (w->stage == MAP_FAILED)
			harness_fail("mmap: %s", strerror(errno));
		choose_cores(w);
	}
	snprintf(config, sizeof(config), format, 64 * segments, 64 * cores - SHORT);
	host_start(&w->host, config);
	pin_to(w->core);
	companion_start(&w->near, w->stage, &w->stage->near, &w->stage->near_id, w->core, true);
	companion_start(&w->far, w->stage, &w->stage->far, &w->stage->far_id, w->other_core, false);
	w->pool = host_attach(&w->host, NULL);
	w->stage->my_id = thruster_client_id(w->pool);
	w->stage->mine.n = 0;
	stand_by(w);
	sleep_ms(SETTLE_MS);
	w->descriptors = descriptors_of(w->host.pid);
}

static void world_leave(struct world *w)
{
	companion_stop(&w->near);
	companion_stop(&w->far);
	thruster_detach(w->pool);
	w->pool = NULL;
}

void world_stop(struct world *w)
{
	world_leave(w);
	host_must_be_well(&w->host);
	host_stop(&w->host);
}

void world_abandon(struct world *w)
{
	char command[128];

	kill_child(w->host.pid);
	world_leave(w);
	snprintf(command, sizeof(command), "rm -r %s", w->host.directory);
	if (system(command) != 0)
		harness_fail("cannot remove %s", w->host.directory);
}

static unsigned seats_taken(const struct world *w)
{
	uint32_t i, n = 0;

	for (i = 1; i <= w->pool->view.n_seats; i++)
		n += load_acquire(&w->pool->roster[i]) != 0;
	return n;
}

bool world_is_sound(struct world *w)
{
	struct wire_query query = {
		.header = wire_header_make(WIRE_QUERY), .question = WIRE_QUESTION_CHECK
	};
	struct connection_answer answer;
	char text[4096];
	ssize_t n;
	int fd;

	if (thr_connection_open(&fd, w->host.socket, ANSWER_MS) < 0 ||
		thr_connection_ask(fd, &query, sizeof(query), ANSWER_MS, &answer) < 0 ||
		answer.reply.status != 0)
		harness_fail("the daemon does not answer");
	close(fd);
	n = pread(answer.fd[0], text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = 0;
	thr_connection_close_fds(&answer);
	return n > 0 && !strstr(text, "false");
}

/* Is a lease on its way to a seat that nobody has? */
static bool is_undeliverable(const struct world *w)
{
	const struct thr_view *view = &w->pool->view;
	struct slot_id slot;
	uint64_t record;
	uint32_t i;

	for (i = 0; i < view->n_classes; i++) {
		for (slot.n = 0; slot.n < view->class_[i].slots; slot.n++) {
			record = load_acquire(class_record(&view->class_[i], slot));
			if (record_is_pending(record) &&
				!load_acquire(&w->pool->roster[record_owner(record).n]))
				return true;
		}
	}
	return false;
}

/* The daemon takes it back after the arena's grace, when it looks the next time: also when it is
 * asked for the statistics. */
static bool await_undelivered(const struct world *w, uint64_t until)
{
	while (is_undeliverable(w)) {
		if (now_ns() > until)
			return false;
		json_decref(host_stats(&w->host));
		sleep_ms(10);
	}
	return true;
}

/*
 * The roster alone would not do: the daemon may have a request to attach before it yet, of one who
 * is dead by now. When it has closed all his descriptors it is about to be through with him, and
 * when it answers a question after that, it is.
 */
bool world_await_reclaim(struct world *w)
{
	uint64_t until = now_ns() + RECLAIM_NS;

	while (seats_taken(w) != CLIENTS || descriptors_of(w->host.pid) != w->descriptors) {
		if (now_ns() > until)
			return false;
		usleep(POLL_US);
	}
	return world_is_sound(w) && await_undelivered(w, until);
}

/* What the core that we run on holds. */
static void let_go_of(const struct world *w, const struct thr_class_view *class_)
{
	struct core_id core = section_core(w->pool->self.section);
	uint32_t number;

	for (number = 0; number < class_->n_segments; number++) {
		struct thr_segment *segment = &class_->segments[number];
		uint64_t holder = load_acquire(&segment->holder);

		while (holder_who(holder) == holder_of_core(core) &&
			section_relinquish(w->pool->self.section, core, &class_->cores[core.n],
				segment, number, holder,
				holder_next(holder, HOLDER_NOBODY)) != SECTION_DONE)
			;
		if (holder_is_thread(holder_who(holder)))
			thr_segment_revoke(segment, class_segment_slots(class_, number), holder);
		store_relaxed(&segment->returned, 1);
	}
}

static void forget_hints(const struct world *w, const struct thr_class_view *class_)
{
	uint32_t core, i;

	for (core = 0; core < class_->n_cores; core++) {
		struct thr_core *state = &class_->cores[core];

		state->asked = HOLDER_NOBODY;
		state->held_next = 0;
		for (i = 0; i < THR_CORE_HELD_MAX; i++)
			state->held[i] = CURRENT_NONE;
		state->cursor = class_->is_open ? state->arc_first : 0;
	}
	store_relaxed(&w->pool->view.control->waiting, 0);
}

void world_reset(const struct world *w)
{
	const struct thr_view *view = &w->pool->view;
	uint32_t i;

	for (i = 0; i < view->n_classes; i++)
		let_go_of(w, &view->class_[i]);
	if (w->other_core != w->core) {
		pin_to(w->other_core);
		for (i = 0; i < view->n_classes; i++)
			let_go_of(w, &view->class_[i]);
		pin_to(w->core);
	}
	for (i = 0; i < view->n_classes; i++)
		forget_hints(w, &view->class_[i]);
}

bool world_settle(struct world *w)
{
	bool ok;

	atomic_store(&w->stage->is_asleep_soon, true); /* nobody is to wait for the victim */
	ok = companion_send(&w->near, ERRAND_RETURN_ALL);
	ok &= companion_send(&w->far, ERRAND_RETURN_ALL);
	ok &= holding_return(&w->stage->mine, w->pool, 0);
	return ok & take_delivery(w->pool);
}
