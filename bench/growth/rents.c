/* SPDX-License-Identifier: MIT */
/*
 * The loops that are timed. Which lease is returned is drawn beforehand and its place in our own
 * array fetched, so that an array of millions is not what is measured.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "bench/clock.h"
#include "bench/growth/job.h"
#include "bench/growth/rents.h"

#define CHUNK_OPS 2048u
#define WARM_OPS_MIN 8192u
#define WARM_OPS_MAX 131072u
#define DRY_MAX 1000000u
#define SEGMENT_WORDS 112u
#define SEED 0x9e3779b97f4a7c15u

struct renter {
	struct job *job;
	struct thruster_pool **pools;
	unsigned n_pools, turn;
	struct thruster_lease *lease;
	unsigned n, next;
	uint64_t random;
	uint64_t *lines; /* memory, where there is no pool */
};

static inline unsigned draw(uint64_t *random, unsigned n)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (unsigned)((*random >> 32) * n >> 32);
}

static inline void rent(struct renter *r, struct thruster_pool *pool, struct thruster_lease *lease)
{
	unsigned dry = 0;
	int e;

	while ((e = thruster_rent(pool, r->job->size, lease)) < 0)
		if (e != -ENOBUFS || ++dry == DRY_MAX)
			job_fail(r->job, "cannot rent", e);
}

static inline void give(struct renter *r, struct thruster_pool *pool,
	const struct thruster_lease *lease)
{
	int e = thruster_return(pool, lease);

	if (e < 0)
		job_fail(r->job, "cannot return", e);
}

static inline void exchange_one(struct renter *r)
{
	struct thruster_pool *pool = r->pools[r->turn];
	struct thruster_lease lease;

	if (++r->turn == r->n_pools)
		r->turn = 0;
	rent(r, pool, &lease);
	give(r, pool, &lease);
}

static inline void exchange_of_window(struct renter *r)
{
	struct thruster_lease *lease = &r->lease[r->next];

	r->next = draw(&r->random, r->n);
	__builtin_prefetch(&r->lease[r->next], 1);
	give(r, r->pools[0], lease);
	rent(r, r->pools[0], lease);
}

static inline __attribute__((always_inline)) void against_clock(
	struct renter *r, unsigned warm_ops, void (*exchange)(struct renter *r))
{
	int64_t least = (int64_t)(r->job->sample_ms * 1e6), start, now;
	uint64_t ops = 0;
	unsigned i;

	for (i = 0; i < warm_ops; i++)
		exchange(r);
	start = clock_ns(CLOCK_MONOTONIC);
	do {
		for (i = 0; i < CHUNK_OPS; i++)
			exchange(r);
		ops += CHUNK_OPS;
		now = clock_ns(CLOCK_MONOTONIC);
	} while (now - start < least);
	r->job->value = (double)(now - start) / (double)ops;
}

static void measure_window(struct renter *r)
{
	unsigned warm = r->n < WARM_OPS_MIN / 4 ? WARM_OPS_MIN
		: r->n > WARM_OPS_MAX / 4	? WARM_OPS_MAX
						: 4 * r->n;

	r->next = draw(&r->random, r->n);
	against_clock(r, warm, exchange_of_window);
}

static void *allocate(struct job *job, size_t n, size_t size)
{
	void *memory = calloc(n ? n : 1, size);

	if (!memory)
		job_fail(job, "cannot hold so many leases", -ENOMEM);
	return memory;
}

static void renter_init(struct renter *r, struct job *job, unsigned pools)
{
	unsigned i;

	*r = (struct renter){ .job = job, .n_pools = pools, .random = SEED };
	r->pools = allocate(job, pools, sizeof(struct thruster_pool *));
	for (i = 0; i < pools; i++)
		job_attach(job, &r->pools[i]);
}

static void renter_fini(struct renter *r)
{
	unsigned i;

	for (i = 0; i < r->n_pools; i++)
		job_detach(r->job, r->pools[i]);
}

static void hold(struct renter *r, unsigned n)
{
	r->lease = allocate(r->job, n, sizeof(struct thruster_lease));
	for (r->n = 0; r->n < n; r->n++)
		rent(r, r->pools[0], &r->lease[r->n]);
}

/* All slots, and then return some, so that `n` are held at random places. */
static void hold_scattered(struct renter *r, unsigned slots, unsigned n)
{
	unsigned left = slots, i;
	int e;

	r->lease = allocate(r->job, slots, sizeof(struct thruster_lease));
	e = thruster_rent_bulk(r->pools[0], r->job->size, r->lease, slots);
	if (e != (int)slots)
		job_fail(r->job, "cannot rent all slots", e < 0 ? e : -ENOBUFS);
	/* Each is kept with the odds that make it n of all. */
	for (i = 0; i < slots; i++, left--) {
		if (draw(&r->random, left) < n - r->n)
			r->lease[r->n++] = r->lease[i];
		else
			give(r, r->pools[0], &r->lease[i]);
	}
}

void rents_one(struct job *job)
{
	unsigned warm = WARM_OPS_MIN > 4 * job->clients ? WARM_OPS_MIN : 4 * job->clients;
	struct renter r;

	renter_init(&r, job, job->clients ? job->clients : 1);
	against_clock(&r, warm, exchange_one);
	renter_fini(&r);
}

void rents_window(struct job *job)
{
	struct renter r;

	renter_init(&r, job, 1);
	hold(&r, job->held);
	measure_window(&r);
	renter_fini(&r);
}

void rents_half(struct job *job)
{
	struct renter r;

	renter_init(&r, job, 1);
	hold_scattered(&r, job->slots, job->slots / 2);
	measure_window(&r);
	job_await(job, 1);
	renter_fini(&r);
}

/*
 * A segment is 14 lines of 64 bytes; one is read, one seldom written, and one is the record's. The
 * next one depends on what was read: a return has so much to do that few are begun at once.
 */
static inline void touch(struct renter *r)
{
	unsigned slot = draw(&r->random, r->n);
	uint64_t *segment = r->lines + (size_t)slot / 64 * SEGMENT_WORDS;
	uint64_t *record = &segment[SEGMENT_WORDS - 64 + slot % 64];

	r->random += segment[2 * 8] + (*record)++;
	if (segment[4 * 8] == 0)
		segment[4 * 8] = 1;
}

void rents_none(struct job *job)
{
	struct renter r = { .job = job, .n = job->slots, .random = SEED };
	size_t bytes = ((size_t)job->slots + 63) / 64 * SEGMENT_WORDS * sizeof(*r.lines);

	r.lines = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (r.lines == MAP_FAILED)
		job_fail(job, "cannot have so much memory", -errno);
	against_clock(&r, WARM_OPS_MAX, touch);
}

/* The other client is of the same process: it does nothing any more. */
static void other_init(struct renter *other, struct job *job)
{
	renter_init(other, job, 1);
	if (job->held)
		hold_scattered(other, job->slots, job->slots * job->held / 100);
}

static void beside(struct job *job, unsigned window)
{
	struct renter other, r;

	other_init(&other, job);
	renter_init(&r, job, 1);
	if (window == 0) {
		against_clock(&r, WARM_OPS_MIN, exchange_one);
	} else {
		hold(&r, window);
		measure_window(&r);
	}
	renter_fini(&r);
	renter_fini(&other);
}

void rents_beside_one(struct job *job)
{
	beside(job, 0);
}

void rents_beside_8(struct job *job)
{
	beside(job, 8);
}

void rents_beside_half(struct job *job)
{
	beside(job, (job->slots - job->slots * job->held / 100) / 2);
}
