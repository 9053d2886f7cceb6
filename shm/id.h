/* SPDX-License-Identifier: MIT */
#ifndef SHM_ID_H
#define SHM_ID_H

/*
 * The numbers that name things in an arena, each in a type of its own, so that the compiler
 * refuses a slot where a seat is meant.
 */

#include <stdbool.h>
#include <stdint.h>

/* A client's place in the roster, 1 to 65535. 0 is nobody. */
struct seat_id {
	uint16_t n;
};

/* A seat and which tenant of it: generation << 16 | seat. 0 is nobody. What users see. */
struct client_id {
	uint32_t n;
};

/* A logical CPU as the kernel numbers it, folded into the cores that the arena was made for. */
struct core_id {
	uint32_t n;
};

/* A slot of one class, counted from 0. Slot n lies in the class's segment n / 64, at bit n % 64. */
struct slot_id {
	uint32_t n;
};

#define SEAT_NOBODY ((struct seat_id){ 0 })

static inline struct client_id client_id_make(struct seat_id seat, uint16_t generation)
{
	return (struct client_id){ (uint32_t)generation << 16 | seat.n };
}

static inline struct seat_id client_id_seat(struct client_id id)
{
	return (struct seat_id){ (uint16_t)id.n };
}

static inline bool seat_id_equal(struct seat_id a, struct seat_id b)
{
	return a.n == b.n;
}

#endif
