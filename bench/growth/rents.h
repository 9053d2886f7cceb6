/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GROWTH_RENTS_H
#define BENCH_GROWTH_RENTS_H

/* Jobs whose value is what one rent and return cost, in ns. */

struct job;

/* One buffer, rented and returned; by `clients` attachments in turn. */
void rents_one(struct job *job);

/* `held` leases; a random one is returned and a new one rented. */
void rents_window(struct job *job);

/* The same with half of all `slots`, at random places. Then it holds them until it is told to
 * leave, as step 1. */
void rents_half(struct job *job);

/* No rents at all, but what memory alone costs: the three lines that a return of a random slot
 * out of `slots` touches, in an arrangement like the pool's, one slot after the other. */
void rents_none(struct job *job);

/* Another client has `held` percent of `slots`, at random places: one buffer; 8 held; half of the
 * rest held. */
void rents_beside_one(struct job *job);
void rents_beside_8(struct job *job);
void rents_beside_half(struct job *job);

#endif
