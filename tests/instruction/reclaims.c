/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own hand: what it does for a dead client, killed at each of its instructions and
 * run again, as by a daemon that was restarted. The arena is our own, in memory that outlives who
 * works on it, with a dead client, one that lives, and a core that is offline. Afterwards all
 * that the dead had is free, and all that the others had is as it was.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "shm/atomics.h"
#include "shm/core.h"
#include "shm/geometry.h"
#include "shm/holder.h"
#include "shm/judge.h"
#include "shm/reclaim.h"
#include "shm/record.h"
#include "shm/view.h"
#include "shm/wait.h"
#include "tests/harness/harness.h"
#include "tests/instruction/tracee.h"

#define CORES 2u
#define SEATS 8u
#define CLASSES 2u
#define REPORTED 20

static const struct seat_id dead = { 2 }, living = { 3 };
static const struct core_id offline = { 1 };

struct stand {
	struct thr_geometry geometry;
	struct thr_view view;
	uint8_t *pages;
	uint8_t *before;                /* the metadata as it is set up */
	uint32_t roster[SEATS + 1], claims[CLASSES];
};

static struct stand stand;
static unsigned tests, failed;

static uint64_t *record_of(unsigned class_, unsigned slot)
{
	return class_record(&stand.view.class_[class_], (struct slot_id){ slot });
}

static void lease(unsigned class_, unsigned slot, struct seat_id seat, unsigned run)
{
	*record_of(class_, slot) = record_lease(*record_of(class_, slot), seat, run);
}

/* On its way; sender SEAT_NOBODY: he is gone. */
static void send(unsigned class_, unsigned slot, struct seat_id from, struct seat_id to)
{
	lease(class_, slot, living, 1);
	*record_of(class_, slot) = record_hand_over(*record_of(class_, slot), to);
	stand.view.class_[class_].senders[slot] = from.n;
}

static void hold(unsigned segment, uint32_t who, uint64_t mask)
{
	struct thr_segment *s = &stand.view.class_[0].segments[segment];

	s->holder = holder_next(s->holder, who);
	s->mask = mask;
}

static void populate(void)
{
	unsigned i;

	for (i = 0; i < 200; i += 10) {
		lease(0, i, dead, 1);
		lease(0, i + 1, living, 1);
		lease(0, i + 2, i % 20 ? dead : living, 2);
	}
	send(0, 6, living, dead);
	send(0, 7, dead, living);
	send(0, 8, SEAT_NOBODY, living); /* undelivered */
	lease(1, 0, dead, 1);
	lease(1, 1, living, 1);
	send(1, 2, dead, living);
	send(1, 3, living, dead);
	hold(0, holder_of_core((struct core_id){ 0 }), (uint64_t)1 << 9);
	hold(1, holder_of_thread(dead, 5), 0);
	hold(2, holder_of_core(offline), (uint64_t)1 << 11);
	hold(3, holder_of_thread(living, 1), 0);
	stand.view.class_[0].cores[offline.n].current = 2;
	stand.view.class_[0].cores[0].current = 0;
	stand.view.control->waiting = 1;
}

