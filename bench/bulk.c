/* SPDX-License-Identifier: MIT */
/*
 * Many buffers in one call. Only our pool has that. A bulk that comes short is completed, and
 * counted as a time when nothing was free.
 */

#include <errno.h>
#include "bench/bodies.h"
#include "bench/engines.h"

static ALWAYS_INLINE void bulk(struct lane *lane, uint64_t ops, unsigned size)
{
	unsigned got;
	uint64_t n;
	int r;

	for (n = 0; n < ops; n += size) {
		r = thruster_rent_bulk(lane->pool, BUFFER_BYTES, lane->bulk, size);
		for (got = r > 0 ? (unsigned)r : 0; got < size; got += r > 0 ? (unsigned)r : 0) {
			lane_dry(lane, r < 0 ? r : -ENOBUFS);
			r = thruster_rent_bulk(lane->pool, BUFFER_BYTES, &lane->bulk[got],
				size - got);
		}
		r = thruster_return_bulk(lane->pool, lane->bulk, size);
		if (r != (int)size)
			lane_fail(lane, "cannot return a bulk", r < 0 ? r : -ESTALE);
	}
}

void body_bulk_1(struct lane *lane, uint64_t ops)
{
	bulk(lane, ops, 1);
}

void body_bulk_2(struct lane *lane, uint64_t ops)
{
	bulk(lane, ops, 2);
}

void body_bulk_4(struct lane *lane, uint64_t ops)
{
	bulk(lane, ops, 4);
}

void body_bulk_8(struct lane *lane, uint64_t ops)
{
	bulk(lane, ops, 8);
}

void body_bulk_16(struct lane *lane, uint64_t ops)
{
	bulk(lane, ops, 16);
}

void body_bulk_32(struct lane *lane, uint64_t ops)
{
	bulk(lane, ops, 32);
}

void body_bulk_64(struct lane *lane, uint64_t ops)
{
	bulk(lane, ops, 64);
}
