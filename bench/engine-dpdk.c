/* SPDX-License-Identifier: MIT */
/*
 * DPDK's mempool: fixed objects, over a ring or a stack, with a cache for each lcore. Used inline,
 * as a program of DPDK would, from ordinary pages: no huge ones are asked for, no device looked
 * for, no file made. Such memory is one memfd that the first process has mapped, so those that are
 * to share the pool are its forks.
 */

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <stdlib.h>
#include "bench/acts.h"
#include "bench/worker.h"

#define MEBIBYTE (1024u * 1024u)
#define HEADER_MAX 256u    /* of an object, with what spreads them over the channels */
#define OTHERS_MEBIBYTES 8 /* the pool's own: a cache for each of DPDK's 128 lcores, a ring */

static int rent(struct lane *lane, size_t bytes, union item *ret)
{
	(void)bytes;
	return rte_mempool_get(lane->own, &ret->address);
}

static int give(struct lane *lane, union item *item)
{
	rte_mempool_put(lane->own, item->address);
	return 0;
}

static void *data(struct lane *lane, union item *item)
{
	(void)lane;
	return item->address;
}

/* What it wants is an array of pointers, which lies in the same memory. All, or none. */
static int rent_bulk(struct lane *lane, size_t bytes, union item *ret, unsigned n)
{
	int r = rte_mempool_get_bulk(lane->own, (void **)ret, n);

	(void)bytes;
	return r < 0 ? r : (int)n;
}

static int give_bulk(struct lane *lane, union item *item, unsigned n)
{
	rte_mempool_put_bulk(lane->own, (void **)item, n);
	return (int)n;
}

static const struct acts engine_acts = { rent, give, data, rent_bulk, give_bulk, word_pack,
	word_unpack, sizeof(uint64_t), NULL, NULL };

#define ACTS engine_acts
#define ACTS_ACROSS engine_acts
#define HAS_BULK
#include "bench/engine-bodies.h"

/* EAL would take a tenth of a second of each sample to measure the clock that nothing here reads.
 * The linker puts this in its place. */
uint64_t __wrap_get_tsc_freq(void);
uint64_t __wrap_get_tsc_freq(void)
{
	return UINT64_C(1000000000);
}

static int start_eal(struct lane *lane)
{
	const struct kind *kind = lane->kind;
	size_t bytes = kind->slots * (size_t)(kind->bytes + HEADER_MAX);
	char program[] = "thruster-bench-dpdk", lcores[32], mebibytes[32];
	char *argv[] = { program, (char[]){ "--no-huge" }, (char[]){ "--no-shconf" },
		(char[]){ "--no-pci" }, (char[]){ "--no-telemetry" }, (char[]){ "--iova-mode=va" },
		(char[]){ "--log-level=lib.eal:crit" }, (char[]){ "--lcores" }, lcores,
		(char[]){ "-m" }, mebibytes, NULL };

	snprintf(lcores, sizeof(lcores), "0@%d", lane->stage->orders.core[0]);
	snprintf(mebibytes, sizeof(mebibytes), "%zu", bytes / MEBIBYTE + OTHERS_MEBIBYTES);
	/* It makes a directory there whatever it is told, but does without if it cannot. */
	setenv("RUNTIME_DIRECTORY", "/dev/null", 1);
	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0)
		return rte_errno ? -rte_errno : -EIO;
	return 0;
}

/* The documentation: at most 512, a divisor of the objects. A cache grows to one and a half of its
 * size, and what is in it no other lane can have, so all of them together are to leave some. */
static unsigned cache_size(struct lane *lane)
{
	unsigned lanes = kind_lanes(lane->kind, lane->stage->orders.n_cores);
	unsigned size = RTE_MEMPOOL_CACHE_MAX_SIZE;

	while (size > 1 && size * lanes * 3 / 2 > lane->kind->slots)
		size /= 2;
	return size;
}

static int make_pool(struct lane *lane, const char *ops, unsigned cache)
{
	const struct kind *kind = lane->kind;
	struct rte_mempool *pool;
	int r = start_eal(lane);

	if (r < 0)
		return r;
	pool = rte_mempool_create_empty("bench", kind->slots, kind->bytes, cache, 0, SOCKET_ID_ANY,
		0);
	if (!pool)
		return -rte_errno;
	r = rte_mempool_set_ops_byname(pool, ops, NULL);
	if (r == 0)
		r = rte_mempool_populate_default(pool);
	lane->own = pool;
	return r < 0 ? r : 0;
}

static int enter_cached(struct lane *lane)
{
	return make_pool(lane, "ring_mp_mc", cache_size(lane));
}

static int enter_ring(struct lane *lane)
{
	return make_pool(lane, "ring_mp_mc", 0);
}

static int enter_stack(struct lane *lane)
{
	return make_pool(lane, "lf_stack", 0);
}

/* A cache belongs to an lcore. EAL knows threads that it has started itself, and a fork has the
 * number of its parent, so each lane says which it is. */
static int enter_lane(struct lane *lane)
{
	RTE_PER_LCORE(_lcore_id) = lane->index;
	return 0;
}

_Static_assert(LANES_MAX <= RTE_MAX_LCORE, "a cache for each lane");

static const struct engine_code cached_code = { "dpdk", enter_cached, NULL, enter_lane, NULL,
	bodies, begin, end };
static const struct engine_code ring_code = { "dpdk-ring", enter_ring, NULL, enter_lane, NULL,
	bodies, begin, end };
static const struct engine_code stack_code = { "dpdk-stack", enter_stack, NULL, enter_lane, NULL,
	bodies, begin, end };

extern const struct engine_code *const rival_codes[];
const struct engine_code *const rival_codes[] = { &cached_code, &ring_code, &stack_code, NULL };
