/* SPDX-License-Identifier: MIT */
/*
 * What the machine takes for the least one could do: the loop itself, a call into the shared
 * library, an addition to memory without and with a lock prefix.
 */

#include "bench/acts.h"
#include "bench/bodies.h"

void body_loop(struct lane *lane, uint64_t ops)
{
	uint64_t n;

	for (n = 0; n < ops; n++)
		keep(lane);
}

void body_call(struct lane *lane, uint64_t ops)
{
	uint64_t n;

	(void)lane;
	for (n = 0; n < ops; n++)
		keep((void *)(uintptr_t)thruster_version());
}

void body_add(struct lane *lane, uint64_t ops)
{
	volatile uint64_t *word = &lane->stage->ball;
	uint64_t n;

	for (n = 0; n < ops; n++)
		*word = *word + 1;
}

void body_lock_add(struct lane *lane, uint64_t ops)
{
	uint64_t n;

	for (n = 0; n < ops; n++)
		__atomic_fetch_add(&lane->stage->ball, 1, __ATOMIC_RELAXED);
}
