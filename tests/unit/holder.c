/* SPDX-License-Identifier: MIT */
/*
 * The words that say who rents where: what each kind looks like, that no two kinds are ever
 * mistaken for each other, and that the version never stands still.
 */

#include "shm/holder.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

static const uint64_t versions[] = { 0, 1, 0x7fffffff, 0xfffffffe, 0xffffffff };

Test(holder, every_core_comes_back_and_is_nothing_else)
{
	struct core_id core;

	for (core.n = 0; core.n < THR_CORES_MAX; core.n++) {
		uint32_t who = holder_of_core(core);

		must(who == core.n + 1, "core %u is %#x", core.n, who);
		must(holder_is_core(who) && !holder_is_thread(who), "core %u", core.n);
		must(holder_core(who).n == core.n, "core %u", core.n);
		must(!holder_is_core(HOLDER_BURIED | who) && !holder_is_thread(HOLDER_BURIED | who),
			"core %u, buried", core.n);
		must(!(who & (HOLDER_BURIED | HOLDER_REVOKED)), "core %u has a mark", core.n);
	}
}

Test(holder, every_lane_of_every_seat_comes_back_and_is_nothing_else)
{
	uint32_t seat, lane;

	for (seat = 1; seat <= THR_SEATS_MAX; seat += seat < 600 ? 1 : 251)
		for (lane = 0; lane < HOLDER_LANES_MAX; lane++) {
			uint32_t who =
				holder_of_thread((struct seat_id){ (uint16_t)seat }, lane);

			must(who == 0x80000000u + seat * 256 + lane, "seat %u: %#x", seat, who);
			must(holder_is_thread(who) && !holder_is_core(who), "seat %u", seat);
			must(holder_seat(who).n == seat, "seat %u lane %u", seat, lane);
		}
}

Test(holder, nobody_and_the_revoked_are_neither)
{
	cr_assert_not(holder_is_core(HOLDER_NOBODY) || holder_is_thread(HOLDER_NOBODY));
	cr_assert_not(holder_is_core(HOLDER_REVOKED) || holder_is_thread(HOLDER_REVOKED));
	cr_assert_not(holder_is_core(THR_CORES_MAX + 1));
	cr_assert_not(holder_is_core(HOLDER_REVOKED | 1));
}

Test(holder, the_version_grows_with_every_change_and_spoils_nothing)
{
	struct dice d = { 21 };
	unsigned i, j;

	for (i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		for (j = 0; j < 100000; j++) {
			uint64_t word = versions[i] << 32 | (uint32_t)dice_roll(&d);
			uint32_t who = (uint32_t)dice_roll(&d);
			uint64_t next = holder_next(word, who);

			must(holder_who(next) == who, "%#lx", (unsigned long)next);
			must(next >> 32 == ((versions[i] + 1) & 0xffffffff), "version of %#lx",
				(unsigned long)next);
			next = current_next(word, who);
			must(current_segment(next) == who, "%#lx", (unsigned long)next);
			must(next >> 32 == ((versions[i] + 1) & 0xffffffff), "version of %#lx",
				(unsigned long)next);
		}
}
