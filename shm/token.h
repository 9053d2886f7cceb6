/* SPDX-License-Identifier: MIT */
#ifndef SHM_TOKEN_H
#define SHM_TOKEN_H

/*
 * What a lease's token and a ticket hold: where the slot is, and the record that makes it this
 * lease and no other. Pure packing; a reader trusts nothing of it but checks each part.
 *
 *   where:  bits 0..31 slot, 32..39 class, 40..55 the arena's nonce, 56..63 a mark
 *   token   { where, record }
 *   ticket  { where, record, receiver's client id, 0 }
 *   key     bits 0..31 slot, 32..35 class, 36..63 a check: hand-overs and leases of the slot so far
 *           (record bits 24..51), the arena's nonce in its upper half. All else that a lease or a
 *           ticket says is in the record itself.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/id.h"
#include "shm/record.h"

#define TOKEN_MARK_LEASE 0xa5u
#define TOKEN_MARK_TICKET 0x5au

static inline uint64_t where_pack(
	unsigned mark, uint64_t nonce, uint32_t class_, struct slot_id slot)
{
	return (uint64_t)mark << 56 | (nonce & 0xffff) << 40 | (uint64_t)(class_ & 0xff) << 32 |
	       slot.n;
}

static inline struct slot_id where_slot(uint64_t where)
{
	return (struct slot_id){ (uint32_t)where };
}

static inline uint32_t where_class(uint64_t where)
{
	return (uint32_t)(where >> 32) & 0xff;
}

static inline bool where_has_mark(uint64_t where, unsigned mark)
{
	return where >> 56 == mark;
}

static inline bool where_is_in_arena(uint64_t where, uint64_t nonce)
{
	return ((where >> 40 ^ nonce) & 0xffff) == 0;
}

#define KEY_CLASS_SHIFT 32
#define KEY_CHECK_SHIFT 36
#define KEY_NONCE_SHIFT 48

/* Of the token of a lease, or the first two words of a ticket: the key is the same for both. */
static inline uint64_t key_pack(uint64_t where, uint64_t record)
{
	return (where & UINT32_MAX) | (where >> 32 & 0xf) << KEY_CLASS_SHIFT |
	       ((record >> RECORD_HOP_SHIFT << KEY_CHECK_SHIFT) ^
		       (where >> 40) << KEY_NONCE_SHIFT);
}

static inline uint32_t key_class(uint64_t key)
{
	return (uint32_t)(key >> KEY_CLASS_SHIFT) & 0xf;
}

static inline struct slot_id key_slot(uint64_t key)
{
	return (struct slot_id){ (uint32_t)key };
}

#endif
