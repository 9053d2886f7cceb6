/* SPDX-License-Identifier: MIT */
/*
 * A connection without a daemon behind it: what is received over a pair of sockets. Descriptors
 * that come along can be tested here on any kernel; a real daemon's socket refuses them where it
 * can.
 */

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/session.h"

static struct sessions sessions;
static unsigned n_requests, n_ends;
static int peer;

static void on_request(struct session *session, const union wire_request *request, void *userdata)
{
	(void)session;
	(void)request;
	(void)userdata;
	n_requests++;
}

static void on_end(struct session *session, void *userdata)
{
	(void)session;
	(void)userdata;
	n_ends++;
}

static void set_up(void)
{
	int pair[2];

	sessions = (struct sessions){ .n_max = 1, .on_request = on_request, .on_end = on_end };
	cr_assert_geq(sd_event_new(&sessions.event), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	sessions_add(&sessions, pair[0]);
	cr_assert_eq(sessions.n, 1);
	peer = pair[1];
}

static void clean_up(void)
{
	sessions_fini(&sessions);
	sd_event_unref(sessions.event);
	close(peer);
}

TestSuite(session, .init = set_up, .fini = clean_up);

static unsigned count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}

static void send_query(unsigned n_fds)
{
	struct wire_query query = { wire_header_make(WIRE_QUERY), WIRE_QUESTION_STATS, 0 };
	struct iovec text = { &query, sizeof(query) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(253 * sizeof(int))];
	} control = { 0 };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };
	unsigned i;

	if (n_fds) {
		struct cmsghdr *c = &control.header;
		int fds[253];

		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		for (i = 0; i < n_fds; i++)
			fds[i] = STDERR_FILENO;
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	cr_assert_eq(sendmsg(peer, &message, 0), (ssize_t)sizeof(query));
}

Test(session, a_request_arrives)
{
	send_query(0);
	cr_assert_geq(sd_event_run(sessions.event, 1000000), 0);
	cr_assert_eq(n_requests, 1);
	cr_assert_eq(sessions.n, 1);
	cr_assert_eq(sessions.violations_total, 0);
}

static void descriptors_are_closed(unsigned n)
{
	unsigned before = count_descriptors();
	struct wire_reply reply;

	send_query(n);
	cr_assert_geq(sd_event_run(sessions.event, 1000000), 0);
	cr_assert_eq(n_requests, 0);
	cr_assert_eq(sessions.violations_total, 1);
	cr_assert_eq(recv(peer, &reply, sizeof(reply), 0), (ssize_t)sizeof(reply));
	cr_assert_eq(reply.status, -EPROTO);
	cr_assert_eq(recv(peer, &reply, sizeof(reply), 0), 0, "disconnected");
	cr_assert_eq(sessions.n, 0);
	cr_assert_eq(n_ends, 1);
	cr_assert_lt(count_descriptors(), before, "the session's own are gone, and all others");
}

Test(session, one_unasked_descriptor)
{
	descriptors_are_closed(1);
}

Test(session, as_many_as_the_kernel_sends)
{
	descriptors_are_closed(253);
}

/* What the event loop takes for now may be long ago, if the daemon was stopped: that is not the
 * peer's silence. Nor is what was sent in good time, and is read late. */
Test(session, a_daemon_that_was_stopped_cuts_nobody_off, .timeout = 30)
{
	int pair[2];

	sessions.n_max = 2;
	send_query(0);
	cr_assert_geq(sd_event_run(sessions.event, 1000000), 0);
	cr_assert_eq(n_requests, 1);
	sleep(6); /* more than the silence that is borne */
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	sessions_add(&sessions, pair[0]);
	send_query(0);
	while (sd_event_run(sessions.event, 0) > 0)
		;
	cr_assert_eq(n_requests, 2, "what the first had sent was read");
	close(peer);
	peer = pair[1];
	send_query(0);
	cr_assert_geq(sd_event_run(sessions.event, 1000000), 0);
	cr_assert_eq(n_requests, 3, "the second was served");
}

