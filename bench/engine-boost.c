/* SPDX-License-Identifier: MIT */
/*
 * Boost.Interprocess, as an engine: an allocator in memory that processes share, behind one mutex.
 * The first process makes it of the stage's buffers. Between processes a buffer is passed on by its
 * handle, between threads by its address. An act is a call more than it would be in C++.
 */

#include "bench/acts.h"
#include "bench/boost.h"
#include "bench/sizes.h"
#include "bench/worker.h"

static int rent(struct lane *lane, size_t bytes, union item *ret)
{
	ret->address = boost_allocate(lane->own, bytes);
	return ret->address ? 0 : -ENOBUFS;
}

static int give(struct lane *lane, union item *item)
{
	boost_free(lane->own, item->address);
	return 0;
}

static void *data(struct lane *lane, union item *item)
{
	(void)lane;
	return item->address;
}

static int handle_pack(struct lane *lane, union item *item, void *entry)
{
	uint64_t handle = boost_handle(lane->own, item->address);

	memcpy(entry, &handle, sizeof(handle));
	return 0;
}

static int handle_unpack(struct lane *lane, const void *entry, union item *ret)
{
	uint64_t handle;

	memcpy(&handle, entry, sizeof(handle));
	ret->address = boost_address(lane->own, handle);
	return 0;
}

static const struct acts engine_acts = { rent, give, data, NULL, NULL, word_pack, word_unpack,
	sizeof(uint64_t), NULL, NULL };
static const struct acts acts_across = { rent, give, data, NULL, NULL, handle_pack, handle_unpack,
	sizeof(uint64_t), NULL, NULL };

#define ACTS engine_acts
#define ACTS_ACROSS acts_across
#include "bench/engine-bodies.h"

/* Twice what can be rented at once. */
static size_t memory_bytes(const struct kind *kind)
{
	size_t most = sizes_are_drawn(kind) ? (size_t)kind->held << SIZE_BITS_MAX
					    : (size_t)kind->slots * kind->bytes;

	return 2 * most;
}

static int enter(struct lane *lane)
{
	struct stage *stage = lane->stage;
	size_t bytes = memory_bytes(lane->kind);
	unsigned spins = 0;

	if (bytes > sizeof(stage->buffers))
		return -ENOMEM;
	if (lane->index == 0) {
		lane->own = boost_make(stage->buffers, bytes);
		__atomic_store_n(&stage->is_made, 1, __ATOMIC_RELEASE);
	} else {
		while (!__atomic_load_n(&stage->is_made, __ATOMIC_ACQUIRE))
			spin(&spins);
		lane->own = boost_open(stage->buffers, bytes);
	}
	return lane->own ? 0 : -ENOMEM;
}

static void leave(struct lane *lane)
{
	boost_close(lane->own);
}

static const struct engine_code boost_code = { "boost", enter, leave, NULL, NULL, bodies, begin,
	end };

extern const struct engine_code *const rival_codes[];
const struct engine_code *const rival_codes[] = { &boost_code, NULL };
