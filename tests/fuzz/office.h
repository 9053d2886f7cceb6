/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_OFFICE_H
#define TESTS_FUZZ_OFFICE_H

/*
 * A daemon in this process, without a listener and a visitor: two small arenas, "victim" and
 * "neighbour", laid out for three cores on every machine, and rooms wired together as daemon.c does
 * it. Made anew for each input, so that an input does the same whatever came before.
 */

#include "daemon/daemon.h"

#define OFFICE_VICTIM 0
#define OFFICE_NEIGHBOUR 1
#define OFFICE_CORES 3u
#define OFFICE_SEATS 5u

struct daemon *office_open(void);
void office_close(struct daemon *daemon);

/* Its configuration, the caller's to free(). */
struct config *office_config(void);

/* The same in two halves, without arenas; the state is the caller's. */
struct daemon *office_found(struct state *state);
void office_dissolve(struct daemon *daemon);

/* From now on connections are those of this user. */
void office_disguise(uid_t uid, gid_t gid);

/* Which of the lowest descriptors are open: if not the same before and after, one was lost. */
#define OFFICE_DESCRIPTORS 128u

struct office_descriptors {
	bool is_open[OFFICE_DESCRIPTORS];
};

struct office_descriptors office_descriptors(void);

#endif
