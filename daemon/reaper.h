/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REAPER_H
#define DAEMON_REAPER_H

/*
 * Finding out that clients are gone. A pidfd that becomes readable and a connection that hangs up
 * are only wake-ups: a forked child may hold the socket, a helper that shares the address space may
 * outlive the process. What decides is the seat lock, which the kernel drops with the last mapping
 * of the arena. A client that was reported gone and still holds it is asked again, at growing
 * intervals, for as long as it takes; a stopped or silent client is never suspected at all.
 *
 * Clients of an earlier run are watched by the number of their process until they connect anew.
 * The number may be another process's by now, so their locks are also asked for in every sweep.
 */

#include <systemd/sd-event.h>
#include "daemon/arena.h"
#include "daemon/log.h"

struct reaper {
	sd_event *event; /* borrowed */
	struct reaper_watch *watches;
};

void reaper_init(struct reaper *reaper, sd_event *event);
void reaper_fini(struct reaper *reaper);

/* Begin to watch a client. The pidfd, -1 if there is none, becomes the reaper's. 0 or -errno. */
int reaper_watch(struct reaper *reaper, struct client *client, int pidfd);

/* A client whom an earlier run seated: taken back at once if he is gone, else watched. After this
 * call `client` may be vacant. */
void reaper_adopt(struct reaper *reaper, struct client *client);

/* The client's process has connected anew: from now on its end is known for certain. Takes the
 * pidfd, as reaper_watch() does. */
int reaper_rewatch(struct reaper *reaper, struct client *client, int pidfd);

/* The client has begun to end, and nobody can touch the arena in its name any more, which the seat
 * lock will say only later: take its leases back now, and leave the seat to the lock. */
void reaper_take_back(struct client *client);

/* There is reason to think that the client is gone: take its leases back as soon as it is. After
 * this call `client` may be vacant. */
void reaper_suspect(struct client *client);

/*
 * The client says that it leaves: vacate its seat now. 0, or -EBUSY if it still has the arena
 * mapped; then it is a suspect.
 */
int reaper_dismiss(struct client *client);

/* Look at every client of an arena whose process may have ended. Returns how many were gone. */
unsigned reaper_sweep(struct arena *arena);

#endif
