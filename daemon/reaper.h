/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REAPER_H
#define DAEMON_REAPER_H

/*
 * Finding out that clients are gone. A pidfd that becomes readable and a connection that hangs up
 * are only wake-ups: a forked child may hold the socket, a helper that shares the address space may
 * outlive the process. What decides is the seat lock, which the kernel drops with the last mapping
 * of the arena. A client that was reported gone and still holds it is asked again, at growing
 * intervals, for as long as it takes; a stopped or silent client is never suspected at all.
 */

#include <systemd/sd-event.h>
#include "daemon/arena.h"
#include "daemon/log.h"

struct reaper {
	sd_event *event; /* borrowed */
	struct log_limit limit;
	struct reaper_watch *watches;
};

void reaper_init(struct reaper *reaper, sd_event *event);
void reaper_fini(struct reaper *reaper);

/* Begin to watch a client. The pidfd, -1 if there is none, becomes the reaper's. 0 or -errno. */
int reaper_watch(struct reaper *reaper, struct client *client, int pidfd);

/* There is reason to think that the client is gone: take its leases back as soon as it is. After
 * this call `client` may be vacant. */
void reaper_suspect(struct reaper *reaper, struct client *client);

/*
 * The client says that it leaves: vacate its seat now. 0, or -EBUSY if it still has the arena
 * mapped; then it is a suspect.
 */
int reaper_dismiss(struct reaper *reaper, struct client *client);

/* Look at every client of an arena whose process may have ended. Returns how many were gone. */
unsigned reaper_sweep(struct reaper *reaper, struct arena *arena);

#endif
