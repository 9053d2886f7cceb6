/* SPDX-License-Identifier: MIT */
/*
 * An entry is 0, or owner << 32, or sender << 32 | receiver while the lease is on its way: then it
 * is stale when either of the two has died, since the pool may have it back.
 */

#include "shm/token.h"
#include "tests/crash/oracle.h"

static _Atomic uint64_t *entry_of(struct oracle *oracle, const struct thruster_lease *lease)
{
	return &oracle->entry[where_class(lease->token[0]) * oracle->slots +
			      where_slot(lease->token[0]).n];
}

static uint64_t owned_by(instance_t owner)
{
	return (uint64_t)owner << 32;
}

static bool is_stale(struct oracle *oracle, uint64_t entry)
{
	instance_t owner = (instance_t)(entry >> 32), receiver = (instance_t)entry;

	return entry == 0 || atomic_load(&oracle->is_dead[owner]) ||
	       (receiver && atomic_load(&oracle->is_dead[receiver]));
}

bool oracle_rented(struct oracle *oracle, const struct thruster_lease *lease, instance_t me)
{
	return is_stale(oracle, atomic_exchange(entry_of(oracle, lease), owned_by(me)));
}

bool oracle_returning(struct oracle *oracle, const struct thruster_lease *lease, instance_t me)
{
	return atomic_exchange(entry_of(oracle, lease), 0) == owned_by(me);
}

bool oracle_sending(struct oracle *oracle, const struct thruster_lease *lease, instance_t me,
	instance_t to)
{
	return atomic_exchange(entry_of(oracle, lease), owned_by(me) | to) == owned_by(me);
}

void oracle_kept(struct oracle *oracle, const struct thruster_lease *lease, instance_t me)
{
	atomic_store(entry_of(oracle, lease), owned_by(me));
}

bool oracle_accepted(struct oracle *oracle, const struct thruster_lease *lease, instance_t from,
	instance_t me)
{
	return atomic_exchange(entry_of(oracle, lease), owned_by(me)) == (owned_by(from) | me);
}
