/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STATS_H
#define DAEMON_STATS_H

/*
 * The figures as JSON, for whoever may see them: the whole for those who see everything
 * (peer->sees_all), and the arenas that would admit them for others. docs/statistics.md tells each
 * field, docs/stats.schema.json its type. The texts are the caller's. 0 or -ENOMEM.
 */

#include <stdbool.h>
#include <stdint.h>
#include "daemon/daemon.h"

/* Leases in one answer, at most; each costs some 2 KB of the daemon's memory for a moment. */
#define STATS_LEASES_MAX 10000u

bool stats_may_see(const struct arena *arena, const struct peer *viewer);

int stats_text(struct daemon *daemon, const struct peer *viewer, char **ret_text);
int stats_leases_text(struct daemon *daemon, const struct peer *viewer, uint32_t limit,
	char **ret_text);
/* The pids of all clients, for who looks into them; nobody else may. */
int stats_processes_text(struct daemon *daemon, char **ret_text);
int stats_check_text(struct daemon *daemon, const struct peer *viewer, char **ret_text);

#endif
