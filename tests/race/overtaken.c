/* SPDX-License-Identifier: MIT */
/*
 * One client is stopped before each of its accesses to shared memory in turn, and while it stands
 * there somebody else runs a whole operation: another client rents what it was about to rent, the
 * receiver dies and is reclaimed, its seat gets a new tenant. Then the first goes on. However they
 * meet, in the end every slot must be free or be known to a living client that owns it, once.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/pool.h"
#include "daemon/census.h"
#include "shm/atomics.h"
#include "shm/geometry.h"
#include "shm/judge.h"
#include "shm/reclaim.h"
#include "shm/record.h"

#define SLOTS 4
#define SEATS 4
#define STEPS_MAX 1000

static const struct thr_class_spec spec = { .slot_bytes = 64, .slots = SLOTS };
static struct thr_geometry geometry;
static struct thr_view view;
static struct census census;
static uint32_t roster[SEATS + 1];

/* The client that is overtaken, one that overtakes it, and one to hand over to. */
static struct thruster_pool *first, *other, *receiver;
static struct thruster_lease first_lease, other_leases[SLOTS];
static unsigned n_other;
static struct thruster_ticket ticket;

static unsigned step, stop_at;
static void (*intruder)(void);

void thr_step(void)
{
	void (*act)(void) = intruder;

	if (!act || ++step != stop_at)
		return;
	intruder = NULL; /* his own steps do not count */
	act();
	intruder = act;
}

static void fail(const char *what)
{
	printf("not ok - stopped before access %u: %s\n", stop_at, what);
	exit(1);
}

static struct thruster_pool *seat_new(uint16_t seat, uint16_t generation)
{
	struct thruster_pool *pool;

	if (thr_pool_new(&pool) < 0)
		abort();
	pool->is_attached = 1;
	pool->seat.n = seat;
	pool->id = client_id_make(pool->seat, generation);
	pool->view = view;
	pool->roster = roster;
	roster[seat] = pool->id.n;
	return pool;
}

static void arena_new(void)
{
	static void *pages;

	if (!pages)
		pages = aligned_alloc(THR_PAGE, geometry.arena_bytes);
	memset(pages, 0, geometry.arena_bytes);
	memset(roster, 0, sizeof(roster));
	thr_view_init(&view, pages, &geometry);
	thr_view_format(&view);
	if (census_init(&census, &view, 0) < 0)
		abort();
	first = seat_new(1, 1);
	other = seat_new(2, 1);
	receiver = seat_new(3, 1);
	n_other = 0;
}

static void arena_free(void)
{
	thr_pool_free(first);
	thr_pool_free(other);
	thr_pool_free(receiver);
	census_fini(&census);
}

/* What the daemon does about the dead, in its order. */
static void reclaim(struct thruster_pool *dead)
{
	uint64_t by_class[THR_CLASSES_MAX] = { 0 };
	struct thr_reclaimed sum = { 0 };

	roster[dead->seat.n] = 0;
	thr_reclaim_seat(&view, dead->seat, &sum);
	census_walk(&census, &view, by_class); /* no grace: what lost its sender comes back now */
}

static void other_rents_all(void)
{
	while (n_other < SLOTS && thruster_rent(other, 1, &other_leases[n_other]) == 0)
		n_other++;
}

static void other_returns_all(void)
{
	while (n_other)
		if (thruster_return(other, &other_leases[--n_other]) != 0)
			fail("the other's lease was lost");
}

static void other_returns_and_rents_all(void)
{
	other_returns_all();
	other_rents_all();
}

static void receiver_dies(void)
{
	reclaim(receiver);
}

static void receiver_is_replaced(void)
{
	reclaim(receiver);
	thr_pool_free(receiver);
	receiver = seat_new(3, 2);
	other_rents_all();
}

static void sender_dies(void)
{
	reclaim(other);
	other_rents_all(); /* as if it were somebody else; its seat has no other meaning here */
	roster[other->seat.n] = other->id.n;
}

