/* SPDX-License-Identifier: MIT */
/*
 * Readers and workers, and how the parent starts, tells and hears them. A child sends one answer to
 * each message (a reader two), and the parent leaves few unanswered, so no queue between them ever
 * fills up and nobody waits to send. Children die with the parent.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "relay.h"

static const char *who = "relay";

/* _exit(): what a child inherited is not its to clean up, and the children of a parent that goes
 * this way are killed by the kernel. */
void fail(const char *format, ...)
{
	va_list args;
	char text[512];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fflush(stdout);
	fprintf(stderr, "%s%s: %s\n", isatty(STDERR_FILENO) ? "\n" : "", who, text);
	_exit(EXIT_FAILURE);
}

static void answer(int fd, const struct message *message)
{
	if (send(fd, message, sizeof(*message), MSG_NOSIGNAL) != (ssize_t)sizeof(*message))
		fail("cannot tell the parent: %s", strerror(errno));
}

static void obey(int fd, struct message *ret)
{
	ssize_t n;

	do
		n = recv(fd, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*ret))
		_exit(EXIT_FAILURE); /* the parent has gone, and said why */
}

static struct thruster_pool *attach(int fd)
{
	struct thruster_attach_options options = { .size = sizeof(options), .label = who };
	struct message hello = { .kind = MESSAGE_HELLO };
	struct thruster_pool *pool;
	int r = thruster_attach(&pool, NULL, &options);

	if (r < 0)
		fail("cannot attach to thrusterd: %s", strerror(-r));
	hello.client = thruster_client_id(pool);
	answer(fd, &hello);
	return pool;
}

/* Readers are faster than workers: to wait for a buffer is all the flow control there is. */
static bool rent(struct thruster_pool *pool, size_t size, struct thruster_lease *ret_lease)
{
	struct timespec deadline;
	int r = thruster_rent(pool, size, ret_lease);

	if (r == 0)
		return false;
	if (r == -ENOBUFS) {
		clock_gettime(CLOCK_MONOTONIC, &deadline);
		deadline.tv_sec += PATIENCE_S;
		r = thruster_rent_wait(pool, size, &deadline, ret_lease);
	}
	if (r < 0)
		fail("no buffer of %zu bytes: %s", size, strerror(-r));
	return true;
}

static void read_chunk(int file, void *data, uint64_t offset, size_t length)
{
	size_t done = 0;
	ssize_t n;

	while (done < length) {
		n = pread(file, (char *)data + done, length - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fail("cannot read the file: %s",
				n < 0 ? strerror(errno) : "it became shorter");
		done += (size_t)n;
	}
}

void reader_run(int fd, int file)
{
	struct thruster_pool *pool = attach(fd);
	struct thruster_lease lease;
	struct message m;
	int r;

	for (;;) {
		obey(fd, &m);
		if (m.kind == MESSAGE_END)
			break;
		m.n = rent(pool, m.length, &lease);
		m.kind = MESSAGE_RENTED;
		answer(fd, &m);
		read_chunk(file, lease.data, m.offset, m.length);
		m.kind = MESSAGE_TICKET;
		r = thruster_hand_over(pool, &lease, m.client, &m.ticket);
		if (r == -ESRCH) { /* the worker was killed meanwhile: the lease is still ours */
			m.kind = MESSAGE_GONE;
			r = thruster_return(pool, &lease);
		}
		if (r < 0)
			fail("cannot pass chunk %u on: %s", m.chunk, strerror(-r));
		answer(fd, &m);
	}
	r = thruster_detach(pool);
	if (r < 0)
		fail("cannot detach: %s", strerror(-r));
}

struct held {
	struct thruster_lease lease;
	uint32_t length;
};

static void hash_chunks(struct thruster_pool *pool, const struct held *held, struct message *m)
{
	uint32_t i;
	int r;

	for (i = m->chunk; i < m->chunk + m->n; i++) {
		const struct held *h = &held[i % WINDOW];

		sha256_update(&m->state, h->length, h->lease.data);
		r = thruster_return(pool, &h->lease);
		if (r < 0)
			fail("cannot return the buffer of chunk %u: %s", i, strerror(-r));
	}
}

void worker_run(int fd, int file)
{
	static struct held held[WINDOW];
	struct thruster_pool *pool = attach(fd);
	struct message m;
	int r;

	(void)file; /* all that a worker sees of it are the buffers */
	for (;;) {
		obey(fd, &m);
		if (m.kind == MESSAGE_END)
			break;
		if (m.kind == MESSAGE_TICKET) {
			r = thruster_accept(pool, &m.ticket, &held[m.chunk % WINDOW].lease);
			if (r < 0)
				fail("cannot accept chunk %u: %s", m.chunk, strerror(-r));
			held[m.chunk % WINDOW].length = m.length;
			m.kind = MESSAGE_ACCEPTED;
		} else {
			hash_chunks(pool, held, &m);
		}
		answer(fd, &m);
	}
	r = thruster_detach(pool);
	if (r < 0)
		fail("cannot detach: %s", strerror(-r));
}

void child_start(struct child *child, const struct job *job, const char *kind, unsigned n,
	void (*run)(int fd, int file))
{
	pid_t parent = getpid();
	int pair[2];

	*child = (struct child){ .unanswered = 1 }; /* its hello */
	snprintf(child->name, sizeof(child->name), "%s %u", kind, n);
	fflush(stdout);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
		(child->pid = fork()) < 0)
		fail("cannot start %s: %s", child->name, strerror(errno));
	if (child->pid == 0) {
		static char name[32];

		snprintf(name, sizeof(name), "relay %s", child->name);
		who = name;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_FAILURE);
		close(pair[0]);
		run(pair[1], job->file);
		_exit(EXIT_SUCCESS);
	}
	close(pair[1]); /* so that the child's death is the end of the file here */
	child->fd = pair[0];
}

static void child_died(struct child *child)
{
	int status = 0;

	waitpid(child->pid, &status, 0);
	if (WIFSIGNALED(status))
		fail("%s (pid %d) was killed by signal %d, which was not planned", child->name,
			(int)child->pid, WTERMSIG(status));
	fail("%s (pid %d) has ended with status %d", child->name, (int)child->pid,
		WEXITSTATUS(status));
}

void child_tell(struct child *child, const struct message *message)
{
	if (send(child->fd, message, sizeof(*message), MSG_NOSIGNAL) != (ssize_t)sizeof(*message))
		child_died(child);
	child->unanswered++;
}

bool child_hear(struct child *child, struct message *ret)
{
	ssize_t n = recv(child->fd, ret, sizeof(*ret), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n != (ssize_t)sizeof(*ret))
		child_died(child);
	return true;
}

void child_wait(struct child *child)
{
	struct pollfd gone = { .fd = child->fd, .events = POLLIN };
	int status;

	if (poll(&gone, 1, PATIENCE_S * 1000) != 1)
		fail("%s (pid %d) does not end", child->name, (int)child->pid);
	if (waitpid(child->pid, &status, 0) != child->pid || status != 0)
		fail("%s (pid %d) has not ended well", child->name, (int)child->pid);
	close(child->fd);
}
