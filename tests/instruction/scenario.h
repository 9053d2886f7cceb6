/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSTRUCTION_SCENARIO_H
#define TESTS_INSTRUCTION_SCENARIO_H

/*
 * What a victim does: one operation, in one state of the pool. Its breakpoints are planted between
 * prepare() and act(). Both run in the victim; before() and meanwhile() in the harness.
 */

#include "tests/instruction/world.h"

struct actor {
	struct thruster_pool *pool;
	struct stage *stage;
	struct world *world;
};

struct scenario {
	const char *name;
	void (*act)(struct actor *a);
	void (*prepare)(struct actor *a);
	void (*before)(struct world *w);    /* before the victim is there */
	void (*meanwhile)(struct world *w); /* when it is prepared */
	bool is_unattached;                 /* it comes without a pool, and perhaps leaves so */
	bool is_fenced;                     /* no membarrier is to be had */
	bool has_calls;                     /* its system calls are made to fail, one by one */
	bool is_once;                       /* its process can do it once only */
	bool is_thorough;                   /* all its instructions count, whoever else has them */
	bool moves_far;                     /* the intruder leaves the arena and comes back */
};

extern const struct scenario scenarios_rent[], scenarios_wait[], scenarios_return[],
	scenarios_pass[], scenarios_come[]; /* each ends with a name of NULL */

/* For act(): note a wrong answer unless ok. */
void expect(struct actor *a, bool ok, const char *what, long r);

/* Rent and note it; -ENOBUFS may be. Whether there is one. */
bool act_rent(struct actor *a, size_t size);
bool act_rent_until(struct actor *a, size_t size, const struct timespec *deadline);
bool act_rent_wait(struct actor *a, size_t size, unsigned ms);
void act_rent_bulk(struct actor *a, size_t size, unsigned n);

/* Return the ith of what is held, or all; each must be accepted. */
void act_return(struct actor *a, unsigned i);
void act_return_all(struct actor *a);

#endif
