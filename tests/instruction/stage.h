/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSTRUCTION_STAGE_H
#define TESTS_INSTRUCTION_STAGE_H

/*
 * What the processes of the test tell each other, in memory that they share: who believes to hold
 * which leases, above all. The pool knows nothing of it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "client/include/thruster/client.h"

#define HELD_MAX 16384u /* more than all slots on 64 cores */

struct holding {
	unsigned n;
	struct thruster_lease lease[HELD_MAX];
};

struct stage {
	struct holding victim, mine, near, far; /* near and far: see company.h */
	uint32_t my_id, near_id, far_id, victim_id;
	struct thruster_ticket ticket;          /* for the victim to accept */
	_Atomic bool is_asleep_soon;            /* the victim is about to wait */
	_Atomic bool is_done;                   /* and has done all it had to do */
	bool is_hampered;                       /* its system calls fail: errors are no wonder */
	char wrong[256];                        /* an answer that it should not have got, or "" */
};

void holding_add(struct holding *h, const struct thruster_lease *lease);
void holding_drop(struct holding *h, unsigned i); /* the last takes its place */

/* Rent buffers of `size` until there are no more, or n. How many. */
unsigned holding_rent(struct holding *h, struct thruster_pool *pool, size_t size, unsigned n);

/* Return all but the first `keep`. False if one was refused. */
bool holding_return(struct holding *h, struct thruster_pool *pool, unsigned keep);

#endif
