/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SEATS_H
#define DAEMON_SEATS_H

/*
 * The clients of an arena by their seats, in the daemon's own memory, which no client can touch.
 * Vacant seats wait in a queue, first in, first out, so that a seat is used again as late as can
 * be.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "daemon/ledger.h"
#include "shm/abi.h"
#include "shm/id.h"

struct arena;
struct reaper_watch;

struct client {
	struct arena *arena;
	struct seat_id seat;
	struct client_id id;        /* 0 = the seat is vacant */
	uint16_t generation;        /* of the seat; counts its tenants */
	pid_t pid;
	uid_t uid;
	gid_t gid;
	char label[THR_NAME_MAX];   /* printable; the client's own word */
	uint64_t attached_realtime_ns;
	bool is_daemon;             /* it is ourselves */
	bool is_leaving;            /* has said that it detaches */
	bool is_ending;             /* what it had was taken back before its memory was torn down */
	bool is_over_quota, was_over_quota; /* at the last look, at any (daemon/quota.h) */
	struct reaper_watch *watch; /* the reaper's */
};

struct seats {
	struct client *clients;     /* 1 to n */
	struct ledger_entry *entries; /* borrowed: the same, for the daemon's next run */
	uint32_t n, n_taken;
	uint32_t n_max;             /* that may be taken; not more than n */
	uint16_t *vacant;           /* ring of n */
	uint32_t first, n_vacant;
};

/* Seat whoever the ledger's entries name; all others are vacant. 0 or -ENOMEM. */
int seats_init(
	struct seats *seats, struct arena *arena, uint32_t n, struct ledger_entry *entries);
void seats_fini(struct seats *seats);

/* A new tenant for the seat that has been vacant longest, or NULL if none is. Who he is the caller
 * fills in, and has seats_note() enter it before anybody hears of it. */
struct client *seats_take(struct seats *seats);
void seats_note(struct seats *seats, const struct client *client);
void seats_give(struct seats *seats, struct client *client);

/* The next seat taken after `client` (NULL: the first), or NULL. */
struct client *seats_next(const struct seats *seats, const struct client *client);

#endif
