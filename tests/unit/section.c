/* SPDX-License-Identifier: MIT */
/*
 * Each restartable sequence by itself, on cores of the test's choosing: that it does what it says,
 * and that it leaves every word alone if something is not as expected or if it runs on another
 * core.
 */

#include "shm/section.h"
#include "shm/mask.h"
#include "tests/unit/arena.h"
#include "tests/unit/cores.h"
#include "tests/unit/dice.h"

#define HERE 1u
#define CORES 3u
#define SEGMENT 1u
#define VERSION (7ull << 32)

static const struct seat_id me = { 3 };

struct bench {
	struct test_arena arena;
	const struct thr_class_view *class_;
	struct thr_self self;
	struct core_id core;
	struct thr_core *state;
	struct thr_segment *segment; /* the core's current one, everything takeable */
	uint64_t current, holder;
	void *before;
};

static void bench_init(struct bench *b)
{
	if (!SECTION_IS_THERE)
		cr_skip_test("no restartable sequences on this machine");
	test_arena_init_one(&b->arena, CORES, 200);
	b->class_ = &b->arena.view.class_[0];
	b->self = cores_self(HERE, CORES, me);
	b->core = (struct core_id){ HERE };
	b->state = &b->class_->cores[HERE];
	b->segment = &b->class_->segments[SEGMENT];
	b->holder = b->segment->holder = VERSION | (HERE + 1);
	b->current = b->state->current = VERSION | SEGMENT;
	b->segment->mask = ~0ull;
	b->before = NULL;
}

static void bench_note(struct bench *b)
{
	free(b->before);
	b->before = test_arena_copy(&b->arena);
}

static void bench_fini(struct bench *b)
{
	free(b->before);
	test_arena_fini(&b->arena);
}

