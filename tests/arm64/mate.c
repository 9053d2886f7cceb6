/* SPDX-License-Identifier: MIT */
/*
 * One thread of the crew. Each slot of each lease is entered in a ledger when it is got and struck
 * out before it is let go, so a second owner is seen at once; and each buffer is filled with words
 * of its own and compared, so he is also seen if only the memory were wrong. What the dead had in
 * the ledger is anybody's.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "client/pool.h"
#include "shm/wait.h"
#include "tests/arm64/crew.h"
#include "tests/arm64/disturb.h"

#define STAMP_WORDS 8u /* at each end of a slot */
#define WAIT_NS 20000000L
#define COMPLAINTS_MAX 8u
#define BURST 64u

struct held {
	struct thruster_lease lease;
	uint64_t key;
};

struct mate {
	struct crew *crew;
	struct thruster_pool *pool;
	instance_t me;
	uint16_t seat;
	uint64_t random;
	unsigned n_held;
	struct held held[CREW_HELD_MAX];
};

/* A place through which the threads of a process swap leases, to return each other's. */
static struct {
	pthread_mutex_t lock;
	struct held held;
	bool is_full;
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t next_random(struct mate *m)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random;
}

static void complain(struct mate *m, _Atomic uint64_t *counter, const char *what, int r)
{
	if (atomic_fetch_add(counter, 1) < COMPLAINTS_MAX)
		fprintf(stderr, "# client %u: %s (%d)\n", m->me, what, r);
}

static bool is_stale(const struct crew *crew, uint64_t entry)
{
	return entry == 0 || crew->is_dead[entry >> 32] ||
	       ((uint32_t)entry && crew->is_dead[(uint32_t)entry]);
}

/* Enter `after` for all slots of a lease; each must be `before`, or 0 for nobody's. */
static void ledger(struct mate *m, const struct thruster_lease *lease, uint64_t before,
	uint64_t after, const char *what)
{
	_Atomic uint64_t *entry = m->crew->owner[where_class(lease->token[0])];
	uint32_t first = where_slot(lease->token[0]).n, i;

	for (i = 0; i < record_run(lease->token[1]); i++) {
		uint64_t was = atomic_exchange(&entry[first + i], after);

		if (before ? was != before : !is_stale(m->crew, was))
			complain(m, &m->crew->second_owners, what, (int)(was >> 32));
	}
}

static uint64_t mine(const struct mate *m)
{
	return (uint64_t)m->me << 32;
}

/* For each slot of a lease, the first words and the last. */
static bool stamp(const struct thruster_lease *lease, uint64_t key, bool is_check)
{
	size_t stride = lease->size / record_run(lease->token[1]), at, i;
	bool is_sound = true;

	for (at = 0; at < lease->size; at += stride)
		for (i = 0; i < 2 * STAMP_WORDS; i++) {
			size_t word = i < STAMP_WORDS ? i : stride / 8 - (i - STAMP_WORDS) - 1;
			uint64_t *p = (uint64_t *)((uint8_t *)lease->data + at) + word;

			if (is_check)
				is_sound &= *p == key + at + word;
			else
				*p = key + at + word;
		}
	return is_sound;
}

static void got(struct mate *m, const struct thruster_lease *lease)
{
	struct held *h = &m->held[m->n_held++];

	*h = (struct held){ *lease, next_random(m) };
	ledger(m, lease, 0, mine(m), "rented a slot that somebody has");
	stamp(lease, h->key, false);
	atomic_fetch_add(record_run(lease->token[1]) > 1 ? &m->crew->runs : &m->crew->rents, 1);
}

static void rent(struct mate *m)
{
	size_t size = next_random(m) % 4 ? 1 : next_random(m) % m->crew->size_max + 1;
	struct thruster_lease lease;
	struct timespec until;
	int r;

	if (next_random(m) % 16) {
		r = thruster_rent(m->pool, size, &lease);
	} else {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += WAIT_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		r = thruster_rent_wait(m->pool, size, &until, &lease);
		atomic_fetch_add(&m->crew->waits, 1);
	}
	if (r == 0)
		got(m, &lease);
	else if (r == -ENOBUFS || r == -ETIMEDOUT)
		atomic_fetch_add(&m->crew->dry, 1);
	else
		complain(m, &m->crew->wrong_errors, "rent", r);
}

