/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ACTS_H
#define BENCH_ACTS_H

/*
 * Our pool and all others behind one face. A body is written once, for a `const struct acts *`, and
 * compiled for each engine, so that what remains is one direct call for each act, as a program
 * would have it: into a shared library, or whatever a rival's header makes of it.
 */

#include <errno.h>
#include <string.h>
#include "bench/lane.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

struct acts {
	int (*rent)(struct lane *lane, size_t bytes, union item *ret); /* -ENOBUFS: none free */
	int (*give)(struct lane *lane, union item *item);
	void *(*data)(struct lane *lane, union item *item);
	/* The number rented; returned. NULL: it has none. */
	int (*rent_bulk)(struct lane *lane, size_t bytes, union item *ret, unsigned n);
	int (*give_bulk)(struct lane *lane, union item *item, unsigned n);
	/* Write what the other end needs into a ring's entry, and get it from there. */
	int (*pack)(struct lane *lane, union item *item, void *entry);
	int (*unpack)(struct lane *lane, const void *entry, union item *ret);
	unsigned entry_bytes; /* a power of two */
	/* Instead of the ring, if it has a way of its own; -EAGAIN: not yet. */
	int (*send)(struct lane *lane, union item *item);
	int (*receive)(struct lane *lane, union item *ret);
};

/* Until there is one: elsewhere somebody gives some back. */
static ALWAYS_INLINE void lane_rent(struct lane *lane, const struct acts *acts, size_t bytes,
	union item *ret)
{
	unsigned streak = 0;
	int r;

	while (__builtin_expect((r = acts->rent(lane, bytes, ret)) < 0, 0))
		lane_dry(lane, r, streak++);
}

static ALWAYS_INLINE void lane_give(struct lane *lane, const struct acts *acts, union item *item)
{
	int r = acts->give(lane, item);

	if (__builtin_expect(r < 0, 0))
		lane_fail(lane, "cannot return", r);
}

/* What those that know a buffer by its number, or its address, pass on. */
static inline int word_pack(struct lane *lane, union item *item, void *entry)
{
	(void)lane;
	memcpy(entry, &item->slot, sizeof(item->slot));
	return 0;
}

static inline int word_unpack(struct lane *lane, const void *entry, union item *ret)
{
	(void)lane;
	memcpy(&ret->slot, entry, sizeof(ret->slot));
	return 0;
}

/* The compiler knows malloc() and might leave out what is not used. */
static inline void keep(void *pointer)
{
	__asm__ volatile("" : : "r"(pointer) : "memory");
}

#endif
