/* SPDX-License-Identifier: MIT */
/*
 * Every buffer is filled with a pattern of its own when it is got and compared before it is let go,
 * so a second owner that writes is seen even if the oracle were wrong. What the library refuses is
 * compared with what may be refused: a stale ticket only if its sender died or it was meant for the
 * worker that was here before.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>
#include "shm/record.h"
#include "tests/crash/worker.h"

#define SIZE_MAX_BYTES 1000
#define RUN_MAX_BYTES 6000
#define BULK_MAX 12
#define RSEQ_SIGNATURE 0x53053053

struct held {
	struct thruster_lease lease;
	uint64_t key;
};

/* What goes from worker to worker. */
struct parcel {
	struct thruster_ticket ticket;
	uint64_t key;
	instance_t from;
};

struct worker {
	struct storm *storm;
	struct thruster_pool *pool;
	unsigned place;
	instance_t me;
	uint64_t random;
	struct held held[HELD_MAX];
	unsigned n_held;
};

static uint64_t next_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

static void complain(struct worker *w, _Atomic uint64_t *counter, const char *what, int r)
{
	if (atomic_fetch_add(counter, 1) < 8)
		fprintf(stderr, "worker %u at place %u: %s (%s)\n", w->me, w->place, what,
			strerror(-r));
}

static void stamp(const struct held *h)
{
	uint64_t *word = h->lease.data;
	size_t i;

	for (i = 0; i < h->lease.size / sizeof(*word); i++)
		word[i] = h->key + i;
}

static void verify(struct worker *w, const struct held *h)
{
	const uint64_t *word = h->lease.data;
	size_t i;

	for (i = 0; i < h->lease.size / sizeof(*word); i++)
		if (word[i] != h->key + i) {
			complain(w, &w->storm->broken_stamps,
				"a buffer was changed by somebody else", 0);
			return;
		}
}

static void got(struct worker *w, const struct thruster_lease *lease)
{
	struct held *h = &w->held[w->n_held++];

	h->lease = *lease;
	h->key = next_random(w);
	if (!oracle_rented(&w->storm->oracle, lease, w->me))
		complain(w, &w->storm->second_owners, "rented a slot that somebody has", 0);
	stamp(h);
	atomic_fetch_add(&w->storm->rents, 1);
	if (record_run(lease->token[1]) > 1)
		atomic_fetch_add(&w->storm->runs, 1);
}

static size_t some_size(struct worker *w)
{
	return next_random(w) % (next_random(w) % 4 ? SIZE_MAX_BYTES : RUN_MAX_BYTES) + 1;
}

/* Now, or in up to two milliseconds. */
static struct timespec soon(struct worker *w)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_nsec += (long)(next_random(w) % 2000000);
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_nsec -= 1000000000;
		deadline.tv_sec++;
	}
	return deadline;
}

static void rent(struct worker *w)
{
	size_t size = some_size(w);
	struct thruster_lease lease;
	struct timespec deadline;
	int r;

	if (next_random(w) % 16) {
		r = thruster_rent(w->pool, size, &lease);
	} else {
		deadline = soon(w);
		atomic_fetch_add(&w->storm->waits, 1);
		r = thruster_rent_wait(w->pool, size, &deadline, &lease);
	}
	if (r == 0 && lease.size < size)
		complain(w, &w->storm->wrong_errors, "a buffer is too small", 0);
	if (r == 0)
		got(w, &lease);
	else if (r != -ENOBUFS && r != -ETIMEDOUT)
		complain(w, &w->storm->wrong_errors, "rent", r);
}

static void rent_bulk(struct worker *w)
{
	struct thruster_lease leases[BULK_MAX];
	int i, n;

	n = thruster_rent_bulk(w->pool, some_size(w), leases,
		1 + (unsigned)(next_random(w) % BULK_MAX));
	for (i = 0; i < n; i++)
		got(w, &leases[i]);
	if (n < 0 && n != -ENOBUFS)
		complain(w, &w->storm->wrong_errors, "bulk rent", n);
}

/* Take one out of the bag, at random. */
static struct held pick(struct worker *w)
{
	unsigned i = (unsigned)(next_random(w) % w->n_held);
	struct held h = w->held[i];

	w->held[i] = w->held[--w->n_held];
	verify(w, &h);
	return h;
}

static void give_back(struct worker *w)
{
	struct held h = pick(w);
	int r;

	if (!oracle_returning(&w->storm->oracle, &h.lease, w->me))
		complain(w, &w->storm->second_owners, "somebody took a slot of mine", 0);
	r = thruster_return(w->pool, &h.lease);
	if (r < 0)
		complain(w, &w->storm->wrong_errors, "return", r);
	atomic_fetch_add(&w->storm->returns, 1);
}

static void give_back_bulk(struct worker *w)
{
	struct thruster_lease leases[BULK_MAX];
	unsigned n = 0;
	int r;

	while (w->n_held && n < BULK_MAX) {
		leases[n] = pick(w).lease;
		if (!oracle_returning(&w->storm->oracle, &leases[n++], w->me))
			complain(w, &w->storm->second_owners, "somebody took a slot of mine", 0);
	}
	r = thruster_return_bulk(w->pool, leases, n);
	if (r != (int)n)
		complain(w, &w->storm->wrong_errors, "bulk return", r);
	atomic_fetch_add(&w->storm->returns, n);
}

