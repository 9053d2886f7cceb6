/* SPDX-License-Identifier: MIT */
/*
 * Connect without waiting, say who we are, and put the new socket in the place of the old one by
 * dup3(), so that whoever uses the number has the one or the other.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "client/renew.h"
#include "shm/wire.h"

bool thr_renew_is_ours(const struct pool_remains *remains)
{
	struct stat st;

	return remains->connection >= 0 && fstat(remains->connection, &st) == 0 &&
	       S_ISSOCK(st.st_mode) && st.st_ino == remains->inode;
}

/* 0, or -EAGAIN if so many wait to be accepted that nobody can. */
static int connect_at_once(int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, path);
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static int introduce(const struct thruster_pool *pool, int fd)
{
	struct wire_reattach request = {
		.header = wire_header_make(WIRE_REATTACH),
		.nonce = pool->nonce,
		.client_id = pool->id.n,
	};
	int flags = fcntl(fd, F_GETFL);

	if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) != (ssize_t)sizeof(request))
		return -errno;
	return fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

static int renew(struct thruster_pool *pool)
{
	struct pool_remains *remains = thr_pool_remains(pool);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;
	struct stat st;

	if (fd < 0)
		return -errno;
	r = connect_at_once(fd, remains->path);
	if (r == 0)
		r = introduce(pool, fd);
	if (r < 0 || fstat(fd, &st) < 0) {
		close(fd);
		return r;
	}
	if (thr_renew_is_ours(remains)) {
		dup3(fd, remains->connection, O_CLOEXEC);
		close(fd);
	} else {
		remains->connection = fd;
	}
	remains->inode = st.st_ino;
	return 0;
}

void thr_renew(struct thruster_pool *pool)
{
	uint64_t run = load_acquire(&pool->board->run);
	int error = errno;

	if (__atomic_exchange_n(&pool->is_renewing, 1, __ATOMIC_ACQUIRE))
		return;
	/* Whatever else is in the way stays there: until the next run of the daemon. */
	if (renew(pool) != -EAGAIN)
		store_relaxed(&pool->run, run);
	store_release(&pool->is_renewing, 0);
	errno = error;
}
