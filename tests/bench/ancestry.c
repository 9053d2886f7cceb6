/* SPDX-License-Identifier: MIT */
/*
 * The pools that ours is compared with and descends from. They are simpler than ours and lose what
 * a killed process had, but what they are measured at must be right: no buffer has two owners, and
 * threads and processes lose none. A rented buffer is stamped twice: its owner, by an exchange that
 * finds any other, and a payload, by plain stores, so that a sanitizer for threads sees an order
 * that is missing.
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/cas-mask.h"
#include "bench/circle.h"
#include "bench/queue.h"
#include "bench/stacks.h"

#define SLOTS_MAX 128u
#define CORES 2u
#define THREADS 4u
#define PROCESSES 2u
#define HELD_MAX 48u /* so that sometimes there are none, and one must look elsewhere */
#define RUNS 8u      /* each from a new pool, since there is a first time for each buffer */
#define ROUNDS 5000u
#define STRIDE 64u

struct shared {
	union {
		struct cas_mask cas_mask;
		struct circle circle;
		struct queue queue;
		struct stacks stacks;
	};
	uint32_t owner[SLOTS_MAX];               /* 0: nobody; or who + 1 */
	uint64_t payload[SLOTS_MAX][STRIDE / 8]; /* the buffers */
	uint32_t arrived, faults;
};

struct pool {
	const char *name;
	unsigned slots;
	void (*init)(void);
	int (*take)(unsigned who, uint64_t *ret);
	int (*give)(unsigned who, uint64_t which);
};

static struct shared *shared;
static const struct pool *pool;
static unsigned n_tests;

static void cas_mask_new(void)
{
	cas_mask_init(&shared->cas_mask, pool->slots / 64);
}

static int cas_mask_rent(unsigned who, uint64_t *ret)
{
	(void)who;
	return cas_mask_take(&shared->cas_mask, ret);
}

static int cas_mask_return(unsigned who, uint64_t which)
{
	(void)who;
	return cas_mask_give(&shared->cas_mask, which);
}

static void circle_new(void)
{
	circle_init(&shared->circle, pool->slots);
}

static int circle_rent(unsigned who, uint64_t *ret)
{
	(void)who;
	return circle_take(&shared->circle, ret);
}

static int circle_return(unsigned who, uint64_t which)
{
	(void)who;
	return circle_give(&shared->circle, which);
}

static void queue_new(void)
{
	queue_init(&shared->queue, pool->slots);
}

static int queue_rent(unsigned who, uint64_t *ret)
{
	(void)who;
	return queue_take(&shared->queue, ret);
}

static int queue_return(unsigned who, uint64_t which)
{
	(void)who;
	return queue_give(&shared->queue, which);
}

static void stacks_new(void)
{
	shared->stacks.cores = CORES;
	stacks_add(&shared->stacks, STRIDE, pool->slots, 0, STRIDE);
}

static int stacks_rent(unsigned who, uint64_t *ret)
{
	return stacks_take(&shared->stacks, &shared->stacks.thread[who], STRIDE, ret);
}

static int stacks_return(unsigned who, uint64_t which)
{
	return stacks_give(&shared->stacks, &shared->stacks.thread[who], which);
}

static const struct pool pools[] = {
	/* Of two masks each core has its own, and of one none has. */
	{ "cas-mask", 128, cas_mask_new, cas_mask_rent, cas_mask_return },
	{ "cas-mask of one", 64, cas_mask_new, cas_mask_rent, cas_mask_return },
	{ "circle", 128, circle_new, circle_rent, circle_return },
	{ "queue", 128, queue_new, queue_rent, queue_return },
	{ "stacks", 128, stacks_new, stacks_rent, stacks_return },
};
#define N_POOLS (sizeof(pools) / sizeof(pools[0]))

static void report(bool is_ok, const char *name, const char *what)
{
	printf("%sok %u - %s: %s\n", is_ok ? "" : "not ", ++n_tests, name, what);
	fflush(stdout);
}

/* All free, nobody has been here. */
static void begin(void)
{
	if (shared)
		munmap(shared, sizeof(*shared));
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	if (shared == MAP_FAILED)
		abort();
	pool->init();
}

static void fault(void)
{
	__atomic_add_fetch(&shared->faults, 1, __ATOMIC_RELAXED);
}

