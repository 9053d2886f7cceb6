/* SPDX-License-Identifier: MIT */
#ifndef SHM_VIEW_H
#define SHM_VIEW_H

/*
 * One process's way through a mapped arena: pointers and bounds in private memory, made once from
 * a geometry that was checked. All code that touches the shared pages gets there through a view,
 * so no length or index is ever taken from memory that a client can write.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/abi.h"
#include "shm/id.h"

struct thr_class_view {
	struct thr_segment *segments;
	struct thr_core *cores;
	uint16_t *
		senders; /* seat that last handed over the slot, 0 = gone or never; slots of them */
	uint8_t *data;
	uint64_t stride_bytes;
	uint32_t slots;
	uint32_t n_segments;
	uint32_t n_cores;
	bool is_open; /* claimed by anyone, single slots (THR_CLAIM_OPEN) */
	uint8_t index;
	uint32_t arena; /* what probes call it (view_tag()) */
} __attribute__((aligned(64))); /* so that the n-th is found by a shift */

struct thr_view {
	struct thr_control *control;
	struct thr_seat *seats; /* 1 to n_seats */
	uint32_t n_seats;
	uint32_t n_cores;
	uint32_t n_classes;
	/* Where to look first for a size, by the number of bits of the size less 1 (shm/plan.h): no
	 * class before it is large enough. */
	uint8_t first_class[65];
	struct thr_class_view class_[THR_CLASSES_MAX];
};

_Static_assert(sizeof(struct thr_class_view) == 64, "a power of two");

/* `base` is the mapped arena, `geometry` valid and in private memory. */
void thr_view_init(struct thr_view *view, void *base, const struct thr_geometry *geometry);

/* What probes call the arena that has this nonce: the same in every process that has it mapped, and
 * not to be guessed by others. */
static inline uint32_t view_tag(uint64_t nonce)
{
	return (uint32_t)(nonce ^ nonce >> 32);
}

/* Let the probes say so. */
void thr_view_set_tag(struct thr_view *view, uint64_t nonce);

/* Make zeroed pages an arena without a lease. Before anybody else has it. */
void thr_view_format(struct thr_view *view);

static inline uint64_t *class_record(const struct thr_class_view *c, struct slot_id slot)
{
	return &c->segments[slot.n / THR_SEGMENT_SLOTS].record[slot.n % THR_SEGMENT_SLOTS];
}

/* How long waits for the class were that ended on the core. */
static inline struct thr_waits *class_waits(const struct thr_class_view *c, struct core_id core)
{
	return (struct thr_waits *)(c->cores + c->n_cores) + core.n;
}

/* The flag of the slot's segment: a walk may pay. */
static inline uint32_t *class_returned(const struct thr_class_view *c, struct slot_id slot)
{
	return &c->segments[slot.n / THR_SEGMENT_SLOTS].returned;
}

static inline void *class_data(const struct thr_class_view *c, struct slot_id slot)
{
	return c->data + slot.n * c->stride_bytes;
}

/* Slots of a segment: 64, or what is left for the last one. */
static inline unsigned class_segment_slots(const struct thr_class_view *c, uint32_t segment)
{
	uint32_t left = c->slots - segment * THR_SEGMENT_SLOTS;

	return left < THR_SEGMENT_SLOTS ? left : THR_SEGMENT_SLOTS;
}

#endif