/* What the peer has said by then does not hide the reply from him. */
Test(session, one_too_many_is_told_so_and_closed_at_once)
{
	struct wire_query query = { wire_header_make(WIRE_QUERY), WIRE_QUESTION_STATS, 0 };
	struct wire_reply reply;
	unsigned early;
	int pair[2];

	for (early = 0; early < 3; early++) {
		unsigned i;

		cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		for (i = 0; i < early; i++)
			cr_assert_eq(send(pair[1], &query, sizeof(query), 0),
				(ssize_t)sizeof(query));
		sessions_add(&sessions, pair[0]);
		cr_assert_eq(sessions.n, 1);
		cr_assert_eq(sessions.refused_total, early + 1);
		cr_assert_eq(recv(pair[1], &reply, sizeof(reply), 0), (ssize_t)sizeof(reply));
		cr_assert_eq(reply.header.type, WIRE_REPLY);
		cr_assert_eq(reply.status, -EUSERS);
		cr_assert_eq(recv(pair[1], &reply, sizeof(reply), 0), 0);
		close(pair[1]);
	}
	cr_assert_eq(n_ends, 0, "it was no session");
}

static void on_request_reply(
	struct session *session, const union wire_request *request, void *userdata)
{
	struct wire_reply reply = { .header = wire_header_make(WIRE_REPLY) };

	(void)request;
	(void)userdata;
	n_requests++;
	session_reply(session, &reply, NULL, 0);
}

static void serve_all(void)
{
	while (sd_event_run(sessions.event, 0) > 0)
		;
}

/* Answers that lie there are the daemon's memory. Two may, to be read later; who has not read them
 * and asks a fourth time is cut off. */
Test(session, who_asks_on_without_reading_is_cut_off)
{
	struct wire_reply reply;
	unsigned i;

	sessions.on_request = on_request_reply;
	for (i = 0; i < 100; i++) {
		send_query(0);
		serve_all();
		cr_assert_eq(recv(peer, &reply, sizeof(reply), 0), (ssize_t)sizeof(reply));
		cr_assert_eq(reply.status, 0);
	}
	cr_assert_eq(n_requests, 100, "who reads may ask");
	for (i = 0; i < 3; i++)
		send_query(0);
	serve_all();
	cr_assert_eq(n_requests, 103);
	cr_assert_eq(sessions.n, 1);
	send_query(0);
	serve_all();
	cr_assert_eq(n_requests, 103, "the fourth is not answered");
	cr_assert_eq(sessions.violations_total, 1);
	cr_assert_eq(sessions.n, 0);
	for (i = 0; i < 3; i++) {
		cr_assert_eq(recv(peer, &reply, sizeof(reply), 0), (ssize_t)sizeof(reply));
		cr_assert_eq(reply.status, 0);
	}
	cr_assert_eq(recv(peer, &reply, sizeof(reply), 0), (ssize_t)sizeof(reply));
	cr_assert_eq(reply.status, -EPROTO);
	cr_assert_eq(recv(peer, &reply, sizeof(reply), 0), 0);
}

/* The user of the only session had his time: he is heard again when it has been paid back. */
Test(session, who_had_his_time_waits_for_the_sweep)
{
	struct user user = { .uid = 4711, .n = 1 };
	struct wire_reply reply;

	sessions.on_request = on_request_reply;
	sessions.first->user = &user;
	sessions.first->peer.sees_all = false;
	user.next = NULL;
	sessions.users.first = &user;
	user_spend(&user, USERS_QUERY_NS + USERS_QUERY_NS / 2);
	send_query(0);
	serve_all();
	cr_assert_eq(n_requests, 0);
	sessions_sweep(&sessions);
	serve_all();
	cr_assert_eq(n_requests, 1);
	cr_assert_eq(recv(peer, &reply, sizeof(reply), 0), (ssize_t)sizeof(reply));
	user_spend(&user, 100 * USERS_QUERY_NS);
	send_query(0);
	serve_all();
	cr_assert_eq(n_requests, 1);
	sessions_sweep(&sessions);
	serve_all();
	cr_assert_eq(n_requests, 1, "a debt of more than a second's time");
	sessions.first->peer.sees_all = true;
	sessions.first->is_paused = false;
	sd_event_source_set_enabled(sessions.first->source, SD_EVENT_ON);
	serve_all();
	cr_assert_eq(n_requests, 2, "who sees everything is never over");
	sessions.first->user = NULL;
	sessions.users.first = NULL;
}

/* Silent he is not, who is not heard. */
Test(session, who_waits_is_not_taken_for_silent, .timeout = 30)
{
	struct user user = { .uid = 4711, .n = 1, .spent_ns = USERS_DEBT_NS_MAX };

	sessions.first->user = &user;
	sessions.first->peer.sees_all = false;
	send_query(0);
	serve_all();
	sleep(6);
	serve_all();
	cr_assert_eq(sessions.n, 1);
	user.spent_ns = 0;
	sessions_sweep(&sessions);
	serve_all();
	cr_assert_eq(n_requests, 1);
	sessions.first->user = NULL;
}
