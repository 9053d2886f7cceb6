/* SPDX-License-Identifier: MIT */
/*
 * Many clients as threads of one process, on one mapping, because that is where ThreadSanitizer can
 * see: it knows nothing of other processes. Each thread has a pool and a seat of its own; one more
 * is the daemon. Buffers are written and read with plain accesses, and nothing else orders one
 * owner's against the next one's, so an order that is missing in the library is a data race here.
 * Threads "die": they forget what they hold and tell the daemon, which reclaims, as after a kill.
 * One thread takes whatever is idle in a segment and spoils it, as the daemon does when it gives
 * the pages back; nobody may notice.
 *
 * Built a second time with a pause, now and then, before each access to shared memory, so that the
 * threads also meet where one would have to be preempted between two instructions.
 *
 *   clients [OPERATIONS OF EACH THREAD [lanes | cores | mixed]]
 */

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include "daemon/census.h"
#include "shm/idle.h"
#include "shm/reclaim.h"
#include "shm/token.h"
#include "tests/harness/paper.h"
#include "tests/race/arena.h"

#define THREADS 8
#define SEATS 64
#define CORES 2
#define HELD_MAX 8
#define OPERATIONS_DEFAULT 200000u
#define NONCE 0x1234567890abcdefull

/* Two classes that cores hold, the second with a short last segment, and an open one. */
static const struct thr_class_spec specs[] = { { 64, 128, 0 }, { 192, 72, 0 }, { 320, 12, 0 } };
#define CLASSES 3
#define SIZE_MAX_BYTES 900

static struct race_arena arena;
static unsigned operations = OPERATIONS_DEFAULT;
static uint64_t silent, finished, errors, accepted, reclaimed, waited, runs, trimmed;

/* How seats pass between threads and the daemon; the kernel's part in real life. */
static pthread_mutex_t seats_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint16_t dead[SEATS], vacant[SEATS];
static unsigned n_dead, first_vacant, n_vacant; /* the vacant in a ring, longest vacant first */

struct client {
	struct thruster_pool *pool;
	struct thruster_lease held[HELD_MAX];
	unsigned n_held;
	uint64_t random;
	bool as_core;
};

/* Not in the daemon's thread: clients are to be overtaken by a whole walk of it. */
static __thread bool is_daemon;

#ifdef THR_STEP_DECLARED
void thr_step(void)
{
	static __thread uint32_t random;

	if (is_daemon)
		return;
	if (random == 0)
		random = (uint32_t)(uintptr_t)&random | 1;
	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	if (random % 512 == 0)
		usleep(300);
	else if (random % 32 == 0)
		sched_yield();
}
#endif

static void error(const char *what, int r)
{
	if (__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED) < 8)
		fprintf(stderr, "%s: %s\n", what, strerror(-r));
}

static unsigned dice(struct client *c, unsigned n)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return (unsigned)(c->random % n);
}

static void seat_new(struct client *c)
{
	static uint32_t generation;
	struct seat_id seat;

	for (;;) {
		pthread_mutex_lock(&seats_mutex);
		if (n_vacant)
			break;
		pthread_mutex_unlock(&seats_mutex);
		sched_yield();
	}
	seat.n = vacant[first_vacant++ % SEATS];
	n_vacant--;
	race_pool_sit(&arena, c->pool, client_id_make(seat, (uint16_t)++generation), c->as_core);
	pthread_mutex_unlock(&seats_mutex);
}

/* Forget everything, as a killed process does. */
static void die_for_good(struct client *c)
{
	pthread_mutex_lock(&seats_mutex);
	dead[n_dead++] = c->pool->seat.n;
	pthread_mutex_unlock(&seats_mutex);
	c->n_held = 0;
}

static void die(struct client *c)
{
	die_for_good(c);
	seat_new(c);
}

static void stamp(struct client *c, const struct thruster_lease *lease)
{
	memset(lease->data, (int)c->pool->seat.n, lease->size);
}

