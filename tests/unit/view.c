/* SPDX-License-Identifier: MIT */
/*
 * Pointers beside offsets: all that a view hands out lies where the geometry says, aligned, inside
 * the mapping, and no two things share a byte.
 */

#include "shm/circle.h"
#include "shm/view.h"
#include "tests/unit/arena.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

static const struct thr_class_spec specs[] = {
	{ 64, 130, 0 }, { 1000, 64, 128 }, { 4096, 5, 4096 }, { 70000, 1, 1 << 16 },
};

static uint64_t offset_of(const struct test_arena *a, const void *p)
{
	return (uint64_t)((const uint8_t *)p - (const uint8_t *)a->pages);
}

Test(view, points_where_the_geometry_says)
{
	struct test_arena a;
	uint32_t i;

	test_arena_init(&a, 6, 20, specs, N(specs));
	cr_assert_eq(offset_of(&a, a.view.control), 0);
	cr_assert_eq(offset_of(&a, a.view.seats), a.geometry.seats_offset);
	cr_assert_eq(a.view.n_seats, 20);
	cr_assert_eq(a.view.n_cores, 6);
	cr_assert_eq(a.view.n_classes, N(specs));
	for (i = 0; i < N(specs); i++) {
		const struct thr_class_geometry *g = &a.geometry.class_[i];
		const struct thr_class_view *c = &a.view.class_[i];

		cr_assert_eq(offset_of(&a, c->cores), g->cores_offset);
		cr_assert_eq(offset_of(&a, c->segments), g->segments_offset);
		cr_assert_eq(offset_of(&a, c->senders), g->senders_offset);
		cr_assert_eq(offset_of(&a, c->data), g->data_offset);
		cr_assert_eq(c->stride_bytes, g->stride_bytes);
		cr_assert_eq(c->slots, specs[i].slots);
		cr_assert_eq(c->n_segments, (specs[i].slots + 63) / 64);
		cr_assert_eq(c->n_cores, 6);
		cr_assert_eq(c->is_open, (specs[i].slots + 63) / 64 < 6);
	}
	test_arena_fini(&a);
}

Test(view, every_slot_has_a_record_and_a_buffer_of_its_own)
{
	struct test_arena a;
	struct slot_id slot;
	uint32_t i;

	test_arena_init(&a, 6, 20, specs, N(specs));
	for (i = 0; i < N(specs); i++) {
		const struct thr_class_geometry *g = &a.geometry.class_[i];
		const struct thr_class_view *c = &a.view.class_[i];

		for (slot.n = 0; slot.n < c->slots; slot.n++) {
			uint64_t record =
				g->segments_offset + slot.n / 64 * 896 + 384 + slot.n % 64 * 8;
			uint64_t data = offset_of(&a, class_data(c, slot));
			uint64_t align = specs[i].align_bytes ? specs[i].align_bytes : 64;

			must(offset_of(&a, class_record(c, slot)) == record, "record %u", slot.n);
			must(data == g->data_offset + slot.n * g->stride_bytes, "buffer %u",
				slot.n);
			must((uintptr_t)class_data(c, slot) % align == 0,
				"buffer %u is not aligned", slot.n);
			must(data + specs[i].slot_bytes <= a.geometry.arena_bytes, "buffer %u",
				slot.n);
			memset(class_data(c, slot), 0xee, g->stride_bytes);
			c->senders[slot.n] = 0;
		}
	}
	/* Buffers written to the last byte, and no record or hint has changed. */
	for (i = 0; i < N(specs); i++)
		for (slot.n = 0; slot.n < specs[i].slots; slot.n++)
			must(*class_record(&a.view.class_[i], slot) == 0, "class %u, record %u", i,
				slot.n);
	cr_assert_eq(a.view.control->magic, THR_CONTROL_MAGIC);
	test_arena_fini(&a);
}

Test(view, the_last_segment_has_what_is_left)
{
	uint32_t slots, segment, sum;

	for (slots = 1; slots <= 1000; slots++) {
		struct thr_class_view c = { .slots = slots, .n_segments = (slots + 63) / 64 };

		for (segment = 0, sum = 0; segment < c.n_segments; segment++) {
			unsigned n = class_segment_slots(&c, segment);

			must(n >= 1 && n <= 64 && (n == 64 || segment + 1 == c.n_segments),
				"segment %u of %u slots has %u", segment, slots, n);
			sum += n;
		}
		must(sum == slots, "%u slots in segments of %u", sum, slots);
	}
}

static void check_core(const struct thr_class_view *view, struct thr_core *c, uint32_t core)
{
	uint32_t n = view->n_cores;
	unsigned i;

	must(c->arc_first == circle_arc(core, n, view->slots), "core %u", core);
	must(c->arc_end == circle_arc(core + 1, n, view->slots), "core %u", core);
	must(c->cursor == (view->is_open ? c->arc_first : circle_arc(core, n, view->n_segments)),
		"core %u begins elsewhere", core);
	must(c->current == UINT32_MAX, "core %u rents from %lu", core, (unsigned long)c->current);
	for (i = 0; i < THR_CORE_HELD_MAX; i++) {
		must(c->held[i] == UINT32_MAX, "core %u holds %u", core, c->held[i]);
		c->held[i] = 0;
	}
	c->current = 0;
	c->arc_first = c->arc_end = c->cursor = 0;
}

/* Formatting writes the arcs, that no core has a segment, that walks pay, and the magic number, and
 * nothing else at all. */
static void check_format(uint32_t cores)
{
	struct test_arena a;
	uint64_t *words;
	uint32_t i, j;
	size_t word;

	test_arena_init(&a, cores, 20, specs, N(specs));
	for (i = 0; i < N(specs); i++) {
		for (j = 0; j < cores; j++)
			check_core(&a.view.class_[i], &a.view.class_[i].cores[j], j);
		for (j = 0; j < a.view.class_[i].n_segments; j++) {
			must(a.view.class_[i].segments[j].returned == 1, "segment %u", j);
			a.view.class_[i].segments[j].returned = 0;
		}
	}
	cr_assert_eq(a.view.control->magic, THR_CONTROL_MAGIC);
	a.view.control->magic = 0;
	for (words = a.pages, word = 0; word < a.geometry.arena_bytes / 8; word++)
		must(words[word] == 0, "word %zu is not zero", word);
	test_arena_fini(&a);
}

Test(view, formats_cores_and_flags_and_nothing_else)
{
	check_format(96);
	check_format(2);
	check_format(1);
}
