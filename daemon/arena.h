/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ARENA_H
#define DAEMON_ARENA_H

/*
 * One arena: its two memfds, who sits in it, and what was taken back from whom. The daemon is the
 * only writer of the board and never trusts a word of the arena's pages.
 */

#include <stdbool.h>
#include <stdint.h>
#include "daemon/access.h"
#include "daemon/census.h"
#include "daemon/config.h"
#include "daemon/memory.h"
#include "daemon/seats.h"
#include "shm/abi.h"
#include "shm/judge.h"
#include "shm/view.h"

struct arena {
	char name[THR_NAME_MAX];
	struct thr_geometry geometry;
	struct access access;
	struct seats seats;
	struct census census;

	int fd, board_fd;
	void *pages;
	struct thr_board *board;
	uint32_t *roster; /* on the board */
	struct thr_view view;

	uint64_t reclaimed_leases[THR_CLASSES_MAX]; /* by class */
	uint64_t reclaimed_clients;                 /* that went without a detach */
	uint64_t reclaim_last_ns, reclaim_max_ns;   /* how long the walks took */
};

/* Make an arena: memory allocated, sealed, formatted. 0, or -errno and the reason told in `why`. */
int arena_new(struct arena **ret, const struct config_arena *config, char why[MEMORY_WHY_MAX]);
void arena_free(struct arena *arena);

/*
 * Seat a client. 0; -EACCES if the arena does not admit the peer, -EUSERS if no seat is vacant, or
 * another -errno. The client lives until arena_unseat(). *ret_fd is an open file description of the
 * arena of the client's own, which holds its seat lock: the caller passes it on and closes it.
 */
int arena_seat(struct arena *arena, const struct peer *peer, const char *label,
	struct client **ret_client, int *ret_fd);

/*
 * Can anybody still touch the arena in this client's name? True while the seat lock is held, and if
 * it cannot be told.
 */
bool arena_is_touched_by(const struct arena *arena, const struct client *client);

/*
 * Take back all leases of a client whom arena_is_touched_by() denies, and vacate the seat. Returns
 * the number of leases.
 */
uint64_t arena_unseat(struct arena *arena, struct client *client);

/* Count everything anew, take back what was never delivered, publish the figures. */
void arena_sample(struct arena *arena);

struct thr_verdict arena_judge(const struct arena *arena);

#endif