/* All of it by one owner? */
static void verify(const struct thruster_lease *lease)
{
	const uint8_t *byte = lease->data;
	size_t i;

	for (i = 1; i < lease->size; i++)
		if (byte[i] != byte[0]) {
			error("a buffer has two owners' bytes", 0);
			return;
		}
}

static struct timespec soon(void)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_nsec += 1000000; /* not long: all may be on its way to us who wait */
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_nsec -= 1000000000;
		deadline.tv_sec++;
	}
	return deadline;
}

/* Of any class, or a run of any. */
static size_t some_size(struct client *c)
{
	return 1 + dice(c, dice(c, 2) ? 64 : SIZE_MAX_BYTES);
}

static void rent(struct client *c)
{
	struct thruster_lease *lease = &c->held[c->n_held];
	size_t size = some_size(c);
	struct timespec deadline;
	int r = thruster_rent(c->pool, size, lease);

	if (r == -ENOBUFS && dice(c, 8) == 0) {
		deadline = soon();
		add_relaxed(&waited, 1);
		r = thruster_rent_wait(c->pool, size, &deadline, lease);
	}
	if (r == 0) {
		if (lease->size < size)
			error("a buffer is too small", 0);
		if (record_run(lease->token[1]) > 1)
			add_relaxed(&runs, 1);
		stamp(c, lease);
		c->n_held++;
	} else if (r != -ENOBUFS && r != -ETIMEDOUT) {
		error("rent", r);
	}
}

static void rent_bulk(struct client *c)
{
	int i, n = thruster_rent_bulk(c->pool, some_size(c), &c->held[c->n_held], HELD_MAX / 2);

	for (i = 0; i < n; i++)
		stamp(c, &c->held[c->n_held++]);
	if (n < 0 && n != -ENOBUFS)
		error("bulk rent", n);
}

static struct thruster_lease pick(struct client *c)
{
	unsigned i = dice(c, c->n_held);
	struct thruster_lease lease = c->held[i];

	c->held[i] = c->held[--c->n_held];
	verify(&lease);
	return lease;
}

static void give_back(struct client *c)
{
	struct thruster_lease lease = pick(c);
	int r = thruster_return(c->pool, &lease);

	if (r < 0)
		error("return", r);
}

static void give_back_bulk(struct client *c)
{
	unsigned n = c->n_held;
	int r;

	while (n)
		verify(&c->held[--n]);
	r = thruster_return_bulk(c->pool, c->held, c->n_held);
	if (r != (int)c->n_held)
		error("bulk return", r);
	c->n_held = 0;
}

/* Somebody in the roster, from a random place on; perhaps oneself, perhaps about to die. */
static uint32_t somebody(struct client *c)
{
	unsigned first = dice(c, SEATS), i;
	uint32_t id = 0;

	for (i = 0; i < SEATS && id == 0; i++)
		id = load_acquire(&arena.roster[1 + (first + i) % SEATS]);
	return id;
}

static void hand_over(struct client *c)
{
	uint32_t to = somebody(c);
	struct thruster_lease lease;
	struct thruster_ticket ticket;
	int r;

	if (to == 0)
		return;
	lease = pick(c);
	r = thruster_hand_over(c->pool, &lease, to, &ticket);
	if (r == -ESRCH)
		c->held[c->n_held++] = lease;
	else if (r < 0)
		error("hand-over", r);
}

/* Tickets need no channel here: look whether the slot is on its way to us and write the ticket
 * ourselves. */
static void accept_slot(struct client *c, uint32_t class_, struct slot_id slot)
{
	struct thruster_ticket ticket = { .word[2] = c->pool->id.n };
	uint64_t record = load_relaxed(class_record(&arena.view.class_[class_], slot));
	int r;

	if (!record_is_pending(record) || !record_is_owned_by(record, c->pool->seat))
		return;
	ticket.word[0] = where_pack(TOKEN_MARK_TICKET, NONCE, class_, slot);
	ticket.word[1] = record;
	r = thruster_accept(c->pool, &ticket, &c->held[c->n_held]);
	if (r == 0) {
		verify(&c->held[c->n_held]);
		stamp(c, &c->held[c->n_held++]);
		add_relaxed(&accepted, 1);
	} else if (r != -ESTALE) {
		error("accept", r);
	}
}

