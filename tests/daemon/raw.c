/* SPDX-License-Identifier: MIT */
/* The protocol by hand. Time limits are those of a test that hangs, not of one that is slow. */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "tests/daemon/raw.h"

#define PATIENCE_MS 20000

int raw_connect(const struct host *host)
{
	int fd, r = thr_connection_open(&fd, host->socket, PATIENCE_MS);

	if (r < 0)
		harness_fail("connect: %s", strerror(-r));
	return fd;
}

void raw_send(int fd, const void *bytes, size_t size)
{
	if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
		harness_fail("send %zu bytes: %s", size, strerror(errno));
}

int raw_ask(int fd, const void *request, size_t size)
{
	struct connection_answer answer;
	int r = thr_connection_ask(fd, request, size, 10000, &answer);

	if (r < 0)
		harness_fail("ask: %s", strerror(-r));
	thr_connection_close_fds(&answer);
	return answer.reply.status;
}

struct wire_attach raw_attach_request(const char *arena)
{
	struct wire_attach request = { .header = wire_header_make(WIRE_ATTACH), .label = "raw" };

	strncpy(request.arena, arena, sizeof(request.arena) - 1);
	return request;
}

void raw_must_reply(int fd, int status)
{
	struct wire_reply reply;

	if (recv(fd, &reply, sizeof(reply), 0) != (ssize_t)sizeof(reply))
		harness_fail("no reply");
	if (reply.header.magic != WIRE_MAGIC || reply.header.version != WIRE_VERSION ||
		reply.header.type != WIRE_REPLY)
		harness_fail("not a reply of this version");
	if (reply.status != status)
		harness_fail("the status is %d, not %d", reply.status, status);
}

void raw_must_end(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);

	if (n != 0)
		harness_fail(
			"the connection was not closed: %s", n < 0 ? strerror(errno) : "a message");
	close(fd);
}

/* What is asked needs no descriptor to answer, so the answer is the last that happens. */
static int connect_and_ask(const struct host *host)
{
	struct wire_detach detach = { wire_header_make(WIRE_DETACH) };
	int fd = raw_connect(host);

	if (raw_ask(fd, &detach, sizeof(detach)) != 0)
		harness_fail("detach without attach is refused");
	return fd;
}

unsigned raw_descriptors(const struct host *host)
{
	int fd = connect_and_ask(host);
	unsigned n = descriptors_of(host->pid);

	close(fd);
	return n;
}

void raw_await_descriptors(const struct host *host, unsigned n)
{
	int fd = connect_and_ask(host);

	await_descriptors(host->pid, n);
	close(fd);
}

void raw_attach(struct raw *raw, const struct host *host, const char *arena)
{
	struct wire_attach request = raw_attach_request(arena);
	struct connection_answer answer;
	struct thr_geometry geometry;
	int r;

	*raw = (struct raw){ .connection = raw_connect(host) };
	r = thr_connection_ask(raw->connection, &request, sizeof(request), 10000, &answer);
	if (r < 0 || answer.reply.status != 0)
		harness_fail("attach: %s", strerror(r < 0 ? -r : -answer.reply.status));
	raw->reply = answer.reply;
	raw->arena = mmap(
		NULL, raw->reply.arena_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, answer.fd[0], 0);
	raw->board = mmap(NULL, raw->reply.board_bytes, PROT_READ, MAP_SHARED, answer.fd[1], 0);
	if (raw->arena == MAP_FAILED || raw->board == MAP_FAILED)
		harness_fail("mmap: %s", strerror(errno));
	thr_connection_close_fds(&answer);
	geometry = raw->board->geometry;
	thr_view_init(&raw->view, raw->arena, &geometry);
}

void raw_unmap(struct raw *raw)
{
	munmap(raw->arena, raw->reply.arena_bytes);
	munmap(raw->board, raw->reply.board_bytes);
}

void raw_vanish(struct raw *raw)
{
	raw_unmap(raw);
	close(raw->connection);
}
