/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_BOARDS_BOARDS_H
#define CLIENT_THRUSTERCTL_BOARDS_BOARDS_H

/*
 * What can be known of a daemon that does not answer: the boards of its arenas, which it writes
 * once a second and which lie in its memory whatever it does. Root and the user that the daemon
 * runs as find them among its open files.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "shm/abi.h"

/* A copy of a board, with everything checked. */
struct board {
	char name[THR_NAME_MAX];
	uint64_t nonce, run, quota_bytes, quota_leases;
	struct thr_geometry geometry;
	bool has_figures; /* false: none were published, or the daemon stopped while it wrote */
	struct thr_figures figures;
	uint32_t *clients; /* their ids, in the order of their seats */
	size_t n_clients;
};

struct boards {
	pid_t pid; /* of the daemon */
	size_t n;
	struct board *board;
};

/*
 * Copy the boards of the daemon that listens at `path`; false if none can be had. To be freed with
 * boards_fini() either way.
 */
bool boards_find(struct boards *ret, const char *path);
void boards_fini(struct boards *boards);

#endif