static void rent_bulk(struct mate *m)
{
	struct thruster_lease leases[16];
	int i, n;

	n = thruster_rent_bulk(m->pool, 1, leases, 16);
	for (i = 0; i < n; i++)
		got(m, &leases[i]);
	if (n > 0)
		atomic_fetch_add(&m->crew->bulks, (uint64_t)n);
	else if (n != -ENOBUFS)
		complain(m, &m->crew->wrong_errors, "bulk rent", n);
}

/* Out of the bag, at random, and struck out. */
static struct held pick(struct mate *m, uint64_t after)
{
	unsigned i = (unsigned)(next_random(m) % m->n_held);
	struct held h = m->held[i];

	m->held[i] = m->held[--m->n_held];
	if (!stamp(&h.lease, h.key, true))
		complain(m, &m->crew->broken_stamps, "a buffer was changed by somebody else", 0);
	ledger(m, &h.lease, mine(m), after, "somebody else took a slot of mine");
	return h;
}

static void give_back(struct mate *m)
{
	struct held h = pick(m, 0);
	int r = thruster_return(m->pool, &h.lease);

	if (r < 0)
		complain(m, &m->crew->wrong_errors, "return", r);
	atomic_fetch_add(&m->crew->returns, 1);
}

static void give_back_bulk(struct mate *m)
{
	struct thruster_lease leases[16];
	unsigned n;
	int r;

	for (n = 0; n < 16 && m->n_held; n++)
		leases[n] = pick(m, 0).lease;
	r = n ? thruster_return_bulk(m->pool, leases, n) : 0;
	if (r != (int)n)
		complain(m, &m->crew->wrong_errors, "bulk return", r);
	atomic_fetch_add(&m->crew->returns, n);
}

/* Put one on the table and take what lies there: it was rented by another thread. */
static void swap(struct mate *m)
{
	unsigned i = (unsigned)(next_random(m) % m->n_held);
	struct held h = m->held[i];

	pthread_mutex_lock(&table.lock);
	if (table.is_full)
		m->held[i] = table.held;
	else
		m->held[i] = m->held[--m->n_held];
	table.held = h;
	table.is_full = true;
	pthread_mutex_unlock(&table.lock);
	atomic_fetch_add(&m->crew->foreign, 1);
}

static void take_from_table(struct mate *m)
{
	pthread_mutex_lock(&table.lock);
	if (table.is_full)
		m->held[m->n_held++] = table.held;
	table.is_full = false;
	pthread_mutex_unlock(&table.lock);
}

static void open_letter(struct mate *m, struct letter *l)
{
	struct held h = { .key = l->key };
	instance_t from = l->from;
	int r = thruster_accept(m->pool, &l->ticket, &h.lease);
	bool is_for_me = l->ticket.word[2] == thruster_client_id(m->pool);

	atomic_store(&l->state, LETTER_EMPTY);
	if (r < 0) {
		if (r != -ESTALE || (is_for_me && !m->crew->is_dead[from]))
			complain(m, &m->crew->wrong_errors, "accept", r);
		return;
	}
	ledger(m, &h.lease, (uint64_t)from << 32 | m->me, mine(m),
		"accepted a slot that was not on its way");
	m->held[m->n_held++] = h;
	atomic_fetch_add(&m->crew->accepts, 1);
}

static void take_in(struct mate *m)
{
	unsigned i;

	for (i = 0; i < CREW_BOX_LETTERS; i++) {
		struct letter *l = &m->crew->box[m->seat][i];
		uint32_t full = LETTER_FULL;

		if (m->n_held < CREW_HELD_MAX && atomic_load(&l->state) == LETTER_FULL &&
			atomic_compare_exchange_strong(&l->state, &full, letter_busy(m->me)))
			open_letter(m, l);
	}
}

static struct letter *empty_letter(struct mate *m, uint16_t seat)
{
	uint32_t i;

