/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ENGINES_H
#define BENCH_ENGINES_H

/*
 * Our pool and the baselines behind one face. A body is written once, for a `const struct engine
 * *`, and compiled for each engine, so that what remains is one direct call for each act, as a
 * program would have it: into the shared library for our pool, into another object for a baseline.
 */

#include <string.h>
#include "bench/lane.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

struct engine {
	int (*rent)(struct lane *lane, union item *ret);
	int (*give)(struct lane *lane, union item *item);
	uint64_t *(*data)(struct lane *lane, union item *item);
	/* Write what the other end needs into a ring's entry, and get it from there. */
	int (*pack)(struct lane *lane, union item *item, void *entry);
	int (*unpack)(struct lane *lane, const void *entry, union item *ret);
	unsigned entry_bytes; /* a power of two */
};

static inline int pool_rent(struct lane *lane, union item *ret)
{
	return thruster_rent(lane->pool, BUFFER_BYTES, &ret->lease);
}

static inline int pool_give(struct lane *lane, union item *item)
{
	return thruster_return(lane->pool, &item->lease);
}

static inline uint64_t *pool_data(struct lane *lane, union item *item)
{
	(void)lane;
	return item->lease.data;
}

static inline int lease_pack(struct lane *lane, union item *item, void *entry)
{
	(void)lane;
	memcpy(entry, &item->lease, sizeof(item->lease));
	return 0;
}

static inline int lease_unpack(struct lane *lane, const void *entry, union item *ret)
{
	(void)lane;
	memcpy(&ret->lease, entry, sizeof(ret->lease));
	return 0;
}

static inline int ticket_pack(struct lane *lane, union item *item, void *entry)
{
	return thruster_hand_over(lane->pool, &item->lease, lane->peer, entry);
}

static inline int ticket_unpack(struct lane *lane, const void *entry, union item *ret)
{
	return thruster_accept(lane->pool, entry, &ret->lease);
}

static inline int cas_mask_rent(struct lane *lane, union item *ret)
{
	return cas_mask_take(&lane->stage->cas_mask, &ret->slot);
}

static inline int cas_mask_return(struct lane *lane, union item *item)
{
	return cas_mask_give(&lane->stage->cas_mask, item->slot);
}

static inline int queue_rent(struct lane *lane, union item *ret)
{
	return queue_take(&lane->stage->queue, &ret->slot);
}

static inline int queue_return(struct lane *lane, union item *item)
{
	return queue_give(&lane->stage->queue, item->slot);
}

static inline uint64_t *baseline_data(struct lane *lane, union item *item)
{
	return (uint64_t *)(void *)&lane->stage->buffers[item->slot * BASELINE_STRIDE_BYTES];
}

static inline int slot_pack(struct lane *lane, union item *item, void *entry)
{
	(void)lane;
	memcpy(entry, &item->slot, sizeof(item->slot));
	return 0;
}

static inline int slot_unpack(struct lane *lane, const void *entry, union item *ret)
{
	(void)lane;
	memcpy(&ret->slot, entry, sizeof(ret->slot));
	return 0;
}

static const struct engine pool_engine __attribute__((unused)) = { pool_rent, pool_give, pool_data,
	lease_pack, lease_unpack, sizeof(struct thruster_lease) };
static const struct engine ticket_engine __attribute__((unused)) = { pool_rent, pool_give,
	pool_data, ticket_pack, ticket_unpack, sizeof(struct thruster_ticket) };
static const struct engine cas_mask_engine __attribute__((unused)) = { cas_mask_rent,
	cas_mask_return, baseline_data, slot_pack, slot_unpack, sizeof(uint64_t) };
static const struct engine queue_engine __attribute__((unused)) = { queue_rent, queue_return,
	baseline_data, slot_pack, slot_unpack, sizeof(uint64_t) };

_Static_assert(sizeof(struct thruster_lease) <= RING_ENTRY_MAX, "a lease is an entry");
_Static_assert(sizeof(struct thruster_ticket) <= RING_ENTRY_MAX, "a ticket is an entry");

/* Compile `work(lane, ops, engine, ...)` for each engine and call the lane's. */
#define FOR_ITS_ENGINE(work, lane, ...)                                                            \
	do {                                                                                       \
		switch ((lane)->workload->engine) {                                                \
		case ENGINE_CAS_MASK:                                                              \
			work(lane, __VA_ARGS__, &cas_mask_engine);                                 \
			break;                                                                     \
		case ENGINE_QUEUE:                                                                 \
			work(lane, __VA_ARGS__, &queue_engine);                                    \
			break;                                                                     \
		case ENGINE_TICKETS:                                                               \
			work(lane, __VA_ARGS__, &ticket_engine);                                   \
			break;                                                                     \
		default:                                                                           \
			work(lane, __VA_ARGS__, &pool_engine);                                     \
		}                                                                                  \
	} while (0)

/* Until there is one: elsewhere somebody gives some back. */
static ALWAYS_INLINE void engine_rent(struct lane *lane, const struct engine *engine,
	union item *ret)
{
	int r;

	while (__builtin_expect((r = engine->rent(lane, ret)) < 0, 0))
		lane_dry(lane, r);
}

static ALWAYS_INLINE void engine_give(struct lane *lane, const struct engine *engine,
	union item *item)
{
	int r = engine->give(lane, item);

	if (__builtin_expect(r < 0, 0))
		lane_fail(lane, "cannot return", r);
}

#endif
