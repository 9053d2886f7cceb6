/* SPDX-License-Identifier: MIT */
/*
 * A connection is either new, and has some seconds to say something sensible, or it stands for a
 * client, and may be silent for ever. Whoever breaks the protocol hears so once and is cut off; so
 * is who does not read, and who asks on before he has read: unread answers are our memory.
 * Descriptors that nobody asked for are closed before anything else; of who may send some
 * (session_accept_fds()), those that the request did not take.
 */

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/clock.h"
#include "daemon/descriptors.h"
#include "daemon/log.h"
#include "daemon/session.h"

#define SILENCE_MAX_US 5000000u
#define UNREAD_MAX 2u       /* replies; the library and thrusterctl never leave one */
#define LOOK_AT_MAX 64u     /* connections at once, whether they have ended */

static void session_free(struct session *s)
{
	struct sessions *all = s->sessions;

	if (all->on_end)
		all->on_end(s, all->userdata);
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	all->n--;
	sd_event_source_disable_unref(s->source);
	sd_event_source_disable_unref(s->deadline);
	peer_fini(&s->peer);
	users_leave(s->user);
	descriptors_close(&s->given);
	close(s->fd);
	free(s);
}

bool session_reply(struct session *session, const struct wire_reply *reply, const int *fds,
	unsigned n_fds)
{
	struct iovec text = { (void *)reply, sizeof(*reply) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (n_fds) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	if (sendmsg(session->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) ==
		(ssize_t)sizeof(*reply)) {
		session->unread++;
		return true;
	}
	session_free(session);
	return false;
}

/*
 * After a last reply: the peer can send no more, and what he has sent is taken from the socket.
 * Otherwise the kernel would tell him of that when it is closed, and not of the reply.
 */
static void hear_no_more(int fd)
{
	char c;

	if (shutdown(fd, SHUT_RD) == 0)
		while (recv(fd, &c, 1, MSG_DONTWAIT) > 0)
			;
}

void session_violation(struct session *s, const char *what)
{
	struct wire_reply reply = { .header = wire_header_make(WIRE_REPLY), .status = -EPROTO };

	s->sessions->violations_total++;
	if (log_limit_allows_user(s->peer.uid, "breaches of the protocol"))
		log_event(EVENT_PROTOCOL_VIOLATION,
			&(struct log_fields){
				.cause = what,
				.client_pid = s->peer.pid,
				.has_uid = true,
				.client_uid = s->peer.uid,
			},
			"pid %d, uid %u: %s; disconnected", (int)s->peer.pid,
			(unsigned)s->peer.uid, what);
	if (session_reply(s, &reply, NULL, 0)) {
		hear_no_more(s->fd);
		session_free(s);
	}
}

static size_t request_size(uint16_t type)
{
	switch (type) {
	case WIRE_ATTACH:
		return sizeof(struct wire_attach);
	case WIRE_REATTACH:
		return sizeof(struct wire_reattach);
	case WIRE_DETACH:
		return sizeof(struct wire_detach);
	case WIRE_QUERY:
		return sizeof(struct wire_query);
	case WIRE_PROBES:
		return sizeof(struct wire_probes);
	default:
		return 0;
	}
}

/* NULL if the message is a request as it should be. */
static const char *what_is_wrong(const union wire_request *request, size_t size, int flags)
{
	if (size < sizeof(request->header) || request->header.magic != WIRE_MAGIC)
		return "sent something that is no message of ours";
	if (request->header.version != WIRE_VERSION)
		return "speaks another version of the protocol";
	if ((flags & MSG_TRUNC) || size != request_size(request->header.type))
		return "sent a message of a wrong type or size";
	return NULL;
}

/* What was sent and not read is counted by the kernel until the peer has read it. */
static bool leaves_answers_unread(struct session *s)
{
	int bytes = 0;

	if (s->unread == 0)
		return false;
	if (ioctl(s->fd, SIOCOUTQ, &bytes) == 0 && bytes == 0)
		s->unread = 0;
	return s->unread > UNREAD_MAX;
}

/* The session may be gone afterwards; its user is not. */
static void session_serve(struct session *s, const union wire_request *request)
{
	struct user *user = s->peer.sees_all ? NULL : s->user;
	uint64_t begun = clock_monotonic_ns();

	s->sessions->on_request(s, request, s->sessions->userdata);
	if (request->header.type == WIRE_QUERY)
		user_spend(user, clock_monotonic_ns() - begun);
}

static void session_receive(struct session *s)
{
	union wire_request request = { 0 };
	struct iovec text = { &request, sizeof(request) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(DESCRIPTORS_ALL_MAX * sizeof(int))];
	} control;
	struct msghdr message = {
		.msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(s->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const char *wrong;
	bool has_fds;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* Also those of a message without a byte, which is taken for the end. */
	has_fds = n >= 0 && descriptors_receive(s->takes_fds ? &s->given : NULL, &message);
	if (n <= 0) {
		session_free(s);
		return;
	}
	wrong = what_is_wrong(&request, (size_t)n, message.msg_flags);
	if (!wrong && has_fds)
		wrong = "sent descriptors that nobody asked for";
	if (!wrong && leaves_answers_unread(s))
		wrong = "does not read its answers";
	if (wrong)
		session_violation(s, wrong);
	else
		session_serve(s, &request);
}

/* His user had his time: he waits, with what he has to say, for the sweep. */
static bool session_must_wait(struct session *s)
{
	if (s->peer.sees_all || !user_is_over(s->user))
		return false;
	s->is_paused = sd_event_source_set_enabled(s->source, SD_EVENT_OFF) >= 0;
	return s->is_paused;
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct session *s = userdata;

	(void)source;
	(void)fd;
	if (!(events & EPOLLIN))
		session_free(s);
	else if (!session_must_wait(s))
		session_receive(s);
	return 0;
}

static int on_silence(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct session *s = userdata;
	int r;

	(void)usec;
	/* He may have said something that we did not want to hear yet. */
	if (s->is_paused) {
		r = sd_event_source_set_time(source, clock_monotonic_ns() / 1000 + SILENCE_MAX_US);
		return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	}
	log_debug("pid %d, uid %u: has nothing to say; disconnected", (int)s->peer.pid,
		(unsigned)s->peer.uid);
	session_free(s);
	return 0;
}

/*
 * From the clock's now, not the event loop's, which is old if the daemon was stopped meanwhile. And
 * last of all: what a peer has sent is read before his silence is judged.
 */
static int session_limit_silence(struct session *s)
{
	int r = sd_event_add_time(s->sessions->event, &s->deadline, CLOCK_MONOTONIC,
		clock_monotonic_ns() / 1000 + SILENCE_MAX_US, 0, on_silence, s);

	return r < 0 ? r : sd_event_source_set_priority(s->deadline, SD_EVENT_PRIORITY_IDLE);
}

/* One reply to whatever the peer wants. */
static void refuse(struct sessions *sessions, int fd, int status)
{
	struct wire_reply reply = { .header = wire_header_make(WIRE_REPLY), .status = status };

	sessions->refused_total++;
	if (send(fd, &reply, sizeof(reply), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		hear_no_more(fd);
	close(fd);
}

/* The descriptor, the peer and the user become the session's. */
static struct session *session_new(
	struct sessions *sessions, int fd, const struct peer *peer, struct user *user)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->sessions = sessions;
	s->fd = fd;
	s->peer = *peer;
	s->user = user;
	s->next = sessions->first;
	s->link = &sessions->first;
	if (s->next)
		s->next->link = &s->next;
	sessions->first = s;
	sessions->n++;
	return s;
}

static int session_listen(struct session *s)
{
	int r = sd_event_add_io(s->sessions->event, &s->source, s->fd, EPOLLIN, on_socket, s);

	return r < 0 ? r : session_limit_silence(s);
}

/* Drop some connections of a user that have ended and were not yet heard to. Returns how many. */
static unsigned drop_ended(struct sessions *sessions, const struct user *user)
{
	struct session *s, *next;
	unsigned looked_at = 0, n = 0;

	for (s = sessions->first; s && looked_at < LOOK_AT_MAX; s = next) {
		struct pollfd end = { .fd = s->fd };

		next = s->next;
		if (s->user != user)
			continue;
		looked_at++;
		if (poll(&end, 1, 0) == 1 && end.revents & POLLHUP) {
			session_free(s);
			n++;
		}
	}
	return n;
}

void sessions_add(struct sessions *sessions, int fd)
{
	struct peer peer = { .pidfd = -1 };
	struct session *s = NULL;
	struct user *user = NULL;
	int r = sessions->n < sessions->n_max ? peer_init(&peer, fd) : -EUSERS;

	if (r >= 0)
		r = users_enter(&sessions->users, &peer, &user);
	if (r == -EUSERS && user && drop_ended(sessions, user)) {
		user->refused--;
		r = users_enter(&sessions->users, &peer, &user);
	}
	if (r >= 0) {
		s = session_new(sessions, fd, &peer, user);
		if (!s)
			users_leave(user);
		r = s ? session_listen(s) : -ENOMEM;
	}
	if (r < 0 && r != -EUSERS)
		log_warning("cannot serve a connection: %s", strerror(-r));
	if (r < 0 && s) {
		session_free(s);
	} else if (r < 0) {
		peer_fini(&peer);
		refuse(sessions, fd, r);
	}
}

void sessions_fini(struct sessions *sessions)
{
	/* Nobody is told: what the clients have stays theirs. */
	sessions->on_end = NULL;
	while (sessions->first)
		session_free(sessions->first);
	users_fini(&sessions->users);
}

void session_accept_fds(struct session *session)
{
	int yes = 1;

	/* Older kernels pass them in any case. */
	(void)setsockopt(session->fd, SOL_SOCKET, SO_PASSRIGHTS, &yes, sizeof(yes));
	session->takes_fds = true;
	session->deadline = sd_event_source_disable_unref(session->deadline);
}

void session_bind(struct session *session, struct client *client)
{
	session->client = client;
	session->client_id = client->id;
	session->deadline = sd_event_source_disable_unref(session->deadline);
}

void session_unbind(struct session *session)
{
	session->client = NULL;
	if (!session->deadline && session_limit_silence(session) < 0)
		log_warning("cannot set a timer; a connection may be silent");
}

void sessions_sweep(struct sessions *sessions)
{
	struct session *s;

	users_sweep(&sessions->users);
	for (s = sessions->first; s; s = s->next) {
		if (s->client && !session_client(s))
			session_unbind(s);
		if (s->is_paused && !user_is_over(s->user))
			s->is_paused =
				sd_event_source_set_enabled(s->source, SD_EVENT_ON) < 0;
	}
}

struct client *session_client(const struct session *session)
{
	if (!session->client || session->client->id.n != session->client_id.n)
		return NULL;
	return session->client;
}