/* To one core, or back to where the scheduler pleases. */
static void move(struct worker *w)
{
	int n = get_nprocs_conf(), core;
	cpu_set_t set;

	CPU_ZERO(&set);
	if (next_random(w) % 2)
		CPU_SET(next_random(w) % (unsigned)n, &set);
	else
		for (core = 0; core < n; core++)
			CPU_SET(core, &set);
	sched_setaffinity(0, sizeof(set), &set); /* where it may not go it stays */
}

static void take_in(struct worker *w, const struct parcel *parcel)
{
	struct thruster_lease lease;
	int r = thruster_accept(w->pool, &parcel->ticket, &lease);

	if (r == -ESTALE) {
		if (parcel->ticket.word[2] == thruster_client_id(w->pool) &&
			!atomic_load(&w->storm->oracle.is_dead[parcel->from]))
			complain(w, &w->storm->wrong_errors, "a good ticket was refused", r);
		return;
	}
	if (r < 0) {
		complain(w, &w->storm->wrong_errors, "accept", r);
		return;
	}
	if (!oracle_accepted(&w->storm->oracle, &lease, parcel->from, w->me))
		complain(w, &w->storm->second_owners, "accepted a slot that was not on its way", 0);
	w->held[w->n_held] = (struct held){ lease, parcel->key };
	verify(w, &w->held[w->n_held++]);
	atomic_fetch_add(&w->storm->accepts, 1);
}

/* Empty the inbox; make room by returning. False if nothing was there. */
static bool take_all_in(struct worker *w)
{
	struct parcel parcel;
	bool any = false;

	while (recv(w->storm->inbox[w->place], &parcel, sizeof(parcel), MSG_DONTWAIT) ==
		(ssize_t)sizeof(parcel)) {
		any = true;
		if (w->n_held == HELD_MAX)
			give_back(w);
		take_in(w, &parcel);
	}
	return any;
}

static void hand_over(struct worker *w)
{
	unsigned place = (unsigned)(next_random(w) % w->storm->n_workers);
	uint64_t to = atomic_load(&w->storm->present[place]);
	struct parcel parcel;
	struct held h;
	int r;

	if (to == 0)
		return;
	h = pick(w);
	parcel = (struct parcel){ .key = h.key, .from = w->me };
	if (!oracle_sending(&w->storm->oracle, &h.lease, w->me, (instance_t)(to >> 32)))
		complain(w, &w->storm->second_owners, "somebody took a slot that I hand over", 0);
	r = thruster_hand_over(w->pool, &h.lease, (uint32_t)to, &parcel.ticket);
	if (r < 0) {
		if (r != -ESRCH)
			complain(w, &w->storm->wrong_errors, "hand-over", r);
		oracle_kept(&w->storm->oracle, &h.lease, w->me);
		w->held[w->n_held++] = h;
		return;
	}
	while (send(w->storm->outbox[place], &parcel, sizeof(parcel), MSG_DONTWAIT) < 0)
		take_all_in(w); /* full: the receiver may be waiting for us */
	atomic_fetch_add(&w->storm->hand_overs, 1);
}

static void work(struct worker *w)
{
	unsigned dice = (unsigned)(next_random(w) % 100);

	take_all_in(w);
	if (dice < 45 && w->n_held < HELD_MAX)
		rent(w);
	else if (dice < 50 && w->n_held + BULK_MAX <= HELD_MAX)
		rent_bulk(w);
	else if (dice < 65 && w->n_held)
		hand_over(w);
	else if (dice < 70 && w->n_held)
		give_back_bulk(w);
	else if (dice == 70)
		move(w);
	else if (w->n_held)
		give_back(w);
}

static void settle(struct worker *w)
{
	atomic_fetch_add(&w->storm->n_silent, 1);
	while (atomic_load(&w->storm->n_silent) < w->storm->n_workers) {
		take_all_in(w);
		poll(NULL, 0, 1);
	}
	take_all_in(w);
	while (w->n_held)
		give_back(w);
	atomic_fetch_add(&w->storm->n_settled, 1);
	while (atomic_load(&w->storm->stage) != STAGE_LEAVE)
		poll(NULL, 0, 1);
}

/* Every third is as if it had been started with glibc.pthread.rseq=0. */
static void choose_engine(struct worker *w)
{
#if defined(__x86_64__) || defined(__aarch64__)
	char *self = __builtin_thread_pointer();

	if (w->me % 3 == 0 && __rseq_size != 0)
		syscall(SYS_rseq, self + __rseq_offset, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIGNATURE);
	if (__rseq_size == 0 || ((struct rseq *)(self + __rseq_offset))->cpu_id > INT_MAX)
		atomic_fetch_add(&w->storm->as_threads, 1);
#endif
}

void worker_run(struct storm *storm, unsigned place, instance_t me)
{
	struct worker w = { .storm = storm, .place = place, .me = me };
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (nice(10) < 0) /* the killer and the daemon first */
		_exit(1);
	choose_engine(&w);
	w.random = (uint64_t)me * 0x9e3779b97f4a7c15ull | 1;
	r = thruster_attach(&w.pool, NULL, NULL);
	if (r < 0) {
		complain(&w, &storm->wrong_errors, "attach", r);
		_exit(1);
	}
	atomic_store(&storm->present[place], (uint64_t)me << 32 | thruster_client_id(w.pool));
	while (atomic_load(&storm->stage) == STAGE_WORK)
		work(&w);
	settle(&w);
	_exit(thruster_detach(w.pool) < 0);
}