static void accept_some(struct client *c)
{
	uint32_t class_ = dice(c, CLASSES), slots = specs[class_].slots;
	unsigned first = dice(c, slots), i;

	for (i = 0; i < slots && c->n_held < HELD_MAX; i++)
		accept_slot(c, class_, (struct slot_id){ (first + i) % slots });
}

/* When nobody sends any more: take what is on its way to us, and give everything back. What then is
 * not free has been lost. */
static void settle(struct client *c)
{
	struct slot_id slot;
	uint32_t i;

	add_relaxed(&silent, 1);
	while (load_acquire(&silent) < THREADS)
		sched_yield();
	for (i = 0; i < CLASSES; i++)
		for (slot.n = 0; slot.n < specs[i].slots; slot.n++) {
			while (c->n_held)
				give_back(c);
			accept_slot(c, i, slot);
		}
	while (c->n_held)
		give_back(c);
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
}

static void *client_main(void *argument)
{
	struct client *c = argument;
	unsigned i;

	seat_new(c);
	for (i = 0; i < operations; i++) {
		unsigned n = dice(c, 100);

		if (n == 0)
			die(c);
		else if (n < 20 && c->n_held < HELD_MAX)
			accept_some(c);
		else if (n < 55 && c->n_held < HELD_MAX)
			rent(c);
		else if (n < 60 && c->n_held <= HELD_MAX / 2)
			rent_bulk(c);
		else if (n < 75 && c->n_held)
			hand_over(c);
		else if (n < 80 && c->n_held)
			give_back_bulk(c);
		else if (c->n_held)
			give_back(c);
	}
	settle(c);
	return NULL;
}

/* What is nobody's can be given any contents, and no owner has bytes of two kinds. */
static void spoil(const struct thr_class_view *class_, uint32_t number, const struct thr_idle *idle)
{
	struct slot_id slot = { number * THR_SEGMENT_SLOTS };
	uint64_t left;

	for (left = idle->slots; left; left >>= 1, slot.n++) {
		if (!(left & 1))
			continue;
		memset(class_data(class_, slot), 0xff, class_->stride_bytes);
		memset(class_data(class_, slot), 0xee, class_->stride_bytes / 2);
		add_relaxed(&trimmed, 1);
	}
}

static void *trimmer_main(void *argument)
{
	struct client *c = argument;
	struct thr_idle idle;

	seat_new(c);
	while (load_acquire(&finished) < THREADS) {
		const struct thr_class_view *class_ = &arena.view.class_[dice(c, CLASSES)];
		uint32_t number = dice(c, class_->n_segments);

		if (thr_idle_take(class_, number, c->pool->seat, ~(uint64_t)0 << dice(c, 64),
			    1 + dice(c, 64), &idle)) {
			spoil(class_, number, &idle);
			if (dice(c, 64) == 0)
				die(c);
			else
				thr_idle_return(class_, number, &idle);
			if (wait_is_wanted(arena.view.control, true))
				thr_wait_wake(arena.view.control, WAIT_ALL);
		}
		if (dice(c, 16) == 0)
			usleep(100);
	}
	die_for_good(c); /* somebody may have handed something to us */
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* As the daemon does: clear the roster, barrier, walk, and only then the seat is vacant. */
static void reclaim_dead(void)
{
	struct thr_reclaimed sum = { 0 };
	struct seat_id seat;

	for (;;) {
		pthread_mutex_lock(&seats_mutex);
		seat.n = n_dead ? dead[--n_dead] : 0;
		pthread_mutex_unlock(&seats_mutex);
		if (seat.n == 0)
			break;
		store_release(&arena.roster[seat.n], 0);
		thr_barrier();
		thr_reclaim_seat(&arena.view, seat, &sum);
		if (sum.total && wait_is_wanted(arena.view.control, true))
			thr_wait_wake(arena.view.control, WAIT_ALL);
		pthread_mutex_lock(&seats_mutex);
		vacant[(first_vacant + n_vacant++) % SEATS] = seat.n;
		pthread_mutex_unlock(&seats_mutex);
	}
	reclaimed += sum.total;
}

static void *daemon_main(void *argument)
{
	struct census *census = argument;
	struct thr_verdict verdict;
	uint64_t done;
	uint32_t i;

	is_daemon = true;
	do {
		done = load_acquire(&finished);
		reclaim_dead();
		race_visit(&arena);
		if (census_walk(census, &arena.view) &&
			wait_is_wanted(arena.view.control, true))
			thr_wait_wake(arena.view.control, WAIT_ALL);
		verdict = thr_judge(&arena.view, arena.roster, arena.claims);
		if (verdict.rule != THR_RULE_NONE)
			error(thr_rule_text(verdict.rule), 0);
		sched_yield();
	} while (done < THREADS + 1);
	reclaim_dead();
	census_walk(census, &arena.view);
	for (i = 0; i < CLASSES; i++)
		reclaimed += census->ledger->class_[i].reclaimed_total;
	verdict = thr_judge(&arena.view, arena.roster, arena.claims);
	if (verdict.rule != THR_RULE_NONE)
		error(thr_rule_text(verdict.rule), 0);
	return NULL;
}

static void run(struct census *census, struct client *clients)
{
	pthread_t threads[THREADS], trimmer, daemon;
	unsigned i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, client_main, &clients[i]);
	pthread_create(&trimmer, NULL, trimmer_main, &clients[THREADS]);
	pthread_create(&daemon, NULL, daemon_main, census);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_join(trimmer, NULL);
	pthread_join(daemon, NULL);
}

