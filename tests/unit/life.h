/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_LIFE_H
#define TESTS_UNIT_LIFE_H

/*
 * Random legal life in an arena: clients rent, in open classes by claims, in core classes as any
 * core or as threads, one slot or runs; they return, hand over, accept, take back and die; and
 * beside every record there is a naive account of what it should say. Whoever calls life_check()
 * after any number of steps knows that the arena and the account agree to the last bit.
 */

#include <errno.h>
#include "shm/core.h"
#include "shm/holder.h"
#include "shm/lane.h"
#include "shm/reclaim.h"
#include "shm/record.h"
#include "shm/transition.h"
#include "tests/unit/arena.h"
#include "tests/unit/cores.h"
#include "tests/unit/dice.h"

struct life_slot {
	uint64_t sequence;
	unsigned state, hop, run;
	uint16_t owner, sender;      /* of the lease; the note beside it */
	uint64_t before;             /* the record that was handed over */
};

struct life_class {
	struct life_slot *slots;
	uint64_t rents, returns, reclaimed, exhausted;
	uint64_t held;               /* slots under leases */
};

struct life {
	struct test_arena *arena;
	struct dice dice;
	struct life_class class_[THR_CLASSES_MAX];
	struct thr_lane (*lanes)[LANES]; /* by seat */
	uint64_t asked;
};

static inline void life_init(struct life *life, struct test_arena *arena, uint64_t seed)
{
	uint32_t n_seats = arena->view.n_seats, i;

	*life = (struct life){ .arena = arena, .dice = { seed } };
	for (i = 0; i < arena->view.n_classes; i++) {
		life->class_[i].slots =
			calloc(arena->view.class_[i].slots, sizeof(struct life_slot));
		must(life->class_[i].slots, "memory");
	}
	life->lanes = aligned_alloc(THR_LINE, (n_seats + 1) * sizeof(*life->lanes));
	must(life->lanes, "memory");
	memset(life->lanes, 0, (n_seats + 1) * sizeof(*life->lanes));
	for (i = 0; i <= n_seats; i++)
		thr_lanes_init(life->lanes[i]);
}

static inline void life_fini(struct life *life)
{
	uint32_t i;

	for (i = 0; i < THR_CLASSES_MAX; i++)
		free(life->class_[i].slots);
	free(life->lanes);
}

static inline uint64_t life_record(const struct life_slot *s)
{
	if (s->state == 0)
		return s->sequence << 30;
	return s->sequence << 30 | (uint64_t)s->hop << 24 | (uint64_t)s->owner << 8 |
	       (uint64_t)(s->run - 1) << 2 | s->state;
}

/* But for the stamp of a FREE one. */
static inline bool life_agrees(const struct life_slot *s, uint64_t record)
{
	return (s->state == 0 ? record & ~0x3ffffffcull : record) == life_record(s);
}

static inline void life_free(struct life_class *c, struct life_slot *s)
{
	c->held -= s->run;
	s->state = 0;
	s->owner = 0;
	s->hop = 0;
	s->run = 0;
}

/* Does a lease cover this slot? Looks at all that could. */
static inline bool life_is_covered(const struct life_class *c, uint32_t slot)
{
	uint32_t from = slot / 64 * 64;

	for (; from <= slot; from++)
		if (c->slots[from].state && from + c->slots[from].run > slot)
			return true;
	return false;
}

/* Are there n slots in a row in any segment? Counted one by one. */
static inline bool life_has_room(const struct life *life, uint32_t class_, unsigned n)
{
	uint32_t slots = life->arena->view.class_[class_].slots, slot;
	unsigned row = 0;

	for (slot = 0; slot < slots; slot++) {
		if (slot % 64 == 0)
			row = 0;
		row = life_is_covered(&life->class_[class_], slot) ? 0 : row + 1;
		if (row >= n)
			return true;
	}
	return false;
}

/* Every core that was asked comes by and gives what it has. */
static inline void life_serve(struct life *life, const struct thr_class_view *view)
{
	struct core_id core;

	for (core.n = 0; core.n < view->n_cores; core.n++)
		if (view->cores[core.n].asked) {
			struct thr_self self = cores_self(core.n, view->n_cores, SEAT_NOBODY);

			thr_core_yield(view, &self, core, true);
		}
	life->asked++;
}

