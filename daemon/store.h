/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

/*
 * The service manager's file descriptor store, and the sockets that it opened for us: whatever this
 * process was started with. A memfd that is kept there outlives the daemon, however that ends, for
 * as long as the unit is not stopped. Without such a manager nothing is kept and nothing is found.
 *
 * A full store swallows descriptors without a word, and its cost and the length of all names
 * together are bounded, so only a few are kept, under short names.
 */

#include <stddef.h>

#define STORE_NAME_MAX 24

struct store {
	struct stored {
		char name[STORE_NAME_MAX];
		int fd; /* -1 = taken */
	} *found;
	size_t n_found;
};

/* Collect what the service manager passed to this process. 0 or -errno. */
int store_init(struct store *store);

/* Close, and have the manager forget, whatever was not taken. */
void store_fini(struct store *store);

/* The first descriptor of that name, now the caller's, or -1. */
int store_take(struct store *store, const char *name);

/* The listening socket of SOCK_SEQPACKET that we were started with, now the caller's, or -1. */
int store_take_listener(struct store *store);

/* Have the manager keep a descriptor; store_settle() waits until it has done all that it was told.
 */
void store_keep(const char *name, int fd);
void store_forget(const char *name);
void store_settle(void);

#endif
