/* SPDX-License-Identifier: MIT */
/*
 * Geometries, looked at as a list of regions: each aligned, none touching another, all inside. The
 * bounds, each at its last good value and one beyond. And the check that a client makes of what it
 * is told: whatever bit is wrong, it must notice.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "shm/geometry.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define REGIONS_MAX (2 + 5 * THR_CLASSES_MAX)

struct region {
	uint64_t first, bytes, align;
};

/* All regions of the arena, in the order in which shm/abi.h draws them. */
static size_t regions_of(const struct thr_geometry *g, struct region *at)
{
	struct region *first = at;
	uint32_t i;

	*at++ = (struct region){ 0, 4 * 128, 4096 };
	*at++ = (struct region){ g->seats_offset, 128ull * (g->seats + 1), 128 };
	for (i = 0; i < g->classes; i++) {
		const struct thr_class_geometry *c = &g->class_[i];

		*at++ = (struct region){ c->cores_offset, 256ull * g->cores, 128 };
		*at++ = (struct region){ c->cores_offset + 256ull * g->cores, 384ull * g->cores,
			128 };
		*at++ = (struct region){ c->segments_offset, 7ull * 128 * c->segments, 128 };
		*at++ = (struct region){ c->senders_offset, 2ull * 64 * c->segments, 128 };
	}
	for (i = 0; i < g->classes; i++) {
		const struct thr_class_geometry *c = &g->class_[i];

		*at++ = (struct region){ c->data_offset, c->slots * c->stride_bytes,
			c->align_bytes > 4096 ? c->align_bytes : 4096 };
	}
	return (size_t)(at - first);
}

static void check_regions(const struct thr_geometry *g)
{
	struct region r[REGIONS_MAX];
	size_t n = regions_of(g, r), i, j;

	for (i = 0; i < n; i++) {
		must(r[i].first % r[i].align == 0, "region %zu is not aligned", i);
		must(g->map_align_bytes % r[i].align == 0, "the mapping spoils region %zu", i);
		must(r[i].first + r[i].bytes <= g->arena_bytes, "region %zu ends outside", i);
		must(i + g->classes < n ? r[i].first + r[i].bytes <= g->metadata_bytes
					: r[i].first >= g->metadata_bytes,
			"region %zu is on the wrong side of the metadata's end", i);
		for (j = 0; j < i; j++)
			must(r[j].first + r[j].bytes <= r[i].first, "region %zu is not before %zu",
				j, i);
	}
	must(g->arena_bytes % 4096 == 0 && g->metadata_bytes % 4096 == 0, "not whole pages");
	must(g->arena_bytes <= GEOMETRY_ARENA_BYTES_MAX, "larger than an arena may be");
	must(g->roster_offset >= sizeof(struct thr_board) && g->roster_offset % 128 == 0, "roster");
	must(g->roster_offset + 4ull * (g->seats + 1) <= g->board_bytes, "the roster ends outside");
	must(g->board_bytes % 4096 == 0, "the board is not whole pages");
}

/* The smallest stride that keeps the promise, found by trying one after the other. */
static uint64_t naive_stride(uint64_t slot_bytes, uint32_t align)
{
	uint64_t stride = align ? align : 64, by = align ? align : 128;

	while (stride < slot_bytes)
		stride += by;
	return stride;
}

static void check_class(const struct thr_class_geometry *c, const struct thr_class_spec *s,
	uint32_t cores)
{
	must(c->slot_bytes == s->slot_bytes && c->slots == s->slots &&
			c->align_bytes == s->align_bytes,
		"the inputs are not passed on");
	must(c->stride_bytes == naive_stride(s->slot_bytes, s->align_bytes),
		"%lu bytes aligned to %u", (unsigned long)s->slot_bytes, s->align_bytes);
	must(c->segments * 64 >= c->slots && (c->segments - 1) * 64 < c->slots,
		"%u segments for %u", c->segments, c->slots);
	/* At least one for each core, or nobody holds any. */
	must(c->claim == (c->segments >= cores ? THR_CLAIM_CORE : THR_CLAIM_OPEN),
		"%u segments on %u cores, claim %u", c->segments, cores, c->claim);
}

