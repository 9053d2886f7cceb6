/* SPDX-License-Identifier: MIT */
/*
 * Sizes and offsets. Sums and products go through the two checked helpers; the first that does not
 * fit spoils the result for good, so there is one check at the end instead of one at every step.
 */

#include <errno.h>
#include <string.h>
#include "shm/geometry.h"

#define SPREAD_LINE 64u

struct extent {
	uint64_t bytes;
	bool overflow;
};

static void extent_align(struct extent *e, uint64_t align)
{
	uint64_t up;

	e->overflow |= __builtin_add_overflow(e->bytes, align - 1, &up);
	e->bytes = up & ~(align - 1);
}

/* Place `count` things of `bytes` each at the next multiple of `align`; where they begin. */
static uint64_t extent_place(struct extent *e, uint64_t count, uint64_t bytes, uint64_t align)
{
	uint64_t size, offset;

	extent_align(e, align);
	offset = e->bytes;
	e->overflow |= __builtin_mul_overflow(count, bytes, &size);
	e->overflow |= __builtin_add_overflow(e->bytes, size, &e->bytes);
	e->overflow |= e->bytes > GEOMETRY_ARENA_BYTES_MAX;
	return offset;
}

uint64_t thr_stride_bytes(uint64_t slot_bytes, uint32_t align_bytes)
{
	if (align_bytes)
		return (slot_bytes + align_bytes - 1) & ~(uint64_t)(align_bytes - 1);
	return ((slot_bytes + SPREAD_LINE - 1) / SPREAD_LINE | 1) * SPREAD_LINE;
}

static bool spec_is_valid(const struct thr_class_spec *s)
{
	if (s->slot_bytes < GEOMETRY_SLOT_BYTES_MIN || s->slot_bytes > GEOMETRY_SLOT_BYTES_MAX)
		return false;
	if (s->slots < 1 || s->slots > GEOMETRY_SLOTS_MAX)
		return false;
	if (s->align_bytes == 0)
		return true;
	return s->align_bytes >= GEOMETRY_ALIGN_MIN && s->align_bytes <= GEOMETRY_ALIGN_MAX &&
	       (s->align_bytes & (s->align_bytes - 1)) == 0;
}

static bool specs_are_valid(const struct thr_class_spec *specs, uint32_t classes)
{
	uint64_t stride, last = 0;
	uint32_t i;

	for (i = 0; i < classes; i++) {
		if (!spec_is_valid(&specs[i]))
			return false;
		stride = thr_stride_bytes(specs[i].slot_bytes, specs[i].align_bytes);
		if (stride <= last)
			return false;
		last = stride;
	}
	return true;
}

/* With less than a segment for each core, none can hold any back from the others. */
static void place_metadata(struct thr_class_geometry *c, struct extent *e, uint32_t cores)
{
	c->segments = (c->slots + THR_SEGMENT_SLOTS - 1) / THR_SEGMENT_SLOTS;
	c->claim = c->segments < cores ? THR_CLAIM_OPEN : THR_CLAIM_CORE;
	c->cores_offset = extent_place(e, cores, sizeof(struct thr_core), THR_LINE);
	extent_place(e, cores, sizeof(struct thr_waits), THR_LINE);
	c->segments_offset = extent_place(e, c->segments, sizeof(struct thr_segment), THR_LINE);
	c->senders_offset = extent_place(
		e, (uint64_t)c->segments * THR_SEGMENT_SLOTS, sizeof(uint16_t), THR_LINE);
}

int thr_geometry_init(struct thr_geometry *ret, uint32_t cores, uint32_t seats,
	const struct thr_class_spec *specs, uint32_t classes)
{
	struct extent arena = { 0 }, board = { 0 };
	struct thr_geometry g;
	uint32_t i;

	if (cores < 1 || cores > THR_CORES_MAX || seats < 1 || seats > THR_SEATS_MAX ||
		classes < 1 || classes > THR_CLASSES_MAX || !specs_are_valid(specs, classes))
		return -EINVAL;

	memset(&g, 0, sizeof(g));
	g.cores = cores;
	g.seats = seats;
	g.classes = classes;
	g.map_align_bytes = THR_PAGE;
	g.page_bytes = THR_PAGE;

	extent_place(&arena, 1, sizeof(struct thr_control), THR_PAGE);
	g.seats_offset =
		extent_place(&arena, (uint64_t)seats + 1, sizeof(struct thr_seat), THR_PAGE);
	for (i = 0; i < classes; i++) {
		struct thr_class_geometry *c = &g.class_[i];

		c->slot_bytes = specs[i].slot_bytes;
		c->slots = specs[i].slots;
		c->align_bytes = specs[i].align_bytes;
		c->stride_bytes = thr_stride_bytes(c->slot_bytes, c->align_bytes);
		place_metadata(c, &arena, cores);
	}
	extent_align(&arena, THR_PAGE);
	g.metadata_bytes = arena.bytes;
	for (i = 0; i < classes; i++) {
		struct thr_class_geometry *c = &g.class_[i];
		uint32_t align = c->align_bytes > THR_PAGE ? c->align_bytes : THR_PAGE;

		c->data_offset = extent_place(&arena, c->slots, c->stride_bytes, align);
		if (align > g.map_align_bytes)
			g.map_align_bytes = align;
	}
	extent_align(&arena, THR_PAGE);
	g.arena_bytes = arena.bytes;

	extent_place(&board, 1, sizeof(struct thr_board), THR_PAGE);
	g.roster_offset = extent_place(&board, (uint64_t)seats + 1, sizeof(uint32_t), THR_LINE);
	extent_align(&board, THR_PAGE);
	g.board_bytes = board.bytes;

	if (arena.overflow || board.overflow)
		return -EOVERFLOW;
	*ret = g;
	return 0;
}

int thr_geometry_set_page(struct thr_geometry *geometry, uint64_t page_bytes)
{
	struct extent arena = { .bytes = geometry->arena_bytes };

	if (page_bytes < THR_PAGE || page_bytes > GEOMETRY_PAGE_BYTES_MAX ||
		(page_bytes & (page_bytes - 1)) != 0)
		return -EINVAL;
	extent_align(&arena, page_bytes);
	if (arena.bytes > GEOMETRY_ARENA_BYTES_MAX)
		return -EOVERFLOW;
	geometry->page_bytes = page_bytes;
	geometry->arena_bytes = arena.bytes;
	if (page_bytes > geometry->map_align_bytes)
		geometry->map_align_bytes = (uint32_t)page_bytes;
	return 0;
}

bool thr_geometry_is_valid(const struct thr_geometry *geometry)
{
	struct thr_class_spec specs[THR_CLASSES_MAX];
	struct thr_geometry again;
	uint32_t i;

	if (geometry->classes > THR_CLASSES_MAX)
		return false;
	for (i = 0; i < geometry->classes; i++)
		specs[i] = (struct thr_class_spec){
			.slot_bytes = geometry->class_[i].slot_bytes,
			.slots = geometry->class_[i].slots,
			.align_bytes = geometry->class_[i].align_bytes,
		};
	if (thr_geometry_init(&again, geometry->cores, geometry->seats, specs, geometry->classes) <
			0 ||
		thr_geometry_set_page(&again, geometry->page_bytes) < 0)
		return false;
	return memcmp(&again, geometry, sizeof(again)) == 0;
}
