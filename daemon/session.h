/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

/*
 * One connection: who is at the other end, one request at a time, and time limits. What a request
 * means is not known here (daemon/requests.h).
 */

#include <stdbool.h>
#include <systemd/sd-event.h>
#include "daemon/access.h"
#include "daemon/descriptors.h"
#include "daemon/seats.h"
#include "daemon/users.h"
#include "shm/wire.h"

struct sessions {
	sd_event *event;          /* borrowed */
	struct session *first;
	struct users users;
	unsigned n, n_max;
	uint64_t refused_total;   /* connections closed because there were too many */
	uint64_t violations_total; /* messages that broke the protocol */
	/* Answer a request whose size and header are right. */
	void (*on_request)(
		struct session *session, const union wire_request *request, void *userdata);
	/* The connection is over; the session is about to go. */
	void (*on_end)(struct session *session, void *userdata);
	void *userdata;
};

struct session {
	struct sessions *sessions;
	int fd;
	struct peer peer;
	struct user *user;        /* NULL: one without limits */
	unsigned unread;          /* replies since the last time that the peer had read them all */
	bool takes_fds;
	struct descriptors given; /* with the request that is being answered */
	bool is_paused;           /* until the next sweep, its user had his time */
	sd_event_source *source, *deadline;
	struct client *client;    /* whose connection this is, as long as its id is client_id */
	struct client_id client_id;
	struct session *next, **link;
};

/* Take a connection. The descriptor is the room's now; if there are too many sessions, altogether
 * or of its user, it is told -EUSERS and closed, and so it is if its peer cannot be told. */
void sessions_add(struct sessions *sessions, int fd);
void sessions_fini(struct sessions *sessions);

/* To be called once a second. Connections whose client was reclaimed (somebody else still has the
 * socket) may not stay silent; users whose queries took too long are heard again. */
void sessions_sweep(struct sessions *sessions);

/*
 * Reply with a status (0 or -errno) and up to two descriptors, which stay the caller's. A peer that
 * does not read is disconnected. False if the session is gone.
 */
bool session_reply(struct session *session, const struct wire_reply *reply, const int *fds,
	unsigned n_fds);

/* The peer broke the protocol: tell it so and disconnect. The session is gone. */
void session_violation(struct session *session, const char *what);

/* From now on the peer may be silent, and send descriptors: with a request, in `given`; who takes
 * one puts -1 in its place. */
void session_accept_fds(struct session *session);

/* From now on the connection stands for a client and may be silent. */
void session_bind(struct session *session, struct client *client);

/* The connection stands for nobody any more and may not be silent any longer. */
void session_unbind(struct session *session);

/* The client of this connection, or NULL if there is none (any more). */
struct client *session_client(const struct session *session);

#endif
