/* SPDX-License-Identifier: MIT */
/*
 * A lease or a ticket in eight bytes, for queues of words: four times as many fit into a cache line
 * that goes from core to core. Who gets a key goes to the record, which it would go to anyway, and
 * finds there what else the lease or the ticket would have said.
 */

#include <errno.h>
#include "client/pool.h"
#include "shm/atomics.h"
#include "shm/record.h"
#include "shm/token.h"

EXPORT uint64_t thruster_lease_key(const struct thruster_lease *lease)
{
	return lease ? key_pack(lease->token[0], lease->token[1]) : 0;
}

EXPORT uint64_t thruster_ticket_key(const struct thruster_ticket *ticket)
{
	return ticket ? key_pack(ticket->word[0], ticket->word[1]) : 0;
}

/* 0; -EINVAL if no key is like it; -ESTALE if the record is not in that state, the client's, and
 * the one that the key was made of. */
static int find(const struct thruster_pool *pool, uint64_t key, enum record_state state,
	struct place *ret_place, uint64_t *ret_record)
{
	uint32_t class_ = key_class(key);
	uint64_t record;

	if (class_ >= pool->view.n_classes || key_slot(key).n >= pool->view.class_[class_].slots)
		return -EINVAL;
	*ret_place = (struct place){ &pool->view.class_[class_], class_, key_slot(key) };
	record = load_relaxed(class_record(ret_place->class_, ret_place->slot));
	if (record_state(record) != state || !record_is_owned_by(record, pool->seat) ||
		key_pack(pool->lease_mark[class_] | key_slot(key).n, record) != key ||
		!place_has_run(ret_place, record_run(record)))
		return -ESTALE;
	*ret_record = record;
	return 0;
}

EXPORT int thruster_lease_find(struct thruster_pool *pool, uint64_t key,
	struct thruster_lease *ret_lease)
{
	struct place place;
	uint64_t record;
	int r;

	if (!pool || !ret_lease)
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	r = find(pool, key, RECORD_LEASED, &place, &record);
	if (r == 0)
		pool_lease(pool, place.class_index, place.slot, record_run(record), record,
			ret_lease);
	return r;
}

EXPORT int thruster_accept_key(struct thruster_pool *pool, uint64_t key,
	struct thruster_lease *ret_lease)
{
	struct place place;
	uint64_t record;
	int r;

	if (!pool || !ret_lease)
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	r = find(pool, key, RECORD_PENDING, &place, &record);
	return r == 0 ? thr_pool_accept(pool, &place, record, ret_lease) : r;
}
