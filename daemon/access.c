/* SPDX-License-Identifier: MIT */
/*
 * SO_PEERCRED and its relatives. The pidfd comes with the socket where the kernel knows
 * SO_PEERPIDFD (6.5); before, it is opened by number while the connection still stands, so that
 * the number cannot have been given to another process.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "daemon/access.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static int peer_groups(struct peer *peer, int socket)
{
	socklen_t bytes = 0;
	gid_t *groups;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, NULL, &bytes) == 0)
		return 0; /* none */
	if (errno != ERANGE)
		return -errno;
	groups = malloc(bytes);
	if (!groups)
		return -ENOMEM;
	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) < 0) {
		free(groups);
		return -errno;
	}
	peer->groups = groups;
	peer->n_groups = bytes / sizeof(gid_t);
	return 0;
}

static int peer_pidfd(int socket, pid_t pid)
{
	struct pollfd hang_up = { .fd = socket };
	socklen_t bytes = sizeof(int);
	int fd = -1;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &bytes) == 0)
		return fd;
	if (pid <= 0)
		return -1; /* in a pid namespace that we cannot see */
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd >= 0 && poll(&hang_up, 1, 0) > 0 && (hang_up.revents & (POLLHUP | POLLERR))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int peer_init(struct peer *ret, int socket)
{
	struct peer peer = { .pidfd = -1 };
	struct ucred cred;
	socklen_t bytes = sizeof(cred);
	int r;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &cred, &bytes) < 0)
		return -errno;
	peer.pid = cred.pid;
	peer.uid = cred.uid;
	peer.gid = cred.gid;
	r = peer_groups(&peer, socket);
	if (r < 0)
		return r;
	peer.pidfd = peer_pidfd(socket, cred.pid);
	*ret = peer;
	return 0;
}

void peer_fini(struct peer *peer)
{
	if (peer->pidfd >= 0)
		close(peer->pidfd);
	free(peer->groups);
	*peer = (struct peer){ .pidfd = -1 };
}

bool access_allows(const struct access *access, const struct peer *peer)
{
	size_t i, j;

	for (i = 0; i < access->n_users; i++)
		if (access->users[i] == peer->uid)
			return true;
	for (i = 0; i < access->n_groups; i++) {
		if (access->groups[i] == peer->gid)
			return true;
		for (j = 0; j < peer->n_groups; j++)
			if (access->groups[i] == peer->groups[j])
				return true;
	}
	return false;
}

bool peer_is_operator(const struct peer *peer)
{
	return peer->uid == 0 || peer->uid == geteuid();
}