static int by_stride(const void *a, const void *b)
{
	const struct thr_class_spec *x = a, *y = b;
	uint64_t p = naive_stride(x->slot_bytes, x->align_bytes);
	uint64_t q = naive_stride(y->slot_bytes, y->align_bytes);

	return p < q ? -1 : p > q;
}

static uint32_t random_specs(struct dice *d, struct thr_class_spec *specs)
{
	uint32_t n = (uint32_t)dice_from(d, 1, THR_CLASSES_MAX), i, kept = 1;

	for (i = 0; i < n; i++)
		specs[i] = (struct thr_class_spec){
			.slot_bytes = dice_from(d, 64, 64 << dice_below(d, 12)),
			.slots = (uint32_t)dice_from(d, 1, 1ull << dice_below(d, 15)),
			.align_bytes = dice_one_in(d, 2) ? 0 : 64u << dice_below(d, 16),
		};
	qsort(specs, n, sizeof(*specs), by_stride);
	for (i = 1; i < n; i++)
		if (by_stride(&specs[kept - 1], &specs[i]) != 0)
			specs[kept++] = specs[i];
	return kept;
}

Test(geometry, random_ones_are_sound)
{
	struct thr_class_spec specs[THR_CLASSES_MAX];
	struct dice d = { 51 };
	unsigned round;
	uint32_t n, i;

	for (round = 0; round < 20000; round++) {
		uint32_t cores = (uint32_t)dice_from(&d, 1, 1ull << dice_below(&d, 13));
		uint32_t seats = (uint32_t)dice_from(&d, 1, (1ull << dice_from(&d, 1, 16)) - 1);
		struct thr_geometry g;

		n = random_specs(&d, specs);
		must(thr_geometry_init(&g, cores, seats, specs, n) == 0, "round %u", round);
		must(g.cores == cores && g.seats == seats && g.classes == n, "the inputs");
		check_regions(&g);
		for (i = 0; i < n; i++)
			check_class(&g.class_[i], &specs[i], cores);
		for (; i < THR_CLASSES_MAX; i++)
			must(!g.class_[i].slots && !g.class_[i].data_offset, "class %u is not zero",
				i);
		must(thr_geometry_is_valid(&g), "round %u is not valid", round);
	}
}

Test(geometry, strides_are_odd_lines_unless_aligned)
{
	uint32_t align;
	uint64_t bytes;

	for (bytes = 64; bytes < 20000; bytes++) {
		must(thr_stride_bytes(bytes, 0) == naive_stride(bytes, 0), "%lu",
			(unsigned long)bytes);
		must(thr_stride_bytes(bytes, 0) / 64 % 2 == 1, "%lu is even", (unsigned long)bytes);
		for (align = 64; align <= 1u << 21; align *= 2)
			must(thr_stride_bytes(bytes, align) == naive_stride(bytes, align),
				"%lu by %u", (unsigned long)bytes, align);
	}
	cr_assert_eq(thr_stride_bytes(4096, 0), 4160);
	cr_assert_eq(thr_stride_bytes(4096, 4096), 4096);
	cr_assert_eq(thr_stride_bytes((uint64_t)1 << 30, 0), ((uint64_t)1 << 30) + 64);
	cr_assert_eq(thr_stride_bytes((uint64_t)1 << 30, 1u << 21), (uint64_t)1 << 30);
}

/* A failure leaves *ret alone. */
static int init(uint32_t cores, uint32_t seats, const struct thr_class_spec *specs, uint32_t n)
{
	struct thr_geometry g, untouched;
	int r;

	memset(&g, 0x5e, sizeof(g));
	memset(&untouched, 0x5e, sizeof(untouched));
	r = thr_geometry_init(&g, cores, seats, specs, n);
	must((r == 0) == (memcmp(&g, &untouched, sizeof(g)) != 0), "%d, and *ret", r);
	return r;
}

static int init_one(uint64_t slot_bytes, uint32_t slots, uint32_t align)
{
	struct thr_class_spec spec = { slot_bytes, slots, align };

	return init(2, 8, &spec, 1);
}