static bool is_faultless(void)
{
	return __atomic_load_n(&shared->faults, __ATOMIC_RELAXED) == 0;
}

/* A place of the circle counts its turns too. */
static uint32_t slot_of(uint64_t which)
{
	uint32_t slot = (uint32_t)which % pool->slots;

	if (which >> 32 != 0 || (strcmp(pool->name, "circle") != 0 && which >= pool->slots))
		fault();
	return slot;
}

static void stamp(unsigned who, uint64_t which)
{
	uint32_t slot = slot_of(which);
	unsigned i;

	if (__atomic_exchange_n(&shared->owner[slot], who + 1, __ATOMIC_RELAXED) != 0)
		fault();
	for (i = 0; i < STRIDE / 8; i++)
		shared->payload[slot][i] = who;
}

static void unstamp(unsigned who, uint64_t which)
{
	uint32_t slot = slot_of(which);
	unsigned i;

	for (i = 0; i < STRIDE / 8; i++)
		if (shared->payload[slot][i] != who)
			fault();
	if (__atomic_exchange_n(&shared->owner[slot], 0, __ATOMIC_RELAXED) != who + 1)
		fault();
}

/* What can be rented, by each who may keep some to himself, until there is no more. */
static unsigned drain(unsigned n_who)
{
	unsigned who, n = 0;
	uint64_t which;
	int r;

	for (who = 0; who < n_who; who++) {
		while ((r = pool->take(who, &which)) == 0 && n++ < 2 * pool->slots)
			stamp(who, which);
		if (r != -ENOBUFS)
			fault();
	}
	return n;
}

static void test_exhaustion(void)
{
	begin();
	report(drain(1) == pool->slots && is_faultless(), pool->name,
		"as many different buffers as there are, then -ENOBUFS");
}

static void give_any(unsigned who, uint64_t *held, unsigned *n, uint64_t *random)
{
	unsigned i = (unsigned)(*random % *n);

	unstamp(who, held[i]);
	if (pool->give(who, held[i]) != 0)
		fault();
	held[i] = held[--*n];
}

/* Rent and return by lot, up to HELD_MAX at once, with n_who - 1 others. */
static void work(unsigned who, unsigned n_who)
{
	uint64_t held[HELD_MAX], random = who + 1;
	unsigned n = 0, spins = 0, i;

	__atomic_add_fetch(&shared->arrived, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&shared->arrived, __ATOMIC_RELAXED) < n_who)
		spin(&spins);
	for (i = 0; i < ROUNDS; i++) {
		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		random ^= random >> 33;
		if (n < HELD_MAX && (n == 0 || random & 1)) {
			int r = pool->take(who, &held[n]);

			if (r == 0)
				stamp(who, held[n++]);
			else if (r != -ENOBUFS)
				fault();
			else
				sched_yield();
		} else {
			give_any(who, held, &n, &random);
		}
	}
	while (n > 0)
		give_any(who, held, &n, &random);
}

static void *thread_main(void *who)
{
	work((unsigned)(uintptr_t)who, THREADS);
	return NULL;
}

static unsigned run_threads(void)
{
	pthread_t threads[THREADS];
	unsigned i;

	begin();
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, thread_main, (void *)(uintptr_t)i) != 0)
			abort();
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return drain(THREADS);
}

static unsigned run_processes(void)
{
	pid_t pids[PROCESSES];
	int status;
	unsigned i;

	begin();
	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			abort();
		if (pids[i] == 0) {
			work(i, PROCESSES);
			_exit(0);
		}
	}
	for (i = 0; i < PROCESSES; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status != 0)
			fault();
	return drain(PROCESSES);
}

static void test_sharing(unsigned (*run)(void), const char *what)
{
	bool is_ok = true;
	unsigned i;

	for (i = 0; i < RUNS && is_ok; i++)
		is_ok = run() == pool->slots && is_faultless();
	report(is_ok, pool->name, what);
}

int main(void)
{
	size_t i;

	printf("1..%zu\n", N_POOLS * 3);
	for (i = 0; i < N_POOLS; i++) {
		pool = &pools[i];
		test_exhaustion();
		test_sharing(run_threads, "threads share the buffers and lose none");
		test_sharing(run_processes, "processes share the buffers and lose none");
	}
	return 0;
}