/* No slot may be anybody's but theirs who know of it: `mine` of the first, n_other of the other. */
static void check(unsigned mine, const struct thruster_lease *lease)
{
	static const uint32_t claims[] = { THR_CLAIM_OPEN };
	struct thr_verdict verdict = thr_judge(&view, roster, claims);
	unsigned owned_by_first = 0, owned_by_other = 0, lost = 0;
	struct slot_id slot;

	if (verdict.rule != THR_RULE_NONE)
		fail(thr_rule_text(verdict.rule));
	for (slot.n = 0; slot.n < SLOTS; slot.n++) {
		uint64_t record = *class_record(&view.class_[0], slot);

		if (record_is_leased(record) && record_owner(record).n == 1)
			owned_by_first++;
		else if (record_is_leased(record) && record_owner(record).n == 2)
			owned_by_other++;
		else if (!record_is_free(record) &&
			 !(record_is_pending(record) &&
				 roster[record_owner(record).n] == ticket.word[2]))
			lost++;
	}
	if (lost)
		fail("a slot is nobody's");
	if (owned_by_first != mine || owned_by_other != n_other)
		fail("a slot is owned by somebody who does not know");
	if (mine && thruster_return(first, lease) != 0)
		fail("a lease that must be good is refused");
	other_returns_all();
}

static void none(void)
{
}

static void first_rents_one(void)
{
	if (thruster_rent(first, 1, &first_lease) != 0)
		fail("cannot rent");
}

static void other_rents_two(void)
{
	first_rents_one();
	n_other = (unsigned)thruster_rent_bulk(other, 1, other_leases, 2);
}

static void other_hands_one_to_first(void)
{
	struct thruster_lease lease;

	if (thruster_rent(other, 1, &lease) != 0 ||
		thruster_hand_over(other, &lease, thruster_client_id(first), &ticket) != 0)
		fail("cannot hand over");
}

/* The operations: each returns how many leases the first client has when it is done. */
static unsigned rents(void)
{
	int r = thruster_rent(first, 1, &first_lease);

	if (r < 0 && r != -ENOBUFS)
		fail("rent: a wrong error");
	return r == 0;
}

static unsigned returns(void)
{
	if (thruster_return(first, &first_lease) != 0)
		fail("return: refused");
	return 0;
}

static unsigned hands_over(void)
{
	int r = thruster_hand_over(first, &first_lease, client_id_make((struct seat_id){ 3 }, 1).n,
		&ticket);

	if (r < 0 && r != -ESRCH)
		fail("hand-over: a wrong error");
	return r < 0;
}

static unsigned accepts(void)
{
	int r = thruster_accept(first, &ticket, &first_lease);

	if (r < 0 && r != -ESTALE)
		fail("accept: a wrong error");
	return r == 0;
}

static const struct meeting {
	const char *name;
	void (*before)(void);
	unsigned (*act)(void);
	void (*meanwhile)(void);
} meetings[] = {
	{ "rent, while another rents all", none, rents, other_rents_all },
	{ "rent, while another returns and rents all", other_rents_two, rents,
		other_returns_and_rents_all },
	{ "return, while another rents all", first_rents_one, returns, other_rents_all },
	{ "hand-over, while the receiver dies", first_rents_one, hands_over, receiver_dies },
	{ "hand-over, while the receiver dies and its seat is taken", first_rents_one, hands_over,
		receiver_is_replaced },
	{ "accept, while the sender is reclaimed and its slots rented", other_hands_one_to_first,
		accepts, sender_dies },
};

/* Returns the number of accesses at which it was stopped. */
static unsigned meet(const struct meeting *m)
{
	unsigned mine;

	for (stop_at = 1; stop_at < STEPS_MAX; stop_at++) {
		arena_new();
		memset(&ticket, 0, sizeof(ticket));
		intruder = NULL;
		m->before();
		mine = m->before == other_rents_two;
		step = 0;
		intruder = m->meanwhile;
		if (mine) { /* a second lease of the first: the one it had must stay good */
			struct thruster_lease had = first_lease;

			mine = m->act();
			intruder = NULL;
			if (thruster_return(first, &had) != 0)
				fail("a lease was lost");
		} else {
			mine = m->act();
			intruder = NULL;
		}
		check(mine, &first_lease);
		arena_free();
		if (step < stop_at)
			break;
	}
	return stop_at - 1;
}

int main(void)
{
	unsigned i, n = sizeof(meetings) / sizeof(meetings[0]), stops;

	if (thr_geometry_init(&geometry, 2, SEATS, &spec, 1) < 0)
		abort();
	printf("1..%u\n", n);
	for (i = 0; i < n; i++) {
		stops = meet(&meetings[i]);
		printf("%sok %u - %s: stopped before each of %u accesses\n", stops ? "" : "not ",
			i + 1, meetings[i].name, stops);
	}
	return 0;
}