Test(geometry, every_bound_holds_and_one_beyond_is_refused)
{
	struct thr_class_spec specs[THR_CLASSES_MAX + 1];
	uint32_t i;

	for (i = 0; i < N(specs); i++)
		specs[i] = (struct thr_class_spec){ .slot_bytes = 64 + 128 * i, .slots = 1 };
	cr_assert_eq(init(1, 1, specs, 1), 0);
	cr_assert_eq(init(4096, 65535, specs, 16), 0);
	cr_assert_eq(init(0, 1, specs, 1), -EINVAL);
	cr_assert_eq(init(4097, 1, specs, 1), -EINVAL);
	cr_assert_eq(init(1, 0, specs, 1), -EINVAL);
	cr_assert_eq(init(1, 65536, specs, 1), -EINVAL);
	cr_assert_eq(init(1, 1, specs, 0), -EINVAL);
	cr_assert_eq(init(1, 1, specs, 17), -EINVAL);
	cr_assert_eq(init_one(64, 1, 0), 0);
	cr_assert_eq(init_one(63, 1, 0), -EINVAL);
	cr_assert_eq(init_one(0, 1, 0), -EINVAL);
	cr_assert_eq(init_one((uint64_t)1 << 30, 1, 0), 0);
	cr_assert_eq(init_one(((uint64_t)1 << 30) + 1, 1, 0), -EINVAL);
	cr_assert_eq(init_one(UINT64_MAX, 1, 0), -EINVAL);
	cr_assert_eq(init_one(64, 1u << 26, 0), 0);
	cr_assert_eq(init_one(64, (1u << 26) + 1, 0), -EINVAL);
	cr_assert_eq(init_one(64, 0, 0), -EINVAL);
}

Test(geometry, alignments_are_powers_of_two_in_bounds)
{
	uint32_t align;

	for (align = 1; align < 1u << 23; align++) {
		bool is_good = align >= 64 && align <= 1u << 21 && __builtin_popcount(align) == 1;

		if (align < 5000 || __builtin_popcount(align) == 1 ||
			__builtin_popcount(align + 1) == 1)
			must(init_one(64, 1, align) == (is_good ? 0 : -EINVAL), "%u", align);
	}
	cr_assert_eq(init_one(64, 1, 1u << 31), -EINVAL);
	cr_assert_eq(init_one(64, 1, UINT32_MAX), -EINVAL);
}

Test(geometry, classes_ascend_by_stride)
{
	static const struct thr_class_spec good[] = { { 64, 1, 64 }, { 65, 1, 64 }, { 129, 1, 0 } };
	static const struct thr_class_spec falling[] = { { 4096, 1, 0 }, { 1024, 1, 0 } };
	static const struct thr_class_spec same[] = { { 4096, 1, 0 }, { 4096, 2, 0 } };
	static const struct thr_class_spec same_stride[] = { { 4096, 1, 0 }, { 4160, 1, 64 } };
	/* Larger as configured, smaller from slot to slot. */
	static const struct thr_class_spec crossed[] = { { 100, 1, 4096 }, { 200, 1, 0 } };

	cr_assert_eq(init(1, 1, good, 3), 0);
	cr_assert_eq(init(1, 1, falling, 2), -EINVAL);
	cr_assert_eq(init(1, 1, same, 2), -EINVAL);
	cr_assert_eq(init(1, 1, same_stride, 2), -EINVAL);
	cr_assert_eq(init(1, 1, crossed, 2), -EINVAL);
}

Test(geometry, an_arena_that_would_be_too_large_is_refused)
{
	struct thr_class_spec specs[THR_CLASSES_MAX];
	uint32_t i;

	for (i = 0; i < THR_CLASSES_MAX; i++)
		specs[i] = (struct thr_class_spec){
			.slot_bytes = GEOMETRY_SLOT_BYTES_MAX - (15 - i) * 4096,
			.slots = GEOMETRY_SLOTS_MAX,
			.align_bytes = 4096,
		};
	for (i = 1; i <= THR_CLASSES_MAX; i++)
		cr_assert_eq(init(4096, 65535, specs, i), -EOVERFLOW);
	/* 2^14 slots of 2^30 bytes are the limit alone; the metadata tips it over. */
	cr_assert_eq(init_one((uint64_t)1 << 30, (1u << 14) - 1, 4096), 0);
	cr_assert_eq(init_one((uint64_t)1 << 30, 1u << 14, 4096), -EOVERFLOW);
}

/* Slots no smaller than a page, so that one more or less always shows; strides with room in them.
 */
static const struct thr_class_spec checked[] = {
	{ 4096, 100, 0 }, { 8192, 64, 4096 }, { 100000, 7, 0 }, { 1 << 20, 3, 1 << 16 },
};

