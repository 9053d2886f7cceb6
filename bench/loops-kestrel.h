/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LOOPS_KESTREL_H
#define BENCH_LOOPS_KESTREL_H

/*
 * The pipe of a web server, small: a list of rented blocks that one end fills and the other
 * empties, guarded by a lock, with the rules of System.IO.Pipelines. A block is kept while there is
 * room for a message; one that is all read goes back at once, the one being filled too, unless a
 * write is open. Runs of 512 messages of 57 bytes, of which nothing is written or read: only places
 * are moved. The pool is warm, and a run ends when all is read.
 *
 * Inline, one thread does both in turn, so each message costs one rent and one return. As two
 * tasks, how many blocks are rented depends on how far the reader is behind, so it is counted.
 */

#include "bench/kestrel.h"
#include "bench/loops-local.h"

/* Space for a message at the end of the last block; begins a write. */
static ALWAYS_INLINE void kestrel_get(struct lane *lane, struct kestrel *pipe,
	const struct acts *acts)
{
	struct kestrel_block *last;

	kestrel_lock(pipe);
	last = pipe->n ? kestrel_block(pipe, pipe->n - 1) : NULL;
	if (!last || KESTREL_BLOCK_BYTES - last->end < KESTREL_MESSAGE_BYTES) {
		if (__builtin_expect(pipe->n == KESTREL_BLOCKS, 0))
			lane_fail(lane, "the pipe is longer than a run", -ENOBUFS);
		last = kestrel_block(pipe, pipe->n++);
		lane_rent(lane, acts, KESTREL_BLOCK_BYTES, &last->item);
		last->start = last->end = 0;
		lane->report->rents++;
	}
	pipe->is_writing = true;
	kestrel_unlock(pipe);
}

static ALWAYS_INLINE void kestrel_flush(struct kestrel *pipe)
{
	kestrel_lock(pipe);
	kestrel_block(pipe, pipe->n - 1)->end += KESTREL_MESSAGE_BYTES;
	pipe->is_writing = false;
	__atomic_store_n(&pipe->unread, pipe->unread + KESTREL_MESSAGE_BYTES, __ATOMIC_RELEASE);
	kestrel_unlock(pipe);
}

/* Read what is there, and let go of it; the number of bytes. */
static ALWAYS_INLINE uint64_t kestrel_read(struct lane *lane, struct kestrel *pipe,
	const struct acts *acts)
{
	uint64_t bytes;

	kestrel_lock(pipe);
	bytes = pipe->unread;
	__atomic_store_n(&pipe->unread, 0, __ATOMIC_RELAXED);
	while (pipe->n) {
		struct kestrel_block *first = kestrel_block(pipe, 0);

		if (pipe->n == 1 && pipe->is_writing) {
			first->start = first->end;
			break;
		}
		lane_give(lane, acts, &first->item);
		pipe->first++;
		pipe->n--;
	}
	kestrel_unlock(pipe);
	return bytes;
}

static ALWAYS_INLINE void kestrel_inline(struct lane *lane, uint64_t ops, const struct acts *acts)
{
	struct kestrel *pipe = lane->kestrel;
	uint64_t n;

	for (n = 0; n < ops; n++) {
		kestrel_get(lane, pipe, acts);
		kestrel_flush(pipe);
		kestrel_read(lane, pipe, acts);
	}
}

static ALWAYS_INLINE void kestrel_write_runs(struct lane *lane, uint64_t ops,
	const struct acts *acts)
{
	struct kestrel *pipe = lane->kestrel;
	unsigned spins = 0;
	uint64_t n;

	for (n = 0; n < ops; n++) {
		if (n % MESSAGES == 0)
			while (__atomic_load_n(&pipe->is_read, __ATOMIC_ACQUIRE) != pipe->runs)
				spin(&spins);
		if (n % MESSAGES == 0)
			pipe->runs++;
		kestrel_get(lane, pipe, acts);
		kestrel_flush(pipe);
	}
}

static ALWAYS_INLINE void kestrel_read_runs(struct lane *lane, uint64_t ops,
	const struct acts *acts)
{
	struct kestrel *pipe = lane->kestrel;
	uint64_t run, left;
	unsigned spins = 0;

	for (run = 0; run < ops / MESSAGES; run++) {
		for (left = MESSAGES * KESTREL_MESSAGE_BYTES; left > 0;) {
			while (!__atomic_load_n(&pipe->unread, __ATOMIC_ACQUIRE))
				spin(&spins);
			left -= kestrel_read(lane, pipe, acts);
		}
		__atomic_store_n(&pipe->is_read, pipe->is_read + 1, __ATOMIC_RELEASE);
	}
}

static ALWAYS_INLINE void kestrel_tasks(struct lane *lane, uint64_t ops, const struct acts *acts)
{
	if (lane->index == 0)
		kestrel_write_runs(lane, ops, acts);
	else
		kestrel_read_runs(lane, ops, acts);
}

#endif