/* As a core or as a thread, until it has n slots in a row, or there are none. */
static inline int life_rent_held(struct life *life, uint32_t class_, uint16_t seat, unsigned n,
	struct slot_id *ret_slot, uint64_t *ret_record)
{
	const struct thr_class_view *view = &life->arena->view.class_[class_];
	uint32_t core = (uint32_t)dice_below(&life->dice, view->n_cores), tries;
	bool as_core = SECTION_IS_THERE && !dice_one_in(&life->dice, 4);
	struct seat_id me = { seat };
	enum core_outcome r = CORE_ASKED;

	for (tries = 0; r == CORE_ASKED; tries++) {
		struct thr_self self = as_core ? cores_self(core, view->n_cores, me)
					       : cores_self_thread(view->n_cores, me);

		must(tries < 3 * view->n_cores + 3, "asked, and asked, and asked");
		r = as_core ? thr_core_rent(view, &self, n, ret_slot, ret_record)
			    : thr_lane_rent(view, class_, &self, life->lanes[seat], n, ret_slot,
				      ret_record);
		if (r == CORE_ASKED)
			life_serve(life, view);
	}
	must(r == CORE_DONE || r == CORE_DRY, "outcome %d", (int)r);
	return r == CORE_DONE ? 0 : -ENOBUFS;
}

static inline void life_rent(struct life *life, uint32_t class_, uint16_t seat)
{
	const struct thr_class_view *view = &life->arena->view.class_[class_];
	struct core_id core = { (uint32_t)dice_below(&life->dice, view->n_cores) };
	struct life_class *c = &life->class_[class_];
	struct slot_id slot = { UINT32_MAX };
	struct life_slot *s;
	unsigned n = 1, i;
	uint64_t record;
	int r;

	if (view->is_open) {
		r = thr_open_claim(view, core, (struct seat_id){ seat }, &slot, &record);
	} else {
		if (dice_one_in(&life->dice, 4))
			n = (unsigned)dice_from(
				&life->dice, 1, dice_one_in(&life->dice, 8) ? 64 : 6);
		r = life_rent_held(life, class_, seat, n, &slot, &record);
	}
	must((r == 0) == life_has_room(life, class_, n), "%d for %u slots, with %lu of %u leased",
		r, n, (unsigned long)c->held, view->slots);
	if (r < 0) {
		view->cores[core.n].exhausted_total++;
		c->exhausted++;
		return;
	}
	must(slot.n + n <= view->slots && slot.n / 64 == (slot.n + n - 1) / 64, "slot %u", slot.n);
	for (i = 0; i < n; i++)
		must(!life_is_covered(c, slot.n + i), "slot %u was rented twice", slot.n + i);
	s = &c->slots[slot.n];
	s->state = 1;
	s->owner = seat;
	s->run = n;
	s->sequence++;
	must(record == life_record(s), "slot %u: %#lx", slot.n, (unsigned long)record);
	c->rents++;
	c->held += n;
}

static inline void life_return(struct life *life, uint32_t class_, struct slot_id slot)
{
	const struct thr_class_view *view = &life->arena->view.class_[class_];
	uint32_t core = (uint32_t)dice_below(&life->dice, view->n_cores);
	struct life_slot *s = &life->class_[class_].slots[slot.n];
	struct thr_self self = cores_self(core, view->n_cores, (struct seat_id){ s->owner });

	if (dice_one_in(&life->dice, 4))
		self = cores_self_thread(view->n_cores, (struct seat_id){ s->owner });
	must(thr_return(view, &self, slot, life_record(s)) == 0, "return of slot %u", slot.n);
	life_free(&life->class_[class_], s);
	life->class_[class_].returns++;
}

static inline void life_hand_over(
	struct life *life, uint32_t class_, struct slot_id slot, uint16_t to)
{
	const struct thr_class_view *view = &life->arena->view.class_[class_];
	struct life_slot *s = &life->class_[class_].slots[slot.n];
	struct seat_id from = { s->owner };
	uint64_t record;

