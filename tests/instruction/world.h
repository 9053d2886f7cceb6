/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSTRUCTION_WORLD_H
#define TESTS_INSTRUCTION_WORLD_H

/*
 * What the victims die in: a daemon, an arena with a class of each kind, and other clients who are
 * not to notice. The harness is one of them: it holds a few stamped buffers all the time.
 */

#include "tests/harness/harness.h"
#include "tests/instruction/company.h"
#include "tests/instruction/stage.h"

/* Slots: a class with two segments or more for each core, one that is claimed openly, and a larger
 * one with a segment for each core. Sizes of a slot. */
#define SMALL_BYTES 64u
#define OPEN_BYTES 1030u /* likewise */
#define LARGE_BYTES 4100u /* a run of small ones would not do */

struct world {
	struct host host;
	struct stage *stage;
	struct thruster_pool *pool;
	struct holding bystander; /* the harness's own, never given back */
	struct companion near, far;
	int core, other_core;     /* the same if there is only one */
	unsigned descriptors;     /* of the daemon, with nobody else there */
};

void world_start(struct world *w);

/* For good, and it has to be well; or after a failure, as it is. */
void world_stop(struct world *w);
void world_abandon(struct world *w);

/* The victim is dead or gone: wait until the daemon has dealt with it. False if that takes too
 * long, or if the daemon's own judge finds something then. */
bool world_await_reclaim(struct world *w);

/* Ask the daemon's judge. */
bool world_is_sound(struct world *w);

/* Nobody holds a segment, and all hints are as in a new arena: so that what a victim does depends
 * on its scenario alone. Nobody else may be at work. */
void world_reset(const struct world *w);

/* All companions give back what they hold and take what is on its way to them. */
bool world_settle(struct world *w);

#endif
