/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_TRIM_H
#define DAEMON_TRIM_H

/*
 * Giving the pages of idle slots back to the kernel: of all that is free when an operator asks, or
 * by itself of as many slots as were free all the time for so long (trim_after_s).
 *
 * A process of its own does it, which is a client like any other: it has a seat and the seat's
 * lock, leases what is free, some slots of a segment at a time, punches holes where whole pages
 * have only such slots, and returns them. So nobody can rent a slot whose pages are about to go;
 * if it dies in between it is reclaimed; and the daemon need not wait for it, which matters because
 * a hostile client can make a hole take for ever: the kernel locks the file for it, and also for a
 * write(2) whose source is a page that never comes.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "daemon/arena.h"

struct trimmer {
	pid_t pid;             /* 0 = none is under way */
	struct arena *arena;   /* that is being trimmed */
	struct client *client; /* in whose name */
	uint64_t begun_ns;
};

/* Is the arena being trimmed, or about to be? */
bool trim_is_due(const struct trimmer *trimmer, const struct arena *arena);

/* Trim all that is free in an arena, as soon as no other is being trimmed. Not one of huge pages:
 * what is given back of them is not reserved any more, and may be somebody else's next time. */
void trim_ask(struct arena *arena);

/* To be called when an arena was sampled: watch what is idle, and ask by itself if the arena is
 * configured so. */
void trim_watch(struct arena *arena);

/* End what has ended or takes too long, and begin what was asked for. */
void trim_sweep(struct trimmer *trimmer, struct arena *const *arenas, size_t n_arenas);

/* Break off whatever is being trimmed; `arena` NULL: anywhere, else only there. True if a seat is
 * vacant now that was not before. */
bool trim_stop(struct trimmer *trimmer, const struct arena *arena);

#endif