	s->before = life_record(s);
	must(thr_hand_over(view, slot, s->before, from, (struct seat_id){ to }, &record) == 0,
		"slot %u", slot.n);
	s->state = 2;
	s->hop = (s->hop + 1) % 64;
	s->sender = s->owner;
	s->owner = to;
	must(record == life_record(s), "slot %u: %#lx", slot.n, (unsigned long)record);
}

/* A lease in transit arrives, or its sender, if it still lives, takes it back. */
static inline void life_settle(struct life *life, uint32_t class_, struct slot_id slot)
{
	const struct thr_class_view *view = &life->arena->view.class_[class_];
	struct life_slot *s = &life->class_[class_].slots[slot.n];
	uint64_t record;

	if (s->sender && dice_one_in(&life->dice, 4)) {
		must(thr_take_back(view, slot, life_record(s), s->before), "slot %u", slot.n);
		s->hop = (s->hop + 63) % 64;
		s->owner = s->sender;
	} else {
		must(thr_accept(view, slot, life_record(s), &record) == 0, "slot %u", slot.n);
		must(record == life_record(s) - 1, "slot %u: %#lx", slot.n, (unsigned long)record);
	}
	s->state = 1;
}

/* What a reclaim of the seat makes of the account. Returns how many leases it ends. */
static inline uint64_t life_bury(struct life *life, uint16_t seat)
{
	uint64_t n = 0;
	uint32_t i, slot;

	for (i = 0; i < life->arena->view.n_classes; i++)
		for (slot = 0; slot < life->arena->view.class_[i].slots; slot++) {
			struct life_slot *s = &life->class_[i].slots[slot];

			if (s->state != 0 && s->owner == seat) {
				life_free(&life->class_[i], s);
				life->class_[i].reclaimed++;
				n++;
			} else if (s->state == 2 && s->sender == seat) {
				s->sender = 0;
			}
		}
	memset(life->lanes[seat], 0, sizeof(life->lanes[seat]));
	thr_lanes_init(life->lanes[seat]);
	return n;
}

static inline void life_step(struct life *life, bool may_die)
{
	struct dice *d = &life->dice;
	uint32_t class_ = (uint32_t)dice_below(d, life->arena->view.n_classes);
	struct slot_id slot = { (uint32_t)dice_below(d, life->arena->view.class_[class_].slots) };
	uint16_t seat = (uint16_t)dice_from(d, 1, life->arena->view.n_seats);
	const struct life_slot *s = &life->class_[class_].slots[slot.n];
	struct thr_reclaimed sum = { 0 };

	if (may_die && dice_one_in(d, 500)) {
		thr_reclaim_seat(&life->arena->view, (struct seat_id){ seat }, &sum);
		must(sum.total == life_bury(life, seat), "%lu leases taken back",
			(unsigned long)sum.total);
	} else if (s->state == 0 || dice_one_in(d, 3)) {
		life_rent(life, class_, seat);
	} else if (s->state == 2) {
		life_settle(life, class_, slot);
	} else if (dice_one_in(d, 2)) {
		life_hand_over(life, class_, slot, seat);
	} else {
		life_return(life, class_, slot);
	}
}

static inline void life_run(struct life *life, unsigned steps, bool may_die)
{
	while (steps--)
		life_step(life, may_die);
}

static inline void life_check(const struct life *life)
{
	uint32_t i, slot;

	for (i = 0; i < life->arena->view.n_classes; i++)
		for (slot = 0; slot < life->arena->view.class_[i].slots; slot++) {
			const struct thr_class_view *c = &life->arena->view.class_[i];
			const struct life_slot *s = &life->class_[i].slots[slot];
			uint64_t record = c->segments[slot / 64].record[slot % 64];

			must(life_agrees(s, record), "class %u slot %u: %#lx, not %#lx", i, slot,
				(unsigned long)record, (unsigned long)life_record(s));
			must(c->senders[slot] == s->sender, "class %u slot %u: sent by %u, not %u",
				i, slot, c->senders[slot], s->sender);
		}
}

#endif
