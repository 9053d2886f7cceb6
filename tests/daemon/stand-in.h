/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DAEMON_STAND_IN_H
#define TESTS_DAEMON_STAND_IN_H

/*
 * Stands in for the daemon where an answer is wanted that a real one would give only after hours:
 * a child process that answers each question with the text that was laid down for it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shm/wire.h"
#include "tests/harness/harness.h"

#define STAND_IN_QUESTIONS (WIRE_QUESTION_TRIM + 1)

static inline void stand_in_answer(int client, const char *const *texts)
{
	struct wire_query query;
	struct wire_reply reply = { .header = wire_header_make(WIRE_REPLY) };
	struct iovec part = { &reply, sizeof(reply) };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	const char *text;
	int fd = memfd_create("answer", MFD_CLOEXEC);

	if (recv(client, &query, sizeof(query), 0) != sizeof(query) ||
		query.question >= STAND_IN_QUESTIONS || !(text = texts[query.question]) ||
		write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(1);
	reply.board_bytes = strlen(text);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(client, &message, MSG_NOSIGNAL) < 0)
		_exit(1);
	close(fd);
	close(client);
}

/* texts[question] is the answer. To be ended with kill_child(). */
static inline pid_t stand_in_start(const char *path, const char *const *texts)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	pid_t pid;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(fd, 8) < 0)
		harness_fail("the stand-in cannot listen at %s", path);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			stand_in_answer(accept(fd, NULL, NULL), texts);
	}
	close(fd);
	return pid;
}

#endif
