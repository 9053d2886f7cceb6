/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ARENA_FDS_H
#define DAEMON_ARENA_FDS_H

/* The descriptors of an arena, as the service manager keeps them and as the next run finds them. */

#include <stdbool.h>
#include <stdint.h>
#include "daemon/store.h"

struct arena_fds {
	int pages, board, ledger; /* -1 = missing */
};

/*
 * Take an arena's descriptors out of the store; some may be missing. False if there is none of any
 * arena any more.
 */
bool arena_fds_take(struct store *store, uint32_t *ret_id, struct arena_fds *ret);

/* Have the service manager keep the descriptors of an arena, or forget them. */
void arena_fds_keep(uint32_t id, const struct arena_fds *fds);
void arena_fds_forget(uint32_t id);

void arena_fds_close(struct arena_fds *fds);

/* Does anybody have a seat lock in these pages, whoever it is? True if it cannot be told. */
bool arena_fds_are_used(const struct arena_fds *fds);

#endif
