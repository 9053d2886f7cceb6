/* SPDX-License-Identifier: MIT */
/*
 * Passing a lease from client to client. The receiver may die and its seat be reclaimed while the
 * sender is between looking at the roster and storing the record. So the sender looks again after
 * the store: either it sees the seat cleared, or the daemon, who clears the roster, then issues a
 * membarrier and only then walks the records, sees the lease [P4].
 */

#include <errno.h>
#include "client/pool.h"
#include "client/quota.h"
#include "shm/atomics.h"
#include "shm/record.h"
#include "shm/token.h"
#include "shm/transition.h"

static bool roster_has(const struct thruster_pool *pool, struct client_id id)
{
	struct seat_id seat = client_id_seat(id);

	return seat.n >= 1 && seat.n <= pool->view.n_seats &&
	       load_acquire(&pool->roster[seat.n]) == id.n; /* [P5] */
}

EXPORT int thruster_hand_over(struct thruster_pool *pool, const struct thruster_lease *lease,
	uint32_t to, struct thruster_ticket *ret_ticket)
{
	struct client_id receiver = { to };
	struct place place;
	uint64_t pending;
	int r;

	if (!pool || !lease || !ret_ticket)
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	if (!pool_find_lease(pool, lease, &place))
		return thr_pool_refuse(pool, lease);
	if (!roster_has(pool, receiver))
		return -ESRCH;
	r = thr_hand_over(place.class_, place.slot, lease->token[1], pool->seat,
		client_id_seat(receiver), &pending);
	if (r < 0) {
		add_relaxed(&pool_counters(pool)->refused_total, 1);
		return r;
	}
	if (pool->is_fenced)
		fence_full();
	else
		barrier_compiler();
	if (!roster_has(pool, receiver) && /* [P4] */
		thr_take_back(place.class_, place.slot, pending, lease->token[1]))
		return -ESRCH;
	/* If it could not be taken back, the receiver had it before it left. */
	if (pool_is_counted(pool))
		thr_quota_discharge_record(pool, place.class_index, lease->token[1]);
	add_relaxed(&pool_counters(pool)->hand_overs_total, 1);
	*ret_ticket = (struct thruster_ticket){ {
		where_pack(TOKEN_MARK_TICKET, pool->nonce, place.class_index, place.slot),
		pending,
		receiver.n,
	} };
	return 0;
}

static __attribute__((noinline)) int accept_counted(struct thruster_pool *pool,
	const struct place *place, uint64_t pending, uint64_t *ret_record)
{
	int r;

	if (!thr_quota_charge(pool, place->class_index, record_run(pending)))
		return -EDQUOT;
	r = thr_accept(place->class_, place->slot, pending, ret_record);
	if (r < 0)
		thr_quota_discharge_record(pool, place->class_index, pending);
	return r;
}

int thr_pool_accept(struct thruster_pool *pool, const struct place *place, uint64_t pending,
	struct thruster_lease *ret_lease)
{
	uint64_t record;
	int r;

	r = pool_is_counted(pool) ?
		    accept_counted(pool, place, pending, &record) :
		    thr_accept(place->class_, place->slot, pending, &record);
	if (r < 0)
		return r;
	add_relaxed(&pool_counters(pool)->accepts_total, 1);
	pool_lease(pool, place->class_index, place->slot, record_run(record), record, ret_lease);
	return 0;
}

EXPORT int thruster_accept(struct thruster_pool *pool, const struct thruster_ticket *ticket,
	struct thruster_lease *ret_lease)
{
	struct place place;
	int r;

	if (!pool || !ticket || !ret_lease)
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	r = thr_pool_find(pool, ticket->word[0], TOKEN_MARK_TICKET, &place);
	if (r < 0)
		return r;
	if (!record_is_pending(ticket->word[1]) || !record_is_well_formed(ticket->word[1]) ||
		ticket->word[3] != 0)
		return -EINVAL;
	if (!place_has_run(&place, record_run(ticket->word[1])))
		return -EINVAL;
	if (ticket->word[2] != pool->id.n || !record_is_owned_by(ticket->word[1], pool->seat))
		return -ESTALE;
	return thr_pool_accept(pool, &place, ticket->word[1], ret_lease);
}
