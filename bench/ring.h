/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RING_H
#define BENCH_RING_H

/*
 * The queue of a pipe: one producer, one consumer, a power of two of entries. Each end keeps its
 * own index and the last it saw of the other's to itself, so that the lines of the indices cross
 * only when the ring looks full or empty. An entry is written and read in place.
 */

#include <stdint.h>
#include "bench/spin.h"

#define RING_DEPTH_MAX 1024u
#define RING_ENTRY_MAX 32u

/* In shared memory. */
struct ring {
	_Alignas(APART) uint64_t taken; /* written by the consumer */
	_Alignas(APART) uint64_t put;   /* written by the producer */
	_Alignas(APART) unsigned char entries[RING_DEPTH_MAX * RING_ENTRY_MAX];
};

/* An end's own. */
struct ring_end {
	uint64_t own, seen;
};

/* The entry to be written next; waits while the ring is full. */
static inline void *ring_reserve(struct ring *ring, struct ring_end *end, uint64_t depth,
	uint64_t entry_bytes)
{
	unsigned spins = 0;

	if (end->own - end->seen == depth) {
		while (end->seen = __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE),
			end->own - end->seen == depth)
			spin(&spins);
	}
	return &ring->entries[(end->own & (depth - 1)) * entry_bytes];
}

static inline void ring_publish(struct ring *ring, struct ring_end *end)
{
	__atomic_store_n(&ring->put, ++end->own, __ATOMIC_RELEASE);
}

/* The entry to be read next; waits while the ring is empty. */
static inline const void *ring_await(struct ring *ring, struct ring_end *end, uint64_t depth,
	uint64_t entry_bytes)
{
	unsigned spins = 0;

	if (end->own == end->seen) {
		while (end->seen = __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE),
			end->own == end->seen)
			spin(&spins);
	}
	return &ring->entries[(end->own & (depth - 1)) * entry_bytes];
}

static inline void ring_release(struct ring *ring, struct ring_end *end)
{
	__atomic_store_n(&ring->taken, ++end->own, __ATOMIC_RELEASE);
}

#endif