static int judge(const struct census *census)
{
	uint64_t leased = 0, rents = 0, adoptions = 0;
	uint32_t i, core;
	bool all;

	for (i = 0; i < CLASSES; i++) {
		leased += census->class_[i].figures.leased;
		rents += census->class_[i].figures.rents_total;
		for (core = 0; core < CORES; core++)
			adoptions += arena.view.class_[i].cores[core].adoptions_total;
	}
	all = accepted && reclaimed && waited && runs && trimmed;
	printf("1..3\n");
	printf("%sok 1 - no second owner, no broken rule, no wrong error\n", errors ? "not " : "");
	printf("%sok 2 - all slots free at the end (%llu leased)\n", leased ? "not " : "",
		(unsigned long long)leased);
	printf("%sok 3 - everything happened: %llu rents, %llu of them runs, %llu accepts, %llu "
	       "waits, %llu reclaimed, %llu adoptions by cores, %llu slots idle for a moment\n",
		all ? "" : "not ", (unsigned long long)rents, (unsigned long long)runs,
		(unsigned long long)accepted, (unsigned long long)waited,
		(unsigned long long)reclaimed, (unsigned long long)adoptions,
		(unsigned long long)trimmed);
	return errors || leased || !all;
}

int main(int argc, char **argv)
{
	const char *engine = argc > 2 ? argv[2] : "lanes";
	static struct client clients[THREADS + 1];
	struct census census;
	struct ledger *ledger;
	unsigned i;
	int r;

	if (argc > 1)
		operations = (unsigned)atoi(argv[1]);
	if (strcmp(engine, "lanes") != 0 && !race_has_cores())
		return 0;
	race_arena_init(&arena, CORES, SEATS, specs, CLASSES);
	ledger = paper_ledger(&arena.geometry, 0);
	if (census_init(&census, &arena.view, ledger) < 0)
		abort();
	for (i = 0; i < SEATS; i++)
		vacant[n_vacant++] = (uint16_t)(i + 1);
	for (i = 0; i <= THREADS; i++) {
		clients[i].pool = race_pool_new(&arena, NONCE);
		clients[i].random = 0x9e3779b97f4a7c15ull * (i + 1);
		clients[i].as_core = strcmp(engine, "cores") == 0 ||
				     (strcmp(engine, "mixed") == 0 && i % 2);
	}
	run(&census, clients);
	r = judge(&census);
	for (i = 0; i <= THREADS; i++)
		thr_pool_free(clients[i].pool);
	race_arena_fini(&arena);
	census_fini(&census);
	free(ledger);
	return r;
}
