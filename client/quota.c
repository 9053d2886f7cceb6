/* SPDX-License-Identifier: MIT */
/*
 * Bytes first, leases then; what was charged of the one is given back if the other is refused, and
 * another thread may be refused meanwhile what would just have fitted. Who is refused sees a limit
 * that the client was at.
 */

#include "client/quota.h"
#include "shm/mask.h"
#include "shm/record.h"

bool thr_quota_charge(struct thruster_pool *pool, uint32_t class_, unsigned slots)
{
	uint64_t bytes = slots * pool->view.class_[class_].stride_bytes;

	if (!quota_try_add(&pool->held.bytes, bytes, load_relaxed(&pool->board->quota_bytes)))
		return false;
	if (quota_try_add(&pool->held.leases, 1, load_relaxed(&pool->board->quota_leases)))
		return true;
	quota_subtract(&pool->held.bytes, bytes);
	return false;
}

static void discharge(struct thruster_pool *pool, uint32_t class_, unsigned slots, unsigned n)
{
	quota_subtract(&pool->held.bytes, slots * pool->view.class_[class_].stride_bytes);
	quota_subtract(&pool->held.leases, n);
}

void thr_quota_discharge(struct thruster_pool *pool, uint32_t class_, unsigned slots)
{
	discharge(pool, class_, slots, 1);
}

void thr_quota_discharge_record(struct thruster_pool *pool, uint32_t class_, uint64_t record)
{
	discharge(pool, class_, record_run(record), 1);
}

void thr_quota_discharge_bits(
	struct thruster_pool *pool, uint32_t class_, uint64_t bits, unsigned n)
{
	discharge(pool, class_, mask_count(bits), n);
}
