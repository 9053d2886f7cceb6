/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ACCESS_H
#define DAEMON_ACCESS_H

/*
 * Who is at the other end of a connection, by the kernel's word, and whether an arena lets him in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ACCESS_ENTRIES_MAX 64

/* Users and groups that an arena admits. A plain value. */
struct access {
	uid_t users[ACCESS_ENTRIES_MAX];
	gid_t groups[ACCESS_ENTRIES_MAX];
	size_t n_users, n_groups;
};

struct peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary; owned */
	size_t n_groups;
	int pidfd;     /* owned; -1 if this kernel gives none */
	bool sees_all; /* may look at every arena: users_enter() knows */
};

/*
 * Read the credentials of a connected socket's peer, as they were when it connected. 0 or -errno.
 * The peer is the caller's, to be given up with peer_fini().
 */
int peer_init(struct peer *ret, int socket);
void peer_fini(struct peer *peer);

bool access_allows(const struct access *access, const struct peer *peer);

/* May the peer see everything and everybody: root, or the user that the daemon runs as? */
bool peer_is_operator(const struct peer *peer);

#endif