/* What a section answered that should not have done anything, and that it has not. */
#define must_refuse(b, answer, call)                                                               \
	do {                                                                                       \
		bench_note(b);                                                                     \
		must((call) == (answer), "%s", #call);                                             \
		must(test_arena_is_as(&(b)->arena, (b)->before), "%s changes something", #call);   \
	} while (0)

/* On any core but this one. */
#define must_be_on_core(b, call)                                                                   \
	do {                                                                                       \
		cores_go_to(HERE + 1);                                                             \
		must_refuse(b, SECTION_MOVED, call);                                               \
		cores_go_to(UINT32_MAX);                                                           \
		must_refuse(b, SECTION_MOVED, call);                                               \
		cores_go_to(HERE);                                                                 \
	} while (0)

static enum section rent(struct bench *b, struct slot_id *slot, uint64_t *record)
{
	return section_rent(b->self.section, b->core, b->state, &b->class_->segments,
		&b->class_->n_segments, &b->self.addend, slot, record);
}

Test(section, rent_takes_the_lowest_slot)
{
	struct slot_id slot = { 0 };
	uint64_t record = 0, mask;
	struct dice d = { 51 };
	struct bench b;
	unsigned i;

	bench_init(&b);
	must_be_on_core(&b, rent(&b, &slot, &record));
	for (i = 0; i < 64; i++) {
		b.segment->record[i] = (uint64_t)i << 30 | (i % 3) << 2; /* some with a stamp */
		must(rent(&b, &slot, &record) == SECTION_DONE, "rent %u", i);
		must(slot.n == 64 * SEGMENT + i, "slot %u", slot.n);
		must(record == record_lease((uint64_t)i << 30, me, 1), "record of %u", i);
		must(b.segment->record[i] == record, "stored record of %u", i);
		must(b.segment->mask == ~0ull << i << 1 || i == 63, "mask after %u", i);
		must(b.state->rents_total == i + 1, "count");
	}
	cr_assert_eq(b.segment->mask, 0);
	must_refuse(&b, SECTION_CHANGED, rent(&b, &slot, &record));
	for (i = 0; i < 10000; i++) {
		b.segment->mask = mask = dice_roll(&d) & dice_roll(&d);
		if (mask == 0)
			continue;
		b.segment->record[__builtin_ctzll(mask)] = 0;
		must(rent(&b, &slot, &record) == SECTION_DONE, "mask %#lx", (unsigned long)mask);
		must(slot.n == 64 + (uint32_t)__builtin_ctzll(mask), "slot %u", slot.n);
		must(b.segment->mask == (mask & (mask - 1)), "mask %#lx", (unsigned long)mask);
	}
	bench_fini(&b);
}

Test(section, rent_follows_no_segment_that_is_not_there)
{
	static const uint32_t wrong[] = { 4, 5, 1000, 0x7fffffff, 0x80000000, UINT32_MAX };
	struct slot_id slot;
	uint64_t record;
	struct bench b;
	size_t i;

	bench_init(&b);
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		b.state->current = VERSION | wrong[i];
		must_refuse(&b, SECTION_CHANGED, rent(&b, &slot, &record));
	}
	bench_fini(&b);
}

#define reserve(b, current, bits, n)                                                               \
	section_reserve((b)->self.section, (b)->core, (b)->state, current, (b)->segment, bits, n)

Test(section, reserve_takes_all_or_nothing)
{
	struct bench b;
	unsigned i;

	bench_init(&b);
	must_be_on_core(&b, reserve(&b, b.current, 3, 1));
	b.segment->mask = 0xff00ff00ff00ff00;
	for (i = 0; i < 64; i++)
		if (!(b.segment->mask >> i & 1))
			must_refuse(&b, SECTION_CHANGED,
				reserve(&b, b.current, 0x8100 | 1ull << i, 1));
	must_refuse(&b, SECTION_CHANGED, reserve(&b, b.current + (1ull << 32), 0x8100, 1));
	must_refuse(&b, SECTION_CHANGED, reserve(&b, b.current ^ 2, 0x8100, 1));
	cr_assert_eq(reserve(&b, b.current, 0xff00000000008100, 10), SECTION_DONE);
	cr_assert_eq(b.segment->mask, 0x0000ff00ff007e00);
	cr_assert_eq(b.state->rents_total, 10);
	cr_assert_eq(b.state->current, b.current);
	bench_fini(&b);
}

#define put(b, current, word, value)                                                               \
	section_put((b)->self.section, (b)->core, (b)->state, current, word, value)

Test(section, put_stores_while_the_current_segment_is_the_same)
{
	struct bench b;

	bench_init(&b);
	must_be_on_core(&b, put(&b, b.current, &b.segment->record[5], 77));
	must_refuse(&b, SECTION_CHANGED, put(&b, b.current + 1, &b.segment->record[5], 77));
	must_refuse(&b, SECTION_CHANGED,
		put(&b, b.current - (1ull << 32), &b.segment->record[5], 77));
	cr_assert_eq(put(&b, b.current, &b.segment->record[5], 77), SECTION_DONE);
	cr_assert_eq(b.segment->record[5], 77);
	/* `current` itself: the core leaves its segment. */
	cr_assert_eq(put(&b, b.current, &b.state->current, 8ull << 32 | UINT32_MAX), SECTION_DONE);
	cr_assert_eq(b.state->current, 8ull << 32 | UINT32_MAX);
	bench_fini(&b);
}

#define give(b, slot, value)                                                                       \
	section_give((b)->self.section, (b)->core, (b)->state, (b)->segment, slot, value)

Test(section, give_ends_a_lease_and_makes_its_slot_takeable)
{
	static const uint64_t others[] = { 0, VERSION | (HERE + 2), VERSION | HERE,
		VERSION | 1u << 31 | 3 << 8, VERSION | 1u << 29 | (HERE + 1) };
	struct bench b;
	unsigned i;

	bench_init(&b);
	b.segment->mask = 0;
	for (i = 0; i < 64; i++)
		b.segment->record[i] = record_lease(0, me, 1);
	must_be_on_core(&b, give(&b, 5, 1ull << 30));
	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		b.segment->holder = others[i];
		must_refuse(&b, SECTION_CHANGED, give(&b, 5, 1ull << 30));
	}
	b.segment->holder = 99ull << 32 | (HERE + 1); /* whatever its version */
	for (i = 0; i < 64; i++) {
		must(give(&b, i, 1ull << 30) == SECTION_DONE, "slot %u", i);
		must(b.segment->record[i] == 1ull << 30, "record %u", i);
		must(b.segment->mask == mask_low(i + 1), "mask after %u", i);
		must(b.state->local_returns_total == i + 1, "count");
	}
	bench_fini(&b);
}