static void stand_init(void)
{
	static const struct thr_class_spec specs[CLASSES] = { { 64, 200, 0 }, { 1024, 8, 0 } };
	unsigned i;

	if (thr_geometry_init(&stand.geometry, CORES, SEATS, specs, CLASSES) < 0)
		harness_fail("geometry");
	stand.pages = mmap(NULL, stand.geometry.arena_bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	stand.before = malloc(stand.geometry.metadata_bytes);
	if (stand.pages == MAP_FAILED || !stand.before)
		harness_fail("memory");
	thr_view_init(&stand.view, stand.pages, &stand.geometry);
	thr_view_format(&stand.view);
	for (i = 1; i <= SEATS; i++)
		stand.roster[i] = 1u << 16 | i;
	for (i = 0; i < CLASSES; i++)
		stand.claims[i] = stand.geometry.class_[i].claim;
	populate();
	memcpy(stand.before, stand.pages, stand.geometry.metadata_bytes);
}

static bool is_offline(struct core_id core, void *userdata)
{
	(void)userdata;
	return core.n == offline.n;
}

/* What daemon/arena.c, daemon/census.c and daemon/visitor.c do. */
static __attribute__((noinline)) void daemon_work(void)
{
	const struct thr_class_view *class_ = &stand.view.class_[0];
	struct thr_reclaimed sum = { 0 };
	struct slot_id slot = { 8 };
	uint64_t record = load_acquire(class_record(class_, slot));

	thr_barrier();
	fence_full();
	thr_reclaim_seat(&stand.view, dead, &sum);
	thr_wait_wake(stand.view.control, WAIT_ALL);
	if (record_is_pending(record) && class_->senders[slot.n] == SEAT_NOBODY.n)
		thr_reclaim_pending(class_, slot, record);
	thr_core_bury(class_, offline, is_offline, NULL);
}

static void live(void *argument)
{
	(void)argument;
	tracee_pause();
	daemon_work();
	tracee_pause();
}

/* What is wrong at any moment, or NULL. */
static const char *judge(void)
{
	struct thr_verdict v = thr_judge(&stand.view, stand.roster, stand.claims);

	return v.rule == THR_RULE_NONE ? NULL : thr_rule_text(v.rule);
}

static const char *judge_slot(unsigned class_, unsigned slot, const struct thr_view *before)
{
	uint64_t is = *record_of(class_, slot);
	uint64_t was = *class_record(&before->class_[class_], (struct slot_id){ slot });
	bool is_undelivered = class_ == 0 && slot == 8;

	if (record_is_owned_by(is, dead))
		return "the dead one still has a slot";
	if (!record_is_free(was) && !record_is_owned_by(was, dead) && !is_undelivered && is != was)
		return "a slot of the living was touched";
	if (is_undelivered && !record_is_free(is))
		return "what cannot be delivered is not back";
	if ((record_is_free(was) || record_is_owned_by(was, dead)) && !record_is_free(is))
		return "a slot is lost";
	return NULL;
}

static const char *judge_aftermath(void)
{
	const struct thr_class_view *class_ = &stand.view.class_[0];
	const char *fault = judge();
	struct thr_view before;
	unsigned i, j;

	thr_view_init(&before, stand.before, &stand.geometry);
	for (i = 0; i < CLASSES; i++)
		for (j = 0; j < stand.view.class_[i].slots && !fault; j++)
			fault = judge_slot(i, j, &before);
	if (!fault && holder_who(class_->segments[1].holder) != HOLDER_NOBODY)
		fault = "the dead one's thread still holds a segment";
	if (!fault && holder_who(class_->segments[2].holder) != HOLDER_NOBODY)
		fault = "the offline core still holds a segment";
	if (!fault && (holder_who(class_->segments[0].holder) != 1 ||
			      !holder_is_thread(holder_who(class_->segments[3].holder))))
		fault = "a segment of the living was taken";
	return fault;
}

static void check(bool ok, unsigned n, const char *what)
{
	tests++;
	failed += !ok;
	printf("%sok %u - %u %s\n", ok ? "" : "not ", tests, n, what);
}

static void report(const struct listing *l, int at, const char *fault)
{
	if (++failed <= REPORTED)
		printf("# killed at %s: %s\n", listing_name(l, at), fault);
}

/* Kill it at each instruction that was not reached before, until there is none. */
static unsigned kill_everywhere(const struct listing *l, struct tracee *t, bool *wanted)
{
	unsigned points = 0, before = failed;
	const char *fault;
	int at = -1;

	for (;;) {
		memcpy(stand.pages, stand.before, stand.geometry.metadata_bytes);
		if (!tracee_start(t, live, NULL))
			harness_fail("no child");
		tracee_plant(t, wanted);
		if (tracee_run(t, &at) != TRACEE_TRAP)
			break;
		tracee_kill(t);
		wanted[at] = false;
		points++;
		fault = judge();
		daemon_work();
		if (!fault)
			fault = judge_aftermath();
		if (fault)
			report(l, at, fault);
	}
	tracee_kill(t);
	fault = judge_aftermath();
	if (fault)
		report(l, -1, fault);
	check(failed == before, points, "instructions of the daemon's work: killed and run again");
	return points;
}

static void check_reached(const struct listing *l, const bool *wanted)
{
	unsigned i, missing = 0, idle = 0, *used = calloc(l->n_excuses + 1, sizeof(*used));

	for (i = 0; i < l->n; i++) {
		if (!wanted[i])
			continue;
		if (l->at[i].excuse >= 0) {
			used[l->at[i].excuse]++;
		} else {
			missing++;
			printf("# never reached: %s\n", listing_name(l, (int)i));
		}
	}
	for (i = 0; i < l->n_excuses; i++) {
		idle += used[i] == 0;
		printf("# %s: %u: %s\n", used[i] ? "excused" : "an excuse for nothing", used[i],
			l->excuse[i]);
	}
	free(used);
	check(missing == 0, missing, "instructions are never reached and not excused");
	check(idle == 0, idle, "excuses excuse nothing");
}

int main(void)
{
	struct listing listing;
	struct tracee tracee;
	const char *path;
	char excuses[512];
	uintptr_t base;
	bool *wanted;
	int r = tracee_try();

	if (r < 0) {
		printf("1..0 # SKIP %s\n", strerror(-r));
		return EXIT_SUCCESS;
	}
	snprintf(excuses, sizeof(excuses), "%s/tests/instruction/unreached-reclaims.txt",
		getenv("THRUSTER_SOURCE"));
	path = listing_whereabouts((const void *)main, &base);
	listing_load(&listing, path, base, excuses, "daemon_work");
	tracee_init(&tracee, &listing);
	stand_init();
	wanted = malloc(listing.n * sizeof(*wanted));
	if (!wanted)
		harness_fail("memory");
	memset(wanted, true, listing.n * sizeof(*wanted));
	kill_everywhere(&listing, &tracee, wanted);
	check_reached(&listing, wanted);
	printf("1..%u\n", tests);
	return failed != 0;
}
