/* SPDX-License-Identifier: MIT */
/*
 * One client is stopped before each of its accesses to shared memory in turn, and while it stands
 * there somebody else runs a whole operation: another client rents what it was about to rent or
 * takes its segment away, the receiver dies and is reclaimed, its seat gets a new tenant. Then the
 * first goes on. However they meet, in the end every slot must be free or be known to a living
 * client that owns it, once; and all slots can be rented.
 *
 * All this in an open class, and in one that is held, by threads and by cores in all combinations.
 * Cores are those of tests/unit/cores.h: the sections themselves are not parted here, but whatever
 * lies between them is.
 */

#include <errno.h>
#include "daemon/census.h"
#include "shm/holder.h"
#include "shm/reclaim.h"
#include "tests/harness/paper.h"
#include "tests/race/arena.h"
#include "tests/unit/cores.h"

#define SLOTS 4
#define SEATS 4
#define CORES 2
#define BLOCKER 4 /* has leased what is not among the four */
#define STEPS_MAX 1000
#define THREAD UINT32_MAX

/* As what the two rent: a core's number, or as a thread. */
static const struct way_to_rent {
	const char *name;
	uint32_t slots, first, other;
} ways[] = {
	{ "open", SLOTS, THREAD, THREAD },
	{ "two threads", 65, THREAD, THREAD },
	{ "a thread and a core", 65, THREAD, 0 },
	{ "a core and a thread", 65, 0, THREAD },
	{ "two cores", 65, 0, 1 },
	{ "one core", 65, 0, 0 },
};

static const struct way_to_rent *way;
static struct race_arena arena;
static struct census census;
static struct ledger *ledger;

/* The client that is overtaken, one that overtakes it, and one to hand over to. */
static struct thruster_pool *first, *other, *receiver;
static struct thruster_lease first_lease, other_leases[SLOTS], first_leases[SLOTS];
static unsigned n_other;
static struct thruster_ticket ticket;
static unsigned n_waiting;
static uint32_t wakes_seen, asked_by_other;

static void act_as(const struct thruster_pool *pool);
static unsigned step, stop_at;
static void (*intruder)(void);

void thr_step(void)
{
	void (*act)(void) = intruder;

	if (!act || ++step != stop_at)
		return;
	intruder = NULL; /* his own steps do not count */
	act_as(other);
	act();
	act_as(first);
	intruder = act;
}

static void fail(const char *what)
{
	printf("not ok - %s, stopped before access %u: %s\n", way->name, stop_at, what);
	exit(1);
}

/* Go where a client rents. */
static void act_as(const struct thruster_pool *pool)
{
	uint32_t core = pool == first ? way->first : way->other;

	cores_go_to(core == THREAD ? 0 : core);
}

static void seat_new(
	struct thruster_pool **ret_pool, uint16_t seat, uint16_t generation, uint32_t core)
{
	struct thruster_pool *pool = *ret_pool ? *ret_pool : race_pool_new(&arena, 0);

	*ret_pool = pool;
	pool->view = arena.view;
	pool->roster = arena.roster;
	race_pool_sit(&arena, pool, client_id_make((struct seat_id){ seat }, generation), false);
	if (core != THREAD) {
		pool->self.section = cores_section();
		pool->self.visitable = arena.visitable;
		pool->self.n_cores = SECTION_IS_THERE ? CORES : 0;
	}
}

/* Four slots, in a class that is held two in each of its two segments; the rest is leased. */
static void arena_new(void)
{
	struct thr_class_spec spec = { .slot_bytes = 64, .slots = way->slots == 65 ? 66 : SLOTS };
	struct slot_id slot;

	race_arena_init(&arena, CORES, SEATS, &spec, 1);
	for (slot.n = 2; spec.slots > SLOTS && slot.n < 64; slot.n++)
		*class_record(&arena.view.class_[0], slot) =
			record_lease(0, (struct seat_id){ BLOCKER }, 1);
	census_fini(&census);
	free(ledger);
	ledger = paper_ledger(&arena.geometry, 0);
	if (census_init(&census, &arena.view, ledger) < 0)
		abort();
	seat_new(&first, 1, 1, way->first);
	seat_new(&other, 2, 1, way->other);
	seat_new(&receiver, 3, 1, way->other);
	arena.roster[BLOCKER] = client_id_make((struct seat_id){ BLOCKER }, 1).n;
	n_other = 0;
}