Test(section, give_all_ends_each_and_makes_all_their_slots_takeable)
{
	struct {
		uint64_t before, token[2];
	} lease[64];
	struct bench b;
	unsigned i, n;

	bench_init(&b);
	for (n = 1; n <= 64; n++) {
		b.segment->mask = 0;
		for (i = 0; i < 64; i++) {
			b.segment->record[i] = record_lease((uint64_t)n << 30, me, 1);
			lease[i].token[0] = 0xa5ull << 56 | (64 * SEGMENT + (i * 37 + n) % 64);
			lease[i].token[1] = record_lease((uint64_t)n << 30, me, 1);
		}
#define give_all()                                                                                 \
	section_give_all(b.self.section, b.core, b.state, b.segment, lease[0].token,               \
		sizeof(lease[0]), n, 0x123456789abcdefull)
		must_be_on_core(&b, give_all());
		b.segment->holder = b.holder + 1;
		must_refuse(&b, SECTION_CHANGED, give_all());
		b.segment->holder = b.holder;
		b.state->local_returns_total = 0;
		must(give_all() == SECTION_DONE, "%u", n);
		must(b.segment->mask == 0x123456789abcdefull, "the bits of %u", n);
		must(b.state->local_returns_total == n, "count of %u", n);
		for (i = 0; i < 64; i++)
			must(b.segment->record[(i * 37 + n) % 64] ==
					(i < n ? (uint64_t)(n + 1) << 30 : lease[i].token[1]),
				"lease %u of %u", i, n);
	}
	bench_fini(&b);
}

#define change(b, current, segment, holder, takeable, next)                                        \
	section_switch((b)->self.section, (b)->core, (b)->state, current, segment, holder,         \
		takeable, next)

Test(section, switch_fills_a_segment_that_the_core_still_holds)
{
	struct thr_segment *next;
	struct bench b;

	bench_init(&b);
	next = &b.class_->segments[2];
	next->holder = 3ull << 32 | (HERE + 1);
	next->mask = 0x10;
	must_be_on_core(&b, change(&b, b.current, next, next->holder, 0xf, 8ull << 32 | 2));
	must_refuse(&b, SECTION_CHANGED,
		change(&b, b.current + (1ull << 32), next, next->holder, 0xf, 8ull << 32 | 2));
	must_refuse(&b, SECTION_CHANGED,
		change(&b, b.current, next, next->holder + (1ull << 32), 0xf, 8ull << 32 | 2));
	must_refuse(&b, SECTION_CHANGED,
		change(&b, b.current, next, 3ull << 32, 0xf, 8ull << 32 | 2));
	cr_assert_eq(change(&b, b.current, next, next->holder, 0xf, 8ull << 32 | 2), SECTION_DONE);
	cr_assert_eq(next->mask, 0x1f);
	cr_assert_eq(b.state->current, 8ull << 32 | 2);
	cr_assert_eq(b.segment->mask, ~0ull);
	bench_fini(&b);
}

#define relinquish(b, segment, number, seen, next)                                                 \
	section_relinquish((b)->self.section, (b)->core, (b)->state, segment, number, seen, next)

Test(section, relinquish_leaves_an_empty_mask_and_no_current_segment)
{
	struct thr_segment *other;
	struct bench b;

	bench_init(&b);
	other = &b.class_->segments[3];
	other->holder = 3ull << 32 | (HERE + 1);
	other->mask = 6;
	must_be_on_core(&b, relinquish(&b, b.segment, SEGMENT, b.holder, 8ull << 32));
	must_refuse(&b, SECTION_CHANGED,
		relinquish(&b, b.segment, SEGMENT, b.holder + (1ull << 32), 8ull << 32));
	cr_assert_eq(relinquish(&b, other, 3, other->holder, 4ull << 32 | 9), SECTION_DONE);
	cr_assert(other->mask == 0 && other->holder == (4ull << 32 | 9));
	cr_assert_eq(b.state->current, b.current, "another segment is current");
	cr_assert_eq(relinquish(&b, b.segment, SEGMENT, b.holder, 8ull << 32), SECTION_DONE);
	cr_assert(b.segment->mask == 0 && b.segment->holder == 8ull << 32);
	cr_assert_eq(b.state->current, 8ull << 32 | UINT32_MAX);
	/* A version comes round without a word of the number. */
	b.segment->holder = b.holder;
	b.state->current = 0xffffffffull << 32 | SEGMENT;
	cr_assert_eq(relinquish(&b, b.segment, SEGMENT, b.holder, 0), SECTION_DONE);
	cr_assert_eq(b.state->current, UINT32_MAX);
	bench_fini(&b);
}
