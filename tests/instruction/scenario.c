/* SPDX-License-Identifier: MIT */
/*
 * The small change of all scenarios. A lease is noted when the call that gave it has returned, and
 * struck off when the call that ended it has; in between, the process stands at a breakpoint inside
 * the library, and nobody asks what it believes.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/instruction/scenario.h"

#define BULK_MAX 1000u

void expect(struct actor *a, bool ok, const char *what, long r)
{
	if (!ok && !a->stage->wrong[0])
		snprintf(a->stage->wrong, sizeof(a->stage->wrong), "%s: %ld (%s)", what, r,
			r < 0 ? strerror((int)-r) : "no error");
}

static bool got(struct actor *a, int r, const struct thruster_lease *lease, const char *what)
{
	if (r == 0)
		holding_add(&a->stage->victim, lease);
	else
		expect(a, r == -ENOBUFS || r == -ETIMEDOUT, what, r);
	return r == 0;
}

bool act_rent(struct actor *a, size_t size)
{
	struct thruster_lease lease;

	return got(a, thruster_rent(a->pool, size, &lease), &lease, "rent");
}

bool act_rent_until(struct actor *a, size_t size, const struct timespec *deadline)
{
	struct thruster_lease lease;

	return got(a, thruster_rent_wait(a->pool, size, deadline, &lease), &lease, "rent_wait");
}

bool act_rent_wait(struct actor *a, size_t size, unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += (long)ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return act_rent_until(a, size, &t);
}

void act_rent_bulk(struct actor *a, size_t size, unsigned n)
{
	static struct thruster_lease leases[BULK_MAX];
	int i, r = thruster_rent_bulk(a->pool, size, leases, n);

	expect(a, r == -ENOBUFS || (r > 0 && r <= (int)n), "rent_bulk", r);
	for (i = 0; i < r; i++)
		holding_add(&a->stage->victim, &leases[i]);
}

void act_return(struct actor *a, unsigned i)
{
	int r = thruster_return(a->pool, &a->stage->victim.lease[i]);

	expect(a, r == 0, "return", r);
	holding_drop(&a->stage->victim, i);
}

void act_return_all(struct actor *a)
{
	while (a->stage->victim.n)
		act_return(a, a->stage->victim.n - 1);
}
