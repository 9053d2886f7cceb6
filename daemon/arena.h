/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ARENA_H
#define DAEMON_ARENA_H

/*
 * One arena: its memfds, who sits in it, and what was taken back from whom. The daemon is the only
 * writer of the board and never trusts a word of the arena's pages.
 *
 * An arena outlives the daemon that made it: its three memfds (pages, board, ledger) are kept by
 * the service manager under the arena's id (daemon/store.h), and the next run opens it again.
 */

#include <stdbool.h>
#include <stdint.h>
#include "daemon/access.h"
#include "daemon/arena-fds.h"
#include "daemon/census.h"
#include "daemon/config.h"
#include "daemon/ledger.h"
#include "daemon/memory.h"
#include "daemon/seats.h"
#include "daemon/state.h"
#include "shm/abi.h"
#include "shm/judge.h"
#include "shm/view.h"

/* Served and retired ones together; a futex call can wait on a few more. */
#define ARENAS_MAX 120u

/* What lies idle, and for how long; and what is to be done about it (daemon/trim.h). */
struct idle {
	uint64_t since_ns;                     /* CLOCK_MONOTONIC; 0 = not watched */
	uint64_t free_min[THR_CLASSES_MAX];    /* slots free all the time since */
	uint64_t rents_total[THR_CLASSES_MAX]; /* as it was then */
	bool is_refused;                       /* no trim of it ends */
	bool is_told;                          /* the log has had why there is none */
	bool is_due;                           /* to be trimmed: */
	uint64_t due[THR_CLASSES_MAX];         /* so many slots; or as the last time */
	bool of_cores[THR_CLASSES_MAX];        /* those of cores with them */
	uint64_t resident_before, resident_after; /* bytes, of the last trim */
};

struct arena {
	char name[THR_NAME_MAX];
	uint32_t id;       /* of this arena alone, among all that the daemon's runs ever made */
	bool is_told;      /* the log has had it */
	bool is_told_of_spoiler, is_told_of_fault;
	bool is_retired;   /* the configuration has it no more: nobody new is seated */
	uint32_t *at_work; /* the state's, by hand: which arena it is at work on */
	struct thr_geometry geometry;
	struct access access;
	struct seats seats;
	struct census census;

	struct arena_fds fds;
	void *pages;
	struct thr_board *board;
	uint32_t *roster; /* on the board */
	struct thr_view view;
	struct ledger *ledger;
	struct idle idle;
};

/* Bytes of ordinary memory that an arena takes when it is made. */
uint64_t arena_bytes_at_start(const struct config_arena *config);

/*
 * Make an arena: memory allocated, sealed, formatted, and kept by the service manager. `state` must
 * outlive it. 0, or -errno and the reason told in `why`.
 */
int arena_new(struct arena **ret, const struct config_arena *config, struct state *state,
	char why[MEMORY_WHY_MAX]);

/*
 * Open an arena that an earlier run made. On success its descriptors are the arena's. Else they
 * stay the caller's: -EBADMSG if it is not sound, -ENOTSUP if this version cannot look after it,
 * -ENOMEM; the reason told in `why`.
 */
int arena_open(struct arena **ret, uint32_t id, const struct arena_fds *fds, struct state *state,
	char why[MEMORY_WHY_MAX]);

/* Let go of an arena; its memory is freed when nobody has it mapped and nobody keeps it. */
void arena_free(struct arena *arena);

/* What can change while clients are attached: who is admitted, grace, quotas. */
void arena_configure(struct arena *arena, const struct config_arena *config);

/* Tell the clients that this run of the daemon can be connected to. */
void arena_announce(struct arena *arena, uint64_t run);

/*
 * Seat a client. 0; -EACCES if the arena does not admit the peer, -EUSERS if no seat is vacant, or
 * another -errno. The client lives until arena_unseat(). *ret_fd is an open file description of the
 * arena of the client's own, which holds its seat lock: the caller passes it on and closes it.
 */
int arena_seat(struct arena *arena, const struct peer *peer, const char *label,
	struct client **ret_client, int *ret_fd);

/* Seat the daemon itself. Likewise, and it needs no admission. */
int arena_seat_self(
	struct arena *arena, const char *label, struct client **ret_client, int *ret_fd);

/* A descriptor of the board for a client to read, the caller's; or -errno. */
int arena_open_board(const struct arena *arena);

/*
 * Can anybody still touch the arena in this client's name? True while the seat lock is held, and if
 * it cannot be told.
 */
bool arena_is_touched_by(const struct arena *arena, const struct client *client);

/*
 * Take back all leases of a client, and keep the seat: it is known by other means that nobody can
 * touch the arena in its name any more, but its lock is not released yet. Returns the number.
 */
uint64_t arena_take_back(struct arena *arena, struct client *client);

/*
 * Take back all leases of a client whom arena_is_touched_by() denies, and vacate the seat. Returns
 * the number of leases.
 */
uint64_t arena_unseat(struct arena *arena, struct client *client);

/* Count everything anew, take back what was never delivered, publish the figures. */
void arena_sample(struct arena *arena);

/* Does every rule hold? Counted. */
struct thr_verdict arena_judge(struct arena *arena);

#endif