/* What the daemon does about the dead, in its order. */
static void reclaim(struct thruster_pool *dead)
{
	struct thr_reclaimed sum = { 0 };

	arena.roster[dead->seat.n] = 0;
	thr_reclaim_seat(&arena.view, dead->seat, &sum);
	/* Without grace: what lost its sender comes back now. */
	census_walk(&census, &arena.view);
}

static void other_rents_all(void)
{
	while (n_other < SLOTS && thruster_rent(other, 1, &other_leases[n_other]) == 0)
		n_other++;
}

/* A run of what is left of the second segment, which nobody has begun with. */
static void other_rents_a_run(void)
{
	n_other += thruster_rent(other, 128, &other_leases[n_other]) == 0;
}

/* And so holds what nobody held, or has it given to it. */
static void other_rents_and_returns_one(void)
{
	uint32_t visits = arena.view.control->visits;
	struct thruster_lease lease;

	if (thruster_rent(other, 1, &lease) == 0 && thruster_return(other, &lease) != 0)
		fail("the other's lease was lost");
	asked_by_other += arena.view.control->visits - visits;
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
	seat_new(&receiver, 3, 2, way->other);
	other_rents_all();
}

static void sender_dies(void)
{
	reclaim(other);
	other_rents_all(); /* as if it were somebody else; its seat has no other meaning here */
	arena.roster[other->seat.n] = other->id.n;
}

/* A core that was asked gives what it has, as a visitor makes it. */
static void visit_core(struct core_id core)
{
	struct thr_self self = cores_self(core.n, CORES, SEAT_NOBODY);

	self.control = arena.view.control;
	if (arena.view.class_[0].cores[core.n].asked)
		thr_core_yield(&arena.view.class_[0], &self, core, true);
}

static void visit(void)
{
	struct core_id core;

	for (core.n = 0; core.n < CORES; core.n++)
		visit_core(core);
}

/* Whatever happened, nothing was lost: the other can have all four. */
static void check_all_can_be_rented(void)
{
	unsigned tries;

	for (tries = 0; tries < 8 && n_other < SLOTS; tries++) {
		act_as(other);
		other_rents_all();
		visit();
	}
	if (n_other != SLOTS)
		fail("not all slots can be rented");
	act_as(other);
	other_returns_all();
}

/* No slot may be anybody's but theirs who know of it: `mine` of the first, n_other of the other. */
static void check(unsigned mine, const struct thruster_lease *lease)
{
	struct thr_verdict verdict = thr_judge(&arena.view, arena.roster, arena.claims);
	const struct thr_class_view *c = &arena.view.class_[0];
	unsigned owned_by_first = 0, owned_by_other = 0, lost = 0;
	struct slot_id slot;

	if (verdict.rule != THR_RULE_NONE)
		fail(thr_rule_text(verdict.rule));
	for (slot.n = 0; slot.n < c->slots; slot.n++) {
		uint64_t record = *class_record(c, slot);

		if (record_is_leased(record) && record_owner(record).n == 1)
			owned_by_first++;
		else if (record_is_leased(record) && record_owner(record).n == 2)
			owned_by_other++;
		else if (!record_is_free(record) && record_owner(record).n != BLOCKER &&
			 !(record_is_pending(record) &&
				 arena.roster[record_owner(record).n] == ticket.word[2]))
			lost++;
	}
	if (lost)
		fail("a slot is nobody's");
	if (owned_by_first != mine || owned_by_other != n_other)
		fail("a slot is owned by somebody who does not know");
	if (mine && thruster_return(first, lease) != 0)
		fail("a lease that must be good is refused");
	act_as(other);
	other_returns_all();
	if (ticket.word[1] == 0)
		check_all_can_be_rented();
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
	act_as(other);
	n_other = thruster_rent(other, 1, &other_leases[0]) == 0;
	n_other += thruster_rent(other, 1, &other_leases[1]) == 0;
	act_as(first);
}