	for (i = 0; i < CREW_BOX_LETTERS; i++) {
		struct letter *l = &m->crew->box[seat][i];
		uint32_t empty = LETTER_EMPTY;

		if (atomic_compare_exchange_strong(&l->state, &empty, letter_busy(m->me)))
			return l;
	}
	return NULL;
}

static void hand_over(struct mate *m)
{
	uint16_t seat = (uint16_t)(next_random(m) % m->crew->n_processes + 1);
	uint32_t to = __atomic_load_n(&m->crew->roster[seat], __ATOMIC_ACQUIRE);
	instance_t receiver = __atomic_load_n(&m->crew->instance[seat], __ATOMIC_ACQUIRE);
	struct letter *l = to ? empty_letter(m, seat) : NULL;
	struct held h;
	int r;

	if (!l)
		return;
	h = pick(m, mine(m) | receiver);
	l->key = h.key;
	l->from = m->me;
	r = thruster_hand_over(m->pool, &h.lease, to, &l->ticket);
	atomic_store(&l->state, r < 0 ? LETTER_EMPTY : LETTER_FULL);
	if (r == 0) {
		atomic_fetch_add(&m->crew->hand_overs, 1);
		return;
	}
	if (r != -ESRCH)
		complain(m, &m->crew->wrong_errors, "hand-over", r);
	ledger(m, &h.lease, mine(m) | receiver, mine(m), "somebody took a slot that I kept");
	m->held[m->n_held++] = h;
}

/* As fast as it goes, so that a thread that is disturbed often is disturbed in a sequence. */
static void burst(struct mate *m)
{
	struct thruster_lease lease;
	unsigned i;

	for (i = 0; i < BURST; i++) {
		if (thruster_rent(m->pool, 1, &lease) != 0)
			return;
		ledger(m, &lease, 0, mine(m), "rented a slot that somebody has");
		ledger(m, &lease, mine(m), 0, "somebody else took a slot of mine");
		if (thruster_return(m->pool, &lease) != 0)
			complain(m, &m->crew->wrong_errors, "return", 0);
	}
	atomic_fetch_add(&m->crew->bursts, 1);
}

static void work(struct mate *m)
{
	unsigned dice = (unsigned)(next_random(m) % 128);

	take_in(m);
	if (dice < 42 && m->n_held < m->crew->held_max)
		rent(m);
	else if (dice < 48 && m->n_held + 16 <= m->crew->held_max)
		rent_bulk(m);
	else if (dice < 54)
		give_back_bulk(m);
	else if (dice < 72 && m->n_held)
		hand_over(m);
	else if (dice < 80 && m->n_held)
		swap(m);
	else if (dice < 96)
		burst(m);
	else if (m->n_held)
		give_back(m);
}

static void *mate_main(void *argument)
{
	struct mate *m = argument;

	disturb_me(m->crew->disturb_us, (unsigned)m->random);
	while (atomic_load(&m->crew->stage) == CREW_WORK)
		work(m);
	atomic_fetch_add(&m->crew->n_silent, 1);
	while (atomic_load(&m->crew->n_silent) < m->crew->n_processes * m->crew->n_threads) {
		take_in(m);
		while (m->n_held)
			give_back(m);
		sched_yield();
	}
	take_in(m);
	take_from_table(m);
	while (m->n_held)
		give_back(m);
	return NULL;
}

int mate_run(struct crew *crew, uint16_t seat)
{
	static struct mate mates[CREW_THREADS_MAX];
	pthread_t threads[CREW_THREADS_MAX];
	struct thruster_pool *pool = crew_attach(
		crew, seat, crew->engine == CREW_CORES || (crew->engine == CREW_MIXED && seat % 2));
	unsigned i;

	if (!pool)
		return 1;
	for (i = 0; i < crew->n_threads; i++) {
		mates[i] = (struct mate){ .crew = crew, .pool = pool, .seat = seat };
		mates[i].me = crew->instance[seat];
		mates[i].random = ((uint64_t)mates[i].me << 8 | i) * 0x9e3779b97f4a7c15ull | 1;
		if (pthread_create(&threads[i], NULL, mate_main, &mates[i]) != 0)
			return 1;
	}
	for (i = 0; i < crew->n_threads; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
