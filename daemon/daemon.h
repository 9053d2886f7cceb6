/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

/*
 * All rooms wired together: a configuration becomes arenas, a listener hands connections to
 * sessions, whose requests are answered from the arenas, and the reaper watches their clients.
 */

#include <systemd/sd-event.h>
#include "daemon/arena.h"
#include "daemon/config.h"
#include "daemon/listener.h"
#include "daemon/reaper.h"
#include "daemon/session.h"

struct daemon {
	sd_event *event;
	struct arena *arenas[CONFIG_ARENAS_MAX];
	size_t n_arenas;
	struct listener listener;
	struct sessions sessions;
	struct reaper reaper;
	sd_event_source *sampler;
	uint64_t started_realtime_ns;
};

/*
 * Make everything ready to serve. 0, or -errno after logging why not. The daemon is the caller's,
 * to be given up with daemon_free().
 */
int daemon_new(struct daemon **ret, const struct config *config, const char *socket_path);
void daemon_free(struct daemon *daemon);

/* Serve until SIGTERM or SIGINT. 0, or -errno after logging it. */
int daemon_run(struct daemon *daemon);

/* The arena of a name, or NULL. */
struct arena *daemon_find_arena(struct daemon *daemon, const char *name);

#endif
