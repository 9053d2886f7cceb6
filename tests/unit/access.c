/* SPDX-License-Identifier: MIT */
/*
 * Who is let in, beside a rule said plainly: one user or one group in common. And what the kernel
 * says of the process at the other end of a socket.
 */

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon/access.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

Test(access, an_empty_list_admits_nobody)
{
	struct access nobody = { .users = { 0 }, .groups = { 0 } };
	gid_t groups[] = { 0, 1, 2 };
	struct peer peer = { .pid = 1, .groups = groups, .n_groups = 3 };

	cr_assert_not(access_allows(&nobody, &peer), "not even root");
	peer.uid = peer.gid = 1000;
	cr_assert_not(access_allows(&nobody, &peer));
}

Test(access, by_user_by_group_and_by_further_groups)
{
	struct access access = {
		.users = { 5, 6 }, .n_users = 2, .groups = { 7, 8 }, .n_groups = 2
	};
	gid_t groups[] = { 20, 8 };
	struct peer peer = { .uid = 6, .gid = 20 };

	cr_assert(access_allows(&access, &peer));
	peer.uid = 7; /* a user is no group */
	cr_assert_not(access_allows(&access, &peer));
	peer.gid = 8;
	cr_assert(access_allows(&access, &peer));
	peer.gid = 5;
	cr_assert_not(access_allows(&access, &peer));
	peer.groups = groups, peer.n_groups = 1;
	cr_assert_not(access_allows(&access, &peer));
	peer.n_groups = 2;
	cr_assert(access_allows(&access, &peer));
	access.n_groups = 1;
	cr_assert_not(access_allows(&access, &peer), "beyond the end of the list");
}

static bool naive_allows(const struct access *access, const struct peer *peer)
{
	bool is_in = false;
	size_t i, j;

	for (i = 0; i < access->n_users; i++)
		is_in |= access->users[i] == peer->uid;
	for (i = 0; i < access->n_groups; i++)
		for (j = 0; j <= peer->n_groups; j++)
			is_in |= access->groups[i] == (j ? peer->groups[j - 1] : peer->gid);
	return is_in;
}

Test(access, random_lists)
{
	struct dice d = { 131 };
	unsigned round, allowed = 0;
	size_t i;

	for (round = 0; round < 200000; round++) {
		struct access access = { .n_users = dice_below(&d, 5),
			.n_groups = dice_below(&d, 5) };
		gid_t groups[4];
		struct peer peer = { .uid = (uid_t)dice_below(&d, 16),
			.gid = (gid_t)dice_below(&d, 16),
			.groups = groups,
			.n_groups = dice_below(&d, 5) };

		for (i = 0; i < ACCESS_ENTRIES_MAX; i++) {
			access.users[i] = (uid_t)dice_below(&d, 16);
			access.groups[i] = (gid_t)dice_below(&d, 16);
		}
		for (i = 0; i < 4; i++)
			groups[i] = (gid_t)dice_below(&d, 16);
		must(access_allows(&access, &peer) == naive_allows(&access, &peer), "round %u",
			round);
		allowed += access_allows(&access, &peer);
	}
	cr_assert(allowed > 20000 && allowed < 180000);
}

Test(access, a_full_list_is_read_to_its_end)
{
	struct access access = { .n_users = ACCESS_ENTRIES_MAX, .n_groups = ACCESS_ENTRIES_MAX };
	struct peer peer = { .uid = 2000, .gid = 2000 };

	access.users[ACCESS_ENTRIES_MAX - 1] = 2000;
	cr_assert(access_allows(&access, &peer));
	access.users[ACCESS_ENTRIES_MAX - 1] = 0;
	cr_assert_not(access_allows(&access, &peer));
	access.groups[ACCESS_ENTRIES_MAX - 1] = 2000;
	cr_assert(access_allows(&access, &peer));
}

Test(access, operators_are_root_and_the_daemons_own_user)
{
	struct peer peer = { .uid = 0 };

	cr_assert(peer_is_operator(&peer));
	peer.uid = geteuid();
	cr_assert(peer_is_operator(&peer));
	peer.uid = geteuid() + 4711;
	cr_assert_not(peer_is_operator(&peer));
}

Test(access, a_peer_is_who_the_kernel_says)
{
	struct peer peer;
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	cr_assert_eq(peer_init(&peer, pair[0]), 0);
	cr_assert_eq(peer.pid, getpid());
	cr_assert_eq(peer.uid, geteuid());
	cr_assert_eq(peer.gid, getegid());
	cr_assert_eq((int)peer.n_groups, getgroups(0, NULL));
	peer_fini(&peer);
	cr_assert(peer.pidfd == -1 && !peer.groups && !peer.n_groups);
	close(pair[0]);
	cr_assert_eq(peer_init(&peer, pair[0]), -EBADF);
	cr_assert_eq(peer_init(&peer, STDIN_FILENO), -ENOTSOCK);
	close(pair[1]);
}

/* Another user with further groups, which only root can become; connected until the other end hangs
 * up. */
static void live_as_somebody_else(const struct sockaddr_un *address, socklen_t length)
{
	static const gid_t groups[] = { 4001, 4002, 4003 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	char c;

	if (setgroups(3, groups) < 0 || setgid(4004) < 0 || setuid(4005) < 0)
		_exit(1);
	if (connect(fd, (const struct sockaddr *)address, length) < 0)
		_exit(2);
	_exit(read(fd, &c, 1) == 0 ? 0 : 3);
}

static int listen_somewhere(struct sockaddr_un *address, socklen_t *length)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*length = sizeof(*address);
	/* With no name given, the kernel chooses one. */
	cr_assert_eq(bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)address, length), 0);
	cr_assert_eq(listen(fd, 1), 0);
	return fd;
}

Test(access, a_peer_of_another_user_comes_with_all_its_groups)
{
	struct access access = { .groups = { 4002 }, .n_groups = 1 };
	struct sockaddr_un address;
	struct pollfd death;
	socklen_t length;
	struct peer peer;
	int fd, listener, status;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip("only root can become another user");
	listener = listen_somewhere(&address, &length);
	pid = fork();
	if (pid == 0)
		live_as_somebody_else(&address, length);
	fd = accept(listener, NULL, NULL);
	cr_assert_geq(fd, 0);
	cr_assert_eq(peer_init(&peer, fd), 0);
	cr_assert_eq(peer.pid, pid);
	cr_assert_eq(peer.uid, 4005);
	cr_assert_eq(peer.gid, 4004);
	cr_assert_eq(peer.n_groups, 3);
	cr_assert(access_allows(&access, &peer));
	access.groups[0] = 4000;
	cr_assert_not(access_allows(&access, &peer));
	cr_assert_not(peer_is_operator(&peer));
	cr_assert_geq(peer.pidfd, 0);
	death = (struct pollfd){ .fd = peer.pidfd, .events = POLLIN };
	cr_assert_eq(poll(&death, 1, 0), 0, "it is said to be dead");
	close(fd);
	cr_assert_eq(poll(&death, 1, 10000), 1, "its death is not seen");
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "the child ended with %#x", (unsigned)status);
	peer_fini(&peer);
	close(listener);
}
