/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DAEMON_RAW_H
#define TESTS_DAEMON_RAW_H

/*
 * A client that does not use the library: it speaks the protocol by hand and may do with an arena
 * whatever a hostile program could. What must not go wrong in here is harness_fail().
 */

#include "client/connection.h"
#include "shm/view.h"
#include "tests/harness/harness.h"

struct raw {
	int connection;
	struct wire_reply reply;
	void *arena;
	struct thr_board *board;
	struct thr_view view;
};

/* A connection to the host's daemon. */
int raw_connect(const struct host *host);

/* Send bytes, whatever they are, as one message. */
void raw_send(int fd, const void *bytes, size_t size);

/* Ask on a connection; must be answered. Descriptors that came are closed. Returns the status. */
int raw_ask(int fd, const void *request, size_t size);

struct wire_attach raw_attach_request(const char *arena);

/* The next message must be a reply with this status. */
void raw_must_reply(int fd, int status);

/* The daemon must have closed the connection, with nothing more said. Waits up to 20 seconds. */
void raw_must_end(int fd);

/*
 * Descriptors that the daemon has open while one connection that has been answered stands: a
 * number that is exact if nobody else is connected. Before, and wait for the same number after.
 */
unsigned raw_descriptors(const struct host *host);
void raw_await_descriptors(const struct host *host, unsigned n);

/* Attach and map; must succeed. */
void raw_attach(struct raw *raw, const struct host *host, const char *arena);
void raw_unmap(struct raw *raw);

/* Unmap and close: gone without a word. */
void raw_vanish(struct raw *raw);

#endif
