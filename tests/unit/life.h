/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_LIFE_H
#define TESTS_UNIT_LIFE_H

/*
 * Random legal life in an arena: clients rent, return, hand over, accept, take back and die, and
 * beside every record there is a naive account of what it should say. Whoever calls life_check()
 * after any number of steps knows that the arena and the account agree to the last bit.
 */

#include <errno.h>
#include "shm/reclaim.h"
#include "shm/record.h"
#include "shm/transition.h"
#include "tests/unit/arena.h"
#include "tests/unit/dice.h"

struct life_slot {
	uint64_t sequence;
	unsigned state, hop;
	uint16_t owner, sender;      /* of the lease; the note beside it */
	uint64_t before;             /* the record that was handed over */
};

struct life_class {
	struct life_slot *slots;
	uint64_t rents, returns, reclaimed, exhausted, held;
};

struct life {
	struct test_arena *arena;
	struct dice dice;
	struct life_class class_[THR_CLASSES_MAX];
};

static inline void life_init(struct life *life, struct test_arena *arena, uint64_t seed)
{
	uint32_t i;

	*life = (struct life){ .arena = arena, .dice = { seed } };
	for (i = 0; i < arena->view.n_classes; i++) {
		life->class_[i].slots =
			calloc(arena->view.class_[i].slots, sizeof(struct life_slot));
		must(life->class_[i].slots, "memory");
	}
}

static inline void life_fini(struct life *life)
{
	uint32_t i;

	for (i = 0; i < THR_CLASSES_MAX; i++)
		free(life->class_[i].slots);
}

static inline uint64_t life_record(const struct life_slot *s)
{
	return s->sequence << 30 | (uint64_t)s->hop << 24 | (uint64_t)s->owner << 8 | s->state;
}

static inline void life_free(struct life_slot *s)
{
	s->state = 0;
	s->owner = 0;
	s->hop = 0;
}

static inline void life_rent(struct life *life, uint32_t class_, uint16_t seat)
{
	const struct thr_class_view *view = &life->arena->view.class_[class_];
	struct core_id core = { (uint32_t)dice_below(&life->dice, view->n_cores) };
	struct life_class *c = &life->class_[class_];
	struct slot_id slot = { UINT32_MAX };
	struct life_slot *s;
	uint64_t record;
	int r = thr_open_claim(view, core, (struct seat_id){ seat }, &slot, &record);

	must(r == (c->held == view->slots ? -ENOBUFS : 0), "%d with %lu of %u leased", r,
		(unsigned long)c->held, view->slots);
	if (r < 0) {
		view->cores[core.n].exhausted_total++;
		c->exhausted++;
		return;
	}
	must(slot.n < view->slots, "slot %u", slot.n);
	s = &c->slots[slot.n];
	must(s->state == 0, "slot %u was rented twice", slot.n);
	s->state = 1;
	s->owner = seat;
	s->sequence++;
	must(record == life_record(s), "slot %u: %#lx", slot.n, (unsigned long)record);
	c->rents++;
	c->held++;
}

static inline void life_return(struct life *life, uint32_t class_, struct slot_id slot)
{
	const struct thr_class_view *view = &life->arena->view.class_[class_];
	struct core_id core = { (uint32_t)dice_below(&life->dice, view->n_cores) };
	struct life_slot *s = &life->class_[class_].slots[slot.n];

	must(thr_return(view, core, slot, life_record(s)) == 0, "return of slot %u", slot.n);
	life_free(s);
	life->class_[class_].returns++;
	life->class_[class_].held--;
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
				life_free(s);
				life->class_[i].reclaimed++;
				life->class_[i].held--;
				n++;
			} else if (s->state == 2 && s->sender == seat) {
				s->sender = 0;
			}
		}
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

			must(record == life_record(s), "class %u slot %u: %#lx, not %#lx", i, slot,
				(unsigned long)record, (unsigned long)life_record(s));
			must(c->senders[slot] == s->sender, "class %u slot %u: sent by %u, not %u",
				i, slot, c->senders[slot], s->sender);
		}
}

#endif