static void first_rents_all(void)
{
	unsigned i;

	for (i = 0; i < SLOTS; i++)
		if (thruster_rent(first, 1, &first_leases[i]) != 0)
			fail("cannot rent");
	/* Somebody saw a slot, asked for it and was too late. */
	if (way->first != THREAD)
		arena.view.class_[0].cores[way->first].asked =
			holder_of_core((struct core_id){ 1 });
}

/* As thruster_rent_wait() does before it sleeps. */
static void other_waits(void)
{
	wakes_seen = thr_wait_announce(arena.view.control, true).seen;
	n_waiting = 1;
	act_as(other);
	n_other = thruster_rent(other, 1, &other_leases[0]) == 0;
}

static void first_returns_and_other_waits(void)
{
	if (thruster_return(first, &first_leases[0]) != 0)
		fail("a lease was lost");
	other_waits();
}

/* Leased by somebody else, or free. */
static void second_segment_is(unsigned leased)
{
	struct slot_id slot = { THR_SEGMENT_SLOTS };

	if (way->slots != 65)
		return;
	for (; slot.n < THR_SEGMENT_SLOTS + 2; slot.n++)
		*class_record(&arena.view.class_[0], slot) =
			leased ? record_lease(0, (struct seat_id){ BLOCKER }, 1) : 0;
	*class_returned(&arena.view.class_[0], (struct slot_id){ THR_SEGMENT_SLOTS }) = 1;
}

/* Somebody else is walking it, and has taken the flag down. */
static void first_segment_is_free(void)
{
	second_segment_is(1);
	*class_returned(&arena.view.class_[0], (struct slot_id){ 0 }) = 0;
}

static void other_has_been_there(void)
{
	second_segment_is(1);
	act_as(other);
	other_rents_all();
	other_returns_all();
	act_as(first);
}

static void other_hands_one_to_first(void)
{
	struct thruster_lease lease;

	act_as(other);
	if (thruster_rent(other, 1, &lease) != 0 ||
		thruster_hand_over(other, &lease, thruster_client_id(first), &ticket) != 0)
		fail("cannot hand over");
	act_as(first);
}

/* The operations: each returns how many leases the first client has when it is done. */
static unsigned rents(void)
{
	int r = thruster_rent(first, 1, &first_lease);

	if (r < 0 && r != -ENOBUFS)
		fail("rent: a wrong error");
	return r == 0;
}

/* One of the two in the first segment is free all the time: it gets that, or has asked for it. */
static unsigned rents_what_is_free(void)
{
	int r;

	asked_by_other = arena.view.control->visits;
	r = thruster_rent(first, 1, &first_lease);
	intruder = NULL;
	second_segment_is(0);
	if (r < 0 && (r != -ENOBUFS || arena.view.control->visits == asked_by_other))
		fail("rent: it says that nothing is free");
	return r == 0;
}

static unsigned rents_a_run(void)
{
	int r = thruster_rent(first, 128, &first_lease);

	if (r < 0 && r != -ENOBUFS && (r != -EMSGSIZE || way->slots != SLOTS))
		fail("rent: a wrong error");
	return r == 0;
}

