/* SPDX-License-Identifier: MIT */
/* Bags of leases. */

#include "tests/harness/harness.h"
#include "tests/instruction/stage.h"

void holding_add(struct holding *h, const struct thruster_lease *lease)
{
	if (h->n == HELD_MAX)
		harness_fail("more than %u leases", HELD_MAX);
	h->lease[h->n++] = *lease;
}

void holding_drop(struct holding *h, unsigned i)
{
	h->lease[i] = h->lease[--h->n];
}

unsigned holding_rent(struct holding *h, struct thruster_pool *pool, size_t size, unsigned n)
{
	struct thruster_lease lease;
	unsigned i;

	for (i = 0; i < n && thruster_rent(pool, size, &lease) == 0; i++)
		holding_add(h, &lease);
	return i;
}

bool holding_return(struct holding *h, struct thruster_pool *pool, unsigned keep)
{
	bool ok = true;

	while (h->n > keep) {
		ok &= thruster_return(pool, &h->lease[h->n - 1]) == 0;
		h->n--;
	}
	return ok;
}
