/* SPDX-License-Identifier: MIT */
#ifndef SHM_RECORD_H
#define SHM_RECORD_H

/*
 * The record: 64 bits per slot that say who has it, and the only truth about it. These are pure
 * functions on a record's value. Whoever changes a record computes the new value here and makes
 * the change with one aligned 64-bit store or compare-and-swap (shm/transition.h), so a process
 * killed between any two instructions leaves every slot in exactly one state.
 *
 *   bits  0..1   state     FREE, LEASED, PENDING (handed over, not yet accepted)
 *   bits  2..7   run - 1   the lease covers this slot and the run - 1 after it
 *   bits  8..23  owner     seat of the owner, 0 if FREE
 *   bits 24..29  hop       hand-overs of this lease so far, modulo 64
 *   bits 30..63  sequence  leases of this slot so far, modulo 2^34
 *
 * In a FREE record bits 2..29 are a stamp instead: 0, or how often a claim that may have been on
 * its way was made to fail (shm/segment.h). The next lease wipes it out.
 *
 * hop and sequence make every value that a slot's record takes distinct from those before it (only
 * a hand-over that is undone puts back what was there, and nobody got a ticket for it): a
 * stale or second return differs from the record that it finds, and a CAS cannot be fooled by a
 * value that came back. (It takes a slot leased again by the same seat after exactly a multiple of
 * 2^34 leases, or a lease that came back after a multiple of 64 hand-overs, to mistake one.)
 * (Nor does a claim mistake a FREE record, unless it was stamped 2^28 times meanwhile.)
 * Since a FREE record keeps its sequence, the sequences also count all leases ever made.
 *
 * A zeroed record is a FREE slot that was never leased.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/id.h"

enum record_state {
	RECORD_FREE = 0,
	RECORD_LEASED = 1,
	RECORD_PENDING = 2,
};

#define RECORD_RUN_MAX 64u

#define RECORD_RUN_SHIFT 2
#define RECORD_OWNER_SHIFT 8
#define RECORD_HOP_SHIFT 24
#define RECORD_SEQUENCE_SHIFT 30

#define RECORD_STATE_MASK ((uint64_t)0x3)
#define RECORD_RUN_MASK ((uint64_t)0x3f << RECORD_RUN_SHIFT)
#define RECORD_OWNER_MASK ((uint64_t)0xffff << RECORD_OWNER_SHIFT)
#define RECORD_HOP_MASK ((uint64_t)0x3f << RECORD_HOP_SHIFT)
#define RECORD_SEQUENCE_MASK (~(uint64_t)0 << RECORD_SEQUENCE_SHIFT)
#define RECORD_STAMP_MASK (~RECORD_SEQUENCE_MASK & ~RECORD_STATE_MASK)
#define RECORD_STAMP_ONE ((uint64_t)1 << RECORD_RUN_SHIFT)
#define RECORD_SEQUENCE_ONE ((uint64_t)1 << RECORD_SEQUENCE_SHIFT)
#define RECORD_SEQUENCE_MODULUS ((uint64_t)1 << (64 - RECORD_SEQUENCE_SHIFT))

static inline unsigned record_state(uint64_t record)
{
	return (unsigned)(record & RECORD_STATE_MASK);
}

static inline bool record_is_free(uint64_t record)
{
	return record_state(record) == RECORD_FREE;
}

static inline bool record_is_leased(uint64_t record)
{
	return record_state(record) == RECORD_LEASED;
}

static inline bool record_is_pending(uint64_t record)
{
	return record_state(record) == RECORD_PENDING;
}

static inline struct seat_id record_owner(uint64_t record)
{
	return (struct seat_id){ (uint16_t)(record >> RECORD_OWNER_SHIFT) };
}

static inline bool record_is_owned_by(uint64_t record, struct seat_id seat)
{
	return !record_is_free(record) && seat_id_equal(record_owner(record), seat);
}

/* Slots that the lease covers, 1 to 64. Not for a FREE record. */
static inline unsigned record_run(uint64_t record)
{
	return (unsigned)((record & RECORD_RUN_MASK) >> RECORD_RUN_SHIFT) + 1;
}

static inline bool record_is_single(uint64_t record)
{
	return !(record & RECORD_RUN_MASK);
}

static inline unsigned record_hop(uint64_t record)
{
	return (unsigned)((record & RECORD_HOP_MASK) >> RECORD_HOP_SHIFT);
}

static inline uint64_t record_sequence(uint64_t record)
{
	return record >> RECORD_SEQUENCE_SHIFT;
}

/* Leases of the slot between two of its records, the older first; right up to 2^34 - 1 of them. */
static inline uint64_t record_leases_between(uint64_t older, uint64_t newer)
{
	return (record_sequence(newer) - record_sequence(older)) & (RECORD_SEQUENCE_MODULUS - 1);
}

/*
 * What the next lease by `owner` adds to the sequence of any FREE record. run is 1 to 64. The
 * restartable sequences add it themselves.
 */
static inline uint64_t record_lease_addend(struct seat_id owner, unsigned run)
{
	uint64_t run_bits = (uint64_t)(run - 1) << RECORD_RUN_SHIFT;

	return RECORD_SEQUENCE_ONE | (uint64_t)owner.n << RECORD_OWNER_SHIFT | run_bits |
	       RECORD_LEASED;
}

/* FREE -> LEASED(owner, run): the next lease of this slot. run is 1 to 64. */
static inline uint64_t record_lease(uint64_t free_record, struct seat_id owner, unsigned run)
{
	return (free_record & RECORD_SEQUENCE_MASK) + record_lease_addend(owner, run);
}

/* FREE -> FREE with another stamp: no claim that expects the old value can succeed. */
static inline uint64_t record_stamp(uint64_t free_record)
{
	return (free_record & RECORD_SEQUENCE_MASK) |
	       ((free_record + RECORD_STAMP_ONE) & RECORD_STAMP_MASK);
}

/* Any -> FREE without a stamp. The sequence stays. */
static inline uint64_t record_free(uint64_t record)
{
	return record & RECORD_SEQUENCE_MASK;
}

/* LEASED(a) -> PENDING(b): one hop further. */
static inline uint64_t record_hand_over(uint64_t leased, struct seat_id to)
{
	uint64_t hop = (leased + ((uint64_t)1 << RECORD_HOP_SHIFT)) & RECORD_HOP_MASK;

	return (leased & (RECORD_SEQUENCE_MASK | RECORD_RUN_MASK)) | hop |
	       (uint64_t)to.n << RECORD_OWNER_SHIFT | RECORD_PENDING;
}

/* PENDING(b) -> LEASED(b). */
static inline uint64_t record_accept(uint64_t pending)
{
	return (pending & ~RECORD_STATE_MASK) | RECORD_LEASED;
}

/*
 * Could this value have been written by the functions above? A FREE record is its sequence and a
 * stamp, so any; another has a known state and an owner.
 */
static inline bool record_is_well_formed(uint64_t record)
{
	switch (record_state(record)) {
	case RECORD_FREE:
		return true;
	case RECORD_LEASED:
	case RECORD_PENDING:
		return record_owner(record).n != 0;
	default:
		return false;
	}
}

#endif
