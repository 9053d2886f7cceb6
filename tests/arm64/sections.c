/* SPDX-License-Identifier: MIT */
/*
 * Each restartable sequence in a function of its own, for a disassembler to look at. Never run.
 */

#include "shm/section.h"

#define SECTION __attribute__((noinline, used))

SECTION enum section look_rent(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *const *segments, const uint32_t *n,
	const uint64_t *addend, struct slot_id *slot, uint64_t *record);
SECTION enum section look_reserve(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, struct thr_segment *segment, uint64_t bits);
SECTION enum section look_put(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, uint64_t *word, uint64_t value);
SECTION enum section look_give(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, uint64_t slot, uint64_t value);
SECTION enum section look_give_all(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, const uint64_t *tokens, uint64_t n);
SECTION enum section look_switch(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, struct thr_segment *segment, uint64_t holder);
SECTION enum section look_relinquish(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, uint64_t holder);

enum section look_rent(struct section_self self, struct core_id core, struct thr_core *state,
	struct thr_segment *const *segments, const uint32_t *n, const uint64_t *addend,
	struct slot_id *slot, uint64_t *record)
{
	return section_rent(self, core, state, segments, n, addend, slot, record);
}

enum section look_reserve(struct section_self self, struct core_id core, struct thr_core *state,
	uint64_t current, struct thr_segment *segment, uint64_t bits)
{
	return section_reserve(self, core, state, current, segment, bits, 1);
}

enum section look_put(struct section_self self, struct core_id core, struct thr_core *state,
	uint64_t current, uint64_t *word, uint64_t value)
{
	return section_put(self, core, state, current, word, value);
}

enum section look_give(struct section_self self, struct core_id core, struct thr_core *state,
	struct thr_segment *segment, uint64_t slot, uint64_t value)
{
	return section_give(self, core, state, segment, slot, value);
}

enum section look_give_all(struct section_self self, struct core_id core, struct thr_core *state,
	struct thr_segment *segment, const uint64_t *tokens, uint64_t n)
{
	return section_give_all(self, core, state, segment, tokens, 32, n, n);
}

enum section look_switch(struct section_self self, struct core_id core, struct thr_core *state,
	uint64_t current, struct thr_segment *segment, uint64_t holder)
{
	return section_switch(self, core, state, current, segment, holder, 1, 2);
}

enum section look_relinquish(struct section_self self, struct core_id core, struct thr_core *state,
	struct thr_segment *segment, uint64_t holder)
{
	return section_relinquish(self, core, state, segment, 3, holder, 0);
}

int main(void)
{
	return 0;
}
