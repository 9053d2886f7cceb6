/* SPDX-License-Identifier: MIT */
/*
 * No restartable sequences here: another architecture, a C library without them, or a sanitizer
 * that cannot see into them. No core is ever held, and clients rent as threads (shm/lane.h).
 * Included by shm/section.h alone.
 */

#define SECTION_IS_THERE 0

static inline bool section_self_init(struct section_self *ret)
{
	ret->rseq = 0;
	return false;
}

static inline struct core_id section_core(struct section_self self)
{
	(void)self;
	return (struct core_id){ UINT32_MAX };
}

static inline enum section section_rent(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *const *segments, const uint32_t *n_segments,
	const uint64_t *addend, struct slot_id *ret_slot, uint64_t *ret_record)
{
	(void)self, (void)core, (void)state, (void)segments, (void)n_segments, (void)addend;
	(void)ret_slot, (void)ret_record;
	return SECTION_MOVED;
}

static inline enum section section_reserve(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, struct thr_segment *segment, uint64_t bits,
	uint64_t n)
{
	(void)self, (void)core, (void)state, (void)current, (void)segment, (void)bits, (void)n;
	return SECTION_MOVED;
}

static inline enum section section_put(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, uint64_t *word, uint64_t value)
{
	(void)self, (void)core, (void)state, (void)current, (void)word, (void)value;
	return SECTION_MOVED;
}

static inline enum section section_give(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, uint64_t slot, uint64_t value)
{
	(void)self, (void)core, (void)state, (void)segment, (void)slot, (void)value;
	return SECTION_MOVED;
}

static inline enum section section_give_all(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, const uint64_t tokens[2],
	size_t stride, uint64_t n, uint64_t bits)
{
	(void)self, (void)core, (void)state, (void)segment, (void)tokens, (void)stride, (void)n;
	(void)bits;
	return SECTION_MOVED;
}

static inline enum section section_switch(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, struct thr_segment *segment, uint64_t holder,
	uint64_t takeable, uint64_t next)
{
	(void)self, (void)core, (void)state, (void)current, (void)segment, (void)holder;
	(void)takeable, (void)next;
	return SECTION_MOVED;
}

static inline enum section section_relinquish(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, uint32_t number, uint64_t holder,
	uint64_t next)
{
	(void)self, (void)core, (void)state, (void)segment, (void)number, (void)holder, (void)next;
	return SECTION_MOVED;
}
