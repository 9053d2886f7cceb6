/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_QUOTA_H
#define DAEMON_QUOTA_H

/*
 * Who holds more than a client may. Clients keep to their quota themselves (client/quota.h); one
 * that does not, because it does not want to or does not use the library, is found here by its
 * records. What it holds stays its own: in its arena it could take everything in any case.
 */

#include "daemon/arena.h"

/* To be called after arena_sample(): mark, count and log the clients that are over the quota. */
void quota_watch(struct arena *arena);

#endif
