/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_ARENA_H
#define TESTS_UNIT_ARENA_H

/*
 * An arena of one's own: pages from the heap, laid out and formatted as the daemon does it, and a
 * roster in which every seat is taken.
 */

#include <stdlib.h>
#include <string.h>
#include "shm/geometry.h"
#include "shm/view.h"
#include "tests/unit/must.h"

struct test_arena {
	struct thr_geometry geometry;
	struct thr_view view;
	void *pages;
	uint32_t *roster;
	uint32_t claims[THR_CLASSES_MAX];
};

static inline void test_arena_init(struct test_arena *a, uint32_t cores, uint32_t seats,
	const struct thr_class_spec *specs, uint32_t classes)
{
	uint32_t i;

	memset(a, 0, sizeof(*a));
	must(thr_geometry_init(&a->geometry, cores, seats, specs, classes) == 0, "geometry");
	a->pages = aligned_alloc(a->geometry.map_align_bytes, a->geometry.arena_bytes);
	a->roster = calloc(seats + 1, sizeof(*a->roster));
	must(a->pages && a->roster, "memory");
	memset(a->pages, 0, a->geometry.arena_bytes);
	thr_view_init(&a->view, a->pages, &a->geometry);
	thr_view_format(&a->view);
	for (i = 1; i <= seats; i++)
		a->roster[i] = 1u << 16 | i;
	for (i = 0; i < classes; i++)
		a->claims[i] = a->geometry.class_[i].claim;
}

/* One class of small slots. */
static inline void test_arena_init_one(struct test_arena *a, uint32_t cores, uint32_t slots)
{
	struct thr_class_spec spec = { .slot_bytes = 64, .slots = slots };

	test_arena_init(a, cores, 8, &spec, 1);
}

/* The same, claimed openly, however many slots it has. */
static inline void test_arena_init_open(struct test_arena *a, uint32_t cores, uint32_t slots)
{
	test_arena_init_one(a, cores, slots);
	memset(a->pages, 0, a->geometry.arena_bytes);
	a->view.class_[0].is_open = true;
	a->claims[0] = THR_CLAIM_OPEN;
	thr_view_format(&a->view);
}

static inline void test_arena_fini(struct test_arena *a)
{
	free(a->pages);
	free(a->roster);
}

/* A copy of all pages before the data, the caller's; and whether they are still the same. */
static inline void *test_arena_copy(const struct test_arena *a)
{
	void *copy = malloc(a->geometry.metadata_bytes);

	must(copy, "memory");
	return memcpy(copy, a->pages, a->geometry.metadata_bytes);
}

static inline bool test_arena_is_as(const struct test_arena *a, const void *copy)
{
	return memcmp(a->pages, copy, a->geometry.metadata_bytes) == 0;
}

#endif
