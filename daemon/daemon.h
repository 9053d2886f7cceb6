/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

/*
 * All rooms wired together: a configuration becomes arenas, a listener hands connections to
 * sessions, whose requests are answered from the arenas, and the reaper watches their clients.
 */

#include <systemd/sd-event.h>
#include "daemon/arena.h"
#include "daemon/aside.h"
#include "daemon/config.h"
#include "daemon/contention.h"
#include "daemon/listener.h"
#include "daemon/reaper.h"
#include "daemon/session.h"
#include "daemon/state.h"
#include "daemon/trim.h"
#include "daemon/visitor.h"

struct daemon {
	sd_event *event;
	struct state *state;
	struct config *config;   /* what is in force; owned */
	const char *config_path; /* NULL = the one built in */
	const char *config_path_later; /* while that is NULL: looked for at a reload; may be NULL */
	int level_floor;         /* --verbose: whatever the configuration says */
	struct arena *arenas[ARENAS_MAX];
	size_t n_arenas;
	struct aside *aside;
	struct listener listener;
	struct sessions sessions;
	struct reaper reaper;
	struct visitor visitor;
	struct trimmer trimmer;
	struct contention contention;
	sd_event_source *sampler;
	unsigned samples_since_audit;
	size_t audit_next;       /* an arena */
	uint64_t watchdog_usec;  /* 0 = nobody watches */
	uint64_t started_realtime_ns;
};

/* How it is started. Strings are borrowed for as long as the daemon lives. */
struct daemon_options {
	const char *config_path, *socket_path; /* NULL = the ones built in */
	const char *config_path_later; /* in place of the one built in, once it is there; or NULL */
	bool is_verbose;
};

/*
 * Read a configuration, NULL: the one built in. 0 and a config, the caller's to free(); or -errno
 * and the error told.
 */
int daemon_load_config(struct config **ret, const char *path, struct config_error *ret_error);

/*
 * Make everything ready to serve, from where an earlier run left it if there was one. 0, or -errno
 * after logging why not. The configuration is the daemon's now, whatever is returned. The daemon is
 * the caller's, to be given up with daemon_free().
 */
int daemon_new(
	struct daemon **ret, struct config *config, const struct daemon_options *options);
void daemon_free(struct daemon *daemon);

/* Serve until SIGTERM or SIGINT. 0, or -errno after logging it. */
int daemon_run(struct daemon *daemon);

/* Read the configuration again and apply what can change while clients are attached. */
void daemon_reload(struct daemon *daemon);

/* The arena of a name that takes new clients, or NULL. */
struct arena *daemon_find_arena(struct daemon *daemon, const char *name);

/* Add an arena to those that are served. -ENOSPC if there are too many. */
int daemon_add_arena(struct daemon *daemon, struct arena *arena);

/* Sessions and log levels follow the configuration that is in force. */
void daemon_apply_limits(struct daemon *daemon);

#endif
