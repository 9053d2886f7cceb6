/* SPDX-License-Identifier: MIT */
/*
 * An entry is 0, or owner << 32, or sender << 32 | receiver while the lease is on its way: then it
 * is stale when either of the two has died, since the pool may have it back.
 */

#include "shm/record.h"
#include "shm/token.h"
#include "tests/crash/oracle.h"

/* One for each slot that the lease covers. */
static unsigned slots_of(const struct thruster_lease *lease)
{
	return record_run(lease->token[1]);
}

static _Atomic uint64_t *entries_of(struct oracle *oracle, const struct thruster_lease *lease)
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

/* Write `now` to each entry. True if each was `before`. */
static bool change(struct oracle *oracle, const struct thruster_lease *lease, uint64_t before,
	uint64_t now)
{
	_Atomic uint64_t *entry = entries_of(oracle, lease);
	unsigned i, n = slots_of(lease);
	bool ok = true;

	for (i = 0; i < n; i++)
		ok &= atomic_exchange(&entry[i], now) == before;
	return ok;
}

bool oracle_rented(struct oracle *oracle, const struct thruster_lease *lease, instance_t me)
{
	_Atomic uint64_t *entry = entries_of(oracle, lease);
	unsigned i, n = slots_of(lease);
	bool ok = true;

	for (i = 0; i < n; i++)
		ok &= is_stale(oracle, atomic_exchange(&entry[i], owned_by(me)));
	return ok;
}

bool oracle_returning(struct oracle *oracle, const struct thruster_lease *lease, instance_t me)
{
	return change(oracle, lease, owned_by(me), 0);
}

bool oracle_sending(struct oracle *oracle, const struct thruster_lease *lease, instance_t me,
	instance_t to)
{
	return change(oracle, lease, owned_by(me), owned_by(me) | to);
}

void oracle_kept(struct oracle *oracle, const struct thruster_lease *lease, instance_t me)
{
	change(oracle, lease, 0, owned_by(me));
}

bool oracle_accepted(struct oracle *oracle, const struct thruster_lease *lease, instance_t from,
	instance_t me)
{
	return change(oracle, lease, owned_by(from) | me, owned_by(me));
}
