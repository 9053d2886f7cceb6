/* SPDX-License-Identifier: MIT */
/*
 * Talking to the daemon. Blocking calls with the socket's own time limits: a stopped daemon costs
 * its caller the limit and no more.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "client/connection.h"

#define RESTART_PAUSE_NS 10000000

const char *thr_connection_path(const char *path)
{
	const char *env;

	if (path)
		return path;
	env = secure_getenv("THRUSTER_SOCKET");
	return env && *env ? env : WIRE_DEFAULT_SOCKET;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* To be called before each try: a signal ends a try, and the next has only what is left. */
static int limit_time(int fd, uint64_t until_us)
{
	uint64_t now = now_us(), left = until_us > now ? until_us - now : 0;
	struct timeval limit = { (time_t)(left / 1000000), (suseconds_t)(left % 1000000) };

	if (left == 0)
		return -ETIMEDOUT;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	return 0;
}

static uint64_t until_us(unsigned timeout_ms)
{
	return now_us() + (uint64_t)timeout_ms * 1000;
}

/* What a time limit, and a socket that is not there, are called here. */
static int connection_error(int error)
{
	switch (error) {
	case EAGAIN:
		return -ETIMEDOUT;
	case ENOENT:
	case ENOTDIR:
		return -ECONNREFUSED;
	case EPROTOTYPE: /* some other program's socket */
		return -EPROTO;
	case EPIPE:
		return -ECONNRESET;
	default:
		return -error;
	}
}

static int connect_until(int fd, const struct sockaddr_un *address, uint64_t until)
{
	int r;

	for (;;) {
		r = limit_time(fd, until);
		if (r < 0)
			return r;
		if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
			return 0;
		if (errno != EINTR)
			return connection_error(errno);
	}
}

int thr_connection_open(int *ret_fd, const char *path, unsigned timeout_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = connect_until(fd, &address, until_us(timeout_ms));
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static void answer_take_fds(struct connection_answer *answer, struct msghdr *message)
{
	struct cmsghdr *c;
	size_t n, i, have = 0;
	int fd;

	for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (have < CONNECTION_FDS_MAX)
				answer->fd[have++] = fd;
			else
				close(fd);
		}
	}
}

void thr_connection_close_fds(struct connection_answer *answer)
{
	size_t i;

	for (i = 0; i < CONNECTION_FDS_MAX; i++)
		if (answer->fd[i] >= 0)
			close(answer->fd[i]);
}

/* One message; its length, or -errno. */
static ssize_t receive_until(int fd, struct msghdr *message, uint64_t until)
{
	ssize_t n;
	int r;

	for (;;) {
		r = limit_time(fd, until);
		if (r < 0)
			return r;
		n = recvmsg(fd, message, MSG_CMSG_CLOEXEC);
		if (n > 0)
			return n;
		if (n == 0)
			return -ECONNRESET;
		if (errno != EINTR)
			return connection_error(errno);
	}
}

static int receive_answer(int fd, uint64_t until, struct connection_answer *ret)
{
	struct connection_answer answer = { .fd = { -1, -1 } };
	struct iovec text = { &answer.reply, sizeof(answer.reply) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * CONNECTION_FDS_MAX)];
	} control;
	struct msghdr message = {
		.msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = receive_until(fd, &message, until);
	bool is_ours;

	if (n < 0)
		return (int)n;
	answer_take_fds(&answer, &message);
	if ((message.msg_flags & MSG_CTRUNC) && answer.fd[CONNECTION_FDS_MAX - 1] < 0) {
		thr_connection_close_fds(&answer);
		return -EMFILE; /* descriptors were sent, and this process may not have more */
	}
	/* Truncated although both came: more were sent than any answer has. */
	is_ours = n == (ssize_t)sizeof(answer.reply) &&
		  !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
		  answer.reply.header.magic == WIRE_MAGIC &&
		  answer.reply.header.version == WIRE_VERSION &&
		  answer.reply.header.type == WIRE_REPLY && answer.reply.status <= 0;
	if (!is_ours) {
		thr_connection_close_fds(&answer);
		return -EPROTO;
	}
	*ret = answer;
	return 0;
}

static int send_until(int fd, const void *request, size_t size, uint64_t until)
{
	ssize_t n;
	int r;

	do {
		r = limit_time(fd, until);
		if (r < 0)
			return r;
		n = send(fd, request, size, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	/* A daemon that has closed may have said why first. */
	return n < 0 && errno != EPIPE ? connection_error(errno) : 0;
}

int thr_connection_send(int fd, const void *request, size_t size, unsigned timeout_ms)
{
	return send_until(fd, request, size, until_us(timeout_ms));
}

int thr_connection_receive(int fd, unsigned timeout_ms, struct connection_answer *ret)
{
	return receive_answer(fd, until_us(timeout_ms), ret);
}

int thr_connection_ask(int fd, const void *request, size_t size, unsigned timeout_ms,
	struct connection_answer *ret)
{
	uint64_t until = until_us(timeout_ms);
	int r = send_until(fd, request, size, until);

	return r < 0 ? r : receive_answer(fd, until, ret);
}

int thr_connection_ask_anew(int *ret_fd, const char *path, const void *request, size_t size,
	unsigned timeout_ms, struct connection_answer *ret)
{
	const struct timespec pause = { 0, RESTART_PAUSE_NS };
	uint64_t until = until_us(timeout_ms), now;
	bool was_reset = false;
	int r;

	for (;;) {
		now = now_us();
		timeout_ms = until > now ? (unsigned)((until - now + 999) / 1000) : 0;
		*ret_fd = -1;
		r = thr_connection_open(ret_fd, path, timeout_ms);
		if (r == 0)
			r = thr_connection_ask(*ret_fd, request, size, timeout_ms, ret);
		if (r == -ETIMEDOUT && was_reset)
			return -ECONNRESET;
		if (r != -ECONNRESET)
			return r;
		was_reset = true;
		if (*ret_fd >= 0)
			close(*ret_fd);
		nanosleep(&pause, NULL);
	}
}