/*
 * What may differ unseen, because it leads to the very same layout: more or fewer of the bytes that
 * a stride holds anyway, or an alignment that stride and place have anyway.
 */
static bool is_slack(const struct thr_geometry *g, const struct thr_geometry *wrong)
{
	uint64_t end = g->metadata_bytes, page = 4096;
	struct thr_geometry slack = *g;
	uint32_t i, map_align = 4096;

	for (i = 0; i < g->classes; i++) {
		const struct thr_class_geometry *c = &wrong->class_[i];
		uint64_t align = c->align_bytes > page ? c->align_bytes : page;

		if (c->slot_bytes < 64 || c->slot_bytes > 1 << 30 ||
			(c->align_bytes && (c->align_bytes < 64 || c->align_bytes > 1 << 21 ||
				__builtin_popcount(c->align_bytes) != 1)) ||
			naive_stride(c->slot_bytes, c->align_bytes) != g->class_[i].stride_bytes ||
			(end + align - 1) / align * align != g->class_[i].data_offset)
			return false;
		end = g->class_[i].data_offset + g->class_[i].slots * g->class_[i].stride_bytes;
		map_align = c->align_bytes > map_align ? c->align_bytes : map_align;
		slack.class_[i].slot_bytes = c->slot_bytes;
		slack.class_[i].align_bytes = c->align_bytes;
	}
	/* And a larger page, if both the mapping and the end are multiples of it anyway. */
	slack.page_bytes = wrong->page_bytes;
	if (wrong->page_bytes < 4096 || __builtin_popcountll(wrong->page_bytes) != 1 ||
		g->map_align_bytes % wrong->page_bytes || g->arena_bytes % wrong->page_bytes)
		return false;
	return map_align == g->map_align_bytes && memcmp(&slack, wrong, sizeof(slack)) == 0;
}

Test(geometry, a_client_notices_every_wrong_bit)
{
	struct thr_geometry g, wrong;
	uint8_t *bytes = (uint8_t *)&wrong;
	unsigned slack = 0;
	size_t i;
	int v;

	cr_assert_eq(thr_geometry_init(&g, 6, 100, checked, N(checked)), 0);
	cr_assert(thr_geometry_is_valid(&g));
	for (i = 0; i < sizeof(g); i++)
		for (v = 1; v < 256; v++) {
			wrong = g;
			bytes[i] ^= (uint8_t)v;
			slack += is_slack(&g, &wrong);
			must(thr_geometry_is_valid(&wrong) == is_slack(&g, &wrong),
				"byte %zu ^ %#x", i, (unsigned)v);
		}
	/* Few: the low bytes of four slot sizes, and smaller alignments of the second class. */
	cr_assert(slack > 0 && slack < 1200);
}

Test(geometry, a_client_survives_any_bytes)
{
	struct dice d = { 52 };
	struct thr_geometry g;
	uint64_t *words = (uint64_t *)&g;
	unsigned round;
	size_t i;

	for (round = 0; round < 20000; round++) {
		for (i = 0; i < sizeof(g) / 8; i++)
			words[i] = dice_roll(&d) & dice_roll(&d) & dice_roll(&d);
		g.classes = (uint32_t)dice_below(&d, 18);
		g.cores = (uint32_t)dice_from(&d, 1, 4096);
		g.seats = (uint32_t)dice_from(&d, 1, 65535);
		must(!thr_geometry_is_valid(&g), "random bytes are a geometry");
	}
	memset(&g, 0, sizeof(g));
	cr_assert_not(thr_geometry_is_valid(&g));
	memset(&g, 0xff, sizeof(g));
	cr_assert_not(thr_geometry_is_valid(&g));
}

/* The last number of slots that is claimed openly, and the first that is not. */
Test(geometry, a_class_is_open_until_each_core_can_have_a_segment)
{
	struct thr_geometry g;
	uint32_t cores, slots;

	for (cores = 1; cores <= 300; cores++)
		for (slots = (cores - 1) * 64; slots <= (cores - 1) * 64 + 1; slots++) {
			struct thr_class_spec spec = { 64, slots, 0 };

			if (slots == 0)
				continue;
			must(thr_geometry_init(&g, cores, 1, &spec, 1) == 0, "%u slots", slots);
			must(g.class_[0].claim == (slots > (cores - 1) * 64 ? THR_CLAIM_CORE
									     : THR_CLAIM_OPEN),
				"%u slots on %u cores", slots, cores);
		}
}

