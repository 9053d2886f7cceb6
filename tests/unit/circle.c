/* SPDX-License-Identifier: MIT */
/*
 * The circle of a class for many numbers of cores and slots, slot by slot: the arcs are a
 * partition, and who begins anywhere sees everything. (Thruster of 2018 went on by jumps of 1, 2,
 * 3, ... and saw 8 of 12 cores, 64 of 96.)
 */

#include <stdlib.h>
#include <string.h>
#include "shm/circle.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

static const uint32_t all_cores[] = { 1, 2, 3, 6, 12, 96, 1024 };
static const uint32_t all_slots[] = { 1, 2, 3, 5, 11, 12, 13, 63, 64, 65, 95, 96, 97, 1000, 4096 };

#define N(array) (sizeof(array) / sizeof(*(array)))

/* The core whose arc a slot lies in, by looking at all of them. */
static void check_arcs(uint32_t cores, uint32_t slots)
{
	uint32_t core, slot = 0, size, least = slots / cores;

	must(circle_arc(0, cores, slots) == 0, "the first arc of %u/%u", cores, slots);
	must(circle_arc(cores, cores, slots) == slots, "the last arc of %u/%u", cores, slots);
	for (core = 0; core < cores; core++) {
		must(circle_arc(core + 1, cores, slots) >= circle_arc(core, cores, slots),
			"arc %u of %u/%u goes backwards", core, cores, slots);
		size = circle_arc(core + 1, cores, slots) - circle_arc(core, cores, slots);
		must(size == least || size == least + (slots % cores != 0),
			"arc %u of %u/%u has %u", core, cores, slots, size);
		for (; slot < circle_arc(core + 1, cores, slots); slot++)
			must(circle_core(slot, cores, slots) == core,
				"slot %u of %u/%u is of core %u", slot, cores, slots,
				circle_core(slot, cores, slots));
	}
	must(slot == slots, "%u slots of %u in %u arcs", slot, slots, cores);
}

Test(circle, arcs_are_an_even_partition_and_know_their_core)
{
	uint32_t cores, slots;
	size_t i, j;

	for (i = 0; i < N(all_cores); i++)
		for (j = 0; j < N(all_slots); j++)
			check_arcs(all_cores[i], all_slots[j]);
	for (cores = 1; cores <= 130; cores++)
		for (slots = 1; slots <= 130; slots++)
			check_arcs(cores, slots);
}

Test(circle, the_largest_circle_does_not_overflow)
{
	static const uint32_t cores[] = { 1, 3, 4095, 4096 };
	uint32_t slots = 1u << 26, core, slot;
	struct dice d = { 41 };
	unsigned i, j;

	for (i = 0; i < N(cores); i++) {
		cr_assert_eq(circle_arc(cores[i], cores[i], slots), slots);
		for (j = 0; j < 100000; j++) {
			slot = j < 2 ? j * (slots - 1) : (uint32_t)dice_below(&d, slots);
			core = circle_core(slot, cores[i], slots);
			must(core < cores[i], "core %u", core);
			must(circle_arc(core, cores[i], slots) <= slot &&
					slot < circle_arc(core + 1, cores[i], slots),
				"slot %u is not of core %u of %u", slot, core, cores[i]);
		}
	}
}

static void check_walk(uint8_t *seen, uint32_t core, uint32_t cores, uint32_t slots)
{
	uint32_t slot = circle_arc(core, cores, slots), i;

	memset(seen, 0, slots);
	for (i = 0; i < slots; i++, slot = circle_next(slot, slots)) {
		must(slot < slots, "core %u of %u/%u comes to slot %u", core, cores, slots, slot);
		must(!seen[slot], "core %u of %u/%u sees slot %u twice", core, cores, slots, slot);
		seen[slot] = 1;
	}
	must(slot == circle_arc(core, cores, slots), "core %u of %u/%u does not come home", core,
		cores, slots);
}

Test(circle, a_walk_from_any_core_sees_every_slot_once)
{
	uint8_t *seen = malloc(4096);
	uint32_t core;
	size_t i, j;

	cr_assert_not_null(seen);
	for (i = 0; i < N(all_cores); i++)
		for (j = 0; j < N(all_slots); j++)
			for (core = 0; core < all_cores[i]; core++)
				check_walk(seen, core, all_cores[i], all_slots[j]);
	free(seen);
}
