/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSTRUCTION_VERDICT_H
#define TESTS_INSTRUCTION_VERDICT_H

/*
 * What is found wrong, in words that begin with its kind, or NULL:
 *
 *   rule NAME        what the judge says holds at every moment does not
 *   lost             a slot is leased, and nobody knows of it
 *   second owner     a slot that somebody holds is leased to somebody else as well, or free
 *   disturbed        a bystander's buffer was written to
 *   not rentable     fewer slots can be rented than are free
 *   not reclaimed    the daemon did not take the dead one's seat back
 *   wrong answer     a call returned what it must not
 *   stuck, died      the victim did not come to an end, or to a bad one
 */

#include "tests/instruction/world.h"

/* What holds at every moment, also while the victim stands at a breakpoint. */
const char *verdict_now(struct world *w);

/* The victim has done its work and lives: everybody's leases together are the arena's. */
const char *verdict_beliefs(struct world *w);

/* The victim holds nothing any more: all leases are known, and all that is free can be rented. */
const char *verdict_aftermath(struct world *w);

/* Make such words; valid until the next call. */
const char *verdict(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
