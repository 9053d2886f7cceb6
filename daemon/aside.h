/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ASIDE_H
#define DAEMON_ASIDE_H

/*
 * Arenas of earlier runs that this one does not touch: made by another version of the daemon, not
 * sound, or the end of three runs in a row. Their clients go on among themselves with what they
 * have mapped, but what a dead one of them had is not taken back any more, and nobody new comes.
 * Each is kept until nobody has it mapped.
 */

#include <stddef.h>
#include "daemon/arena-fds.h"
#include "daemon/memory.h"
#include "daemon/state.h"
#include "shm/abi.h"

struct aside {
	uint32_t id;
	struct arena_fds fds;
	char name[THR_NAME_MAX]; /* empty if it cannot be told */
	char why[MEMORY_WHY_MAX];
	struct aside *next;
};

/* Put an arena there. Its descriptors are the room's now. 0 or -ENOMEM, then nothing was done. */
int aside_add(struct aside **list, uint32_t id, const struct arena_fds *fds, const char *why);

/* Let go of those that nobody has mapped any more; all others are kept. */
void aside_sweep(struct aside **list, struct state *state);

void aside_fini(struct aside **list);

#endif