/* Ten million slots on 1,024 cores for 65,535 clients, on paper. */
Test(geometry, a_large_arena_spends_little_on_itself)
{
	static const struct thr_class_spec spec = { 4096, 10000000, 0 };
	uint64_t seats = 4096, cores = seats + 65536 * 128, segments = cores + 1024 * 640;
	uint64_t senders = segments + 156250ull * 896, end = senders + 20000000;
	uint64_t metadata = (end + 4095) / 4096 * 4096;
	struct thr_geometry g;

	cr_assert_eq(thr_geometry_init(&g, 1024, 65535, &spec, 1), 0);
	check_regions(&g);
	cr_assert_eq(g.seats_offset, seats);
	cr_assert_eq(g.class_[0].cores_offset, cores);
	cr_assert_eq(g.class_[0].segments_offset, segments);
	cr_assert_eq(g.class_[0].senders_offset, senders);
	cr_assert_eq(g.metadata_bytes, metadata);
	cr_assert_eq(g.arena_bytes, (metadata + 10000000ull * 4160 + 4095) / 4096 * 4096);
	cr_assert_leq(g.metadata_bytes, 24ull * 10000000 + 640 * 1024 + 128 * 65536 + 2 * 4096);
}

Test(geometry, the_metadata_of_any_arena_is_bounded)
{
	struct thr_class_spec specs[THR_CLASSES_MAX];
	struct dice d = { 53 };
	unsigned round;
	uint32_t n, i;

	for (round = 0; round < 5000; round++) {
		uint32_t cores = (uint32_t)dice_from(&d, 1, 4096),
			 seats = (uint32_t)dice_from(&d, 1, 65535);
		uint64_t most = 128ull * (seats + 1);
		struct thr_geometry g;

		n = random_specs(&d, specs);
		cr_assert_eq(thr_geometry_init(&g, cores, seats, specs, n), 0);
		for (i = 0; i < n; i++)
			most += 640ull * cores + 24ull * ((specs[i].slots + 63) / 64 * 64);
		must(g.metadata_bytes <= most + 2 * 4096, "%lu bytes for at most %lu",
			(unsigned long)g.metadata_bytes, (unsigned long)most);
	}
}

/* Whole pages, a mapping that begins with one, and nothing else is moved. */
Test(geometry, huge_pages)
{
	static const struct thr_class_spec spec = { 4096, 1000, 0 };
	struct thr_geometry plain, huge;
	uint64_t page;

	cr_assert_eq(thr_geometry_init(&plain, 4, 64, &spec, 1), 0);
	cr_assert_eq(plain.page_bytes, 4096);
	for (page = 4096; page <= GEOMETRY_PAGE_BYTES_MAX; page *= 2) {
		huge = plain;
		cr_assert_eq(thr_geometry_set_page(&huge, page), 0);
		check_regions(&huge);
		cr_assert_eq(huge.page_bytes, page);
		cr_assert_eq(huge.arena_bytes % page, 0);
		cr_assert_lt(huge.arena_bytes - plain.arena_bytes, page);
		cr_assert_eq(huge.map_align_bytes, page);
		cr_assert_eq(huge.class_[0].data_offset, plain.class_[0].data_offset);
		cr_assert(thr_geometry_is_valid(&huge));
		huge.arena_bytes += 4096; /* not what the inputs give */
		cr_assert(!thr_geometry_is_valid(&huge));
	}
	huge = plain;
	cr_assert_eq(thr_geometry_set_page(&huge, 2048), -EINVAL);
	cr_assert_eq(thr_geometry_set_page(&huge, 12288), -EINVAL);
	cr_assert_eq(thr_geometry_set_page(&huge, 2 * GEOMETRY_PAGE_BYTES_MAX), -EINVAL);
	huge.arena_bytes = GEOMETRY_ARENA_BYTES_MAX - 4096;
	cr_assert_eq(thr_geometry_set_page(&huge, 8192), 0);
	huge.arena_bytes = GEOMETRY_ARENA_BYTES_MAX + 4096;
	cr_assert_eq(thr_geometry_set_page(&huge, 8192), -EOVERFLOW);
}