static unsigned rents_in_bulk(void)
{
	struct thruster_lease two[2];
	int r = thruster_rent_bulk(first, 1, two, 2);

	if (r < 0 && r != -ENOBUFS)
		fail("bulk: a wrong error");
	if (r == 2 && thruster_return(first, &two[1]) != 0)
		fail("the second of a bulk is refused");
	first_lease = two[0];
	return r > 0;
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

/* The first's core is visited. Who waits looks again when he is woken, and only then. */
static unsigned is_visited(void)
{
	unsigned i, rounds;

	n_waiting = 0;
	if (way->first != THREAD)
		visit_core((struct core_id){ way->first });
	intruder = NULL;
	for (rounds = 0; n_waiting && n_other == 0 && rounds < 8; rounds++) {
		visit();
		if (arena.view.control->wakes != wakes_seen)
			other_waits();
	}
	act_as(first);
	if (n_waiting && n_other == 0)
		fail("a question was lost");
	for (i = n_waiting; i < SLOTS; i++)
		if (thruster_return(first, &first_leases[i]) != 0)
			fail("a lease was lost");
	return 0;
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
	{ "rent of what is free, while another goes by", first_segment_is_free, rents_what_is_free,
		other_rents_and_returns_one },
	{ "rent of what is free, while another goes by where it was", other_has_been_there,
		rents_what_is_free, other_rents_and_returns_one },
	{ "return, while another rents all", first_rents_one, returns, other_rents_all },
	{ "rent of a run, while another rents all", none, rents_a_run, other_rents_all },
	{ "rent, while another rents a run", none, rents, other_rents_a_run },
	{ "rent of a run, while another rents a run", none, rents_a_run, other_rents_a_run },
	{ "rent in bulk, while another returns and rents all", none, rents_in_bulk,
		other_returns_and_rents_all },
	{ "hand-over, while the receiver dies", first_rents_one, hands_over, receiver_dies },
	{ "hand-over, while the receiver dies and its seat is taken", first_rents_one, hands_over,
		receiver_is_replaced },
	{ "accept, while the sender is reclaimed and its slots rented", other_hands_one_to_first,
		accepts, sender_dies },
	{ "visit, while what it was too late for comes back and is asked for", first_rents_all,
		is_visited, first_returns_and_other_waits },
};

/* Stopped before one access. Returns how many there were. */
static unsigned meet_once(const struct meeting *m)
{
	struct thruster_lease had;
	bool has_one;
	unsigned mine;

	arena_new();
	memset(&ticket, 0, sizeof(ticket));
	intruder = NULL;
	act_as(first);
	m->before();
	/* A second lease of the first: the one that it had must stay good. */
	has_one = m->before == other_rents_two;
	had = first_lease;
	step = 0;
	intruder = m->meanwhile;
	mine = m->act();
	intruder = NULL;
	if (has_one && thruster_return(first, &had) != 0)
		fail("a lease was lost");
	check(mine, &first_lease);
	return step;
}

/* Returns the number of accesses at which it was stopped. */
static unsigned meet(const struct meeting *m)
{
	for (stop_at = 1; stop_at < STEPS_MAX; stop_at++)
		if (meet_once(m) < stop_at)
			break;
	return stop_at - 1;
}

int main(void)
{
	unsigned n_ways = sizeof(ways) / sizeof(ways[0]);
	unsigned n = sizeof(meetings) / sizeof(meetings[0]);
	unsigned i, j, stops, number = 0;
	bool ok;

	printf("1..%u\n", n * n_ways);
	for (j = 0; j < n_ways; j++)
		for (i = 0; i < n; i++) {
			way = &ways[j];
			stops = meet(&meetings[i]);
			/* A core's rent or return may be one section; an open class has no runs,
			 * and only cores are visited. */
			ok = stops || way->first != THREAD || meetings[i].act == rents_a_run ||
			     meetings[i].act == is_visited;
			printf("%sok %u - %s: %s: stopped before each of %u accesses\n",
				ok ? "" : "not ", ++number, way->name, meetings[i].name, stops);
		}
	thr_pool_free(first);
	thr_pool_free(other);
	thr_pool_free(receiver);
	census_fini(&census);
	free(ledger);
	race_arena_fini(&arena);
	return 0;
}
