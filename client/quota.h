/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_QUOTA_H
#define CLIENT_QUOTA_H

/*
 * What one client may hold at once (quota_bytes and quota_leases of the board). The client counts
 * itself, in its own memory, which is lost with it as its leases are: it charges before it takes a
 * lease, and discharges after it has given one up, so that what it holds is never above its quota,
 * not even for a moment. It is the limit of a correct client that wants too much; for the others
 * the daemon looks at the records (daemon/quota.h).
 *
 * Only for counted pools. Leases in transit are charged to nobody.
 */

#include "client/pool.h"
#include "shm/atomics.h"

/* Add to what is held, unless that would be more than `quota` (0: no limit). */
static inline bool quota_try_add(uint64_t *held, uint64_t more, uint64_t quota)
{
	uint64_t is = __atomic_load_n(held, __ATOMIC_RELAXED);

	do
		if (quota && (is > quota || more > quota - is))
			return false;
	while (!__atomic_compare_exchange_n(
		held, &is, is + more, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

/* A lease that a program returned twice at the very same time may have been counted twice. */
static inline void quota_subtract(uint64_t *held, uint64_t less)
{
	uint64_t is = __atomic_load_n(held, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(held, &is, is > less ? is - less : 0, true,
		__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* One lease of `slots` slots. False if the quota does not allow it; then nothing was charged. */
bool thr_quota_charge(struct thruster_pool *pool, uint32_t class_, unsigned slots);

/* The client has it no more, or did not get it. */
void thr_quota_discharge(struct thruster_pool *pool, uint32_t class_, unsigned slots);

/* Likewise the lease that has this record; and `n` leases whose slots are these bits. */
void thr_quota_discharge_record(struct thruster_pool *pool, uint32_t class_, uint64_t record);
void thr_quota_discharge_bits(
	struct thruster_pool *pool, uint32_t class_, uint64_t bits, unsigned n);

#endif
