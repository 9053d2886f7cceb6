/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CRASH_ORACLE_H
#define TESTS_CRASH_ORACLE_H

/*
 * Who may be using each slot, noted beside the arena in memory that all workers of a storm share.
 * The pool knows nothing of it. A worker writes its name when it gets a slot, after the library
 * said so, and wipes it before it lets go; whoever gets a slot with the name of a living worker on
 * it is a second owner. The name of a killed worker is stale and may be overwritten.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "client/include/thruster/client.h"

/* One run of one worker process, from 1; never used again. */
typedef uint32_t instance_t;

struct oracle {
	uint32_t slots;            /* of each class, at most */
	_Atomic uint32_t *is_dead; /* by instance: it is about to be killed, or was */
	_Atomic uint64_t *entry;   /* by class and slot */
};

/* A slot was rented by `me`. True if nobody else who lives has it. */
bool oracle_rented(struct oracle *oracle, const struct thruster_lease *lease, instance_t me);

/* `me` is about to return it. True if it was noted as its. */
bool oracle_returning(struct oracle *oracle, const struct thruster_lease *lease, instance_t me);

/* `me` is about to hand it to `to`. True if it was noted as its. */
bool oracle_sending(struct oracle *oracle, const struct thruster_lease *lease, instance_t me,
	instance_t to);

/* The hand-over was refused: it still is `me`'s. */
void oracle_kept(struct oracle *oracle, const struct thruster_lease *lease, instance_t me);

/* `me` accepted it from `from`. True if it was noted as on that way. */
bool oracle_accepted(struct oracle *oracle, const struct thruster_lease *lease, instance_t from,
	instance_t me);

#endif
