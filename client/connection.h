/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CONNECTION_H
#define CLIENT_CONNECTION_H

/*
 * One exchange of messages with the daemon (shm/wire.h). Connecting has a time limit, and so has
 * asking; signals that are handled meanwhile do not extend it.
 */

#include <stddef.h>
#include "shm/wire.h"

#define CONNECTION_FDS_MAX 2

struct connection_answer {
	struct wire_reply reply;
	int fd[CONNECTION_FDS_MAX]; /* the receiver's to close; -1 = not sent */
};

/*
 * The socket to use: `path`, or $THRUSTER_SOCKET, or the default.
 */
const char *thr_connection_path(const char *path);

/*
 * Connect to the daemon. 0 and a descriptor, or -ECONNREFUSED (nobody there, or no such path),
 * -EACCES, -ENAMETOOLONG, -ETIMEDOUT, or another -errno.
 */
int thr_connection_open(int *ret_fd, const char *path, unsigned timeout_ms);

/* Close what an answer brought. */
void thr_connection_close_fds(struct connection_answer *answer);

/*
 * Send a request and wait for the reply. 0 if a reply of our version came, whatever its status;
 * -EPROTO if it is none, -ECONNRESET if the daemon went away, -EMFILE if there is no room for the
 * descriptors that came with it, -ETIMEDOUT.
 */
int thr_connection_ask(int fd, const void *request, size_t size, unsigned timeout_ms,
	struct connection_answer *ret);

/*
 * The two halves of asking, for who waits for the reply together with other things: the socket is
 * readable when there is one, or the daemon is gone.
 */
int thr_connection_send(int fd, const void *request, size_t size, unsigned timeout_ms);
int thr_connection_receive(int fd, unsigned timeout_ms, struct connection_answer *ret);

/*
 * Connect and ask; if the daemon goes away in between, as it does when it is restarted, connect and
 * ask again, for `timeout_ms` altogether; -ECONNRESET only then. *ret_fd is the connection, the
 * caller's, also after an error unless it is -1.
 */
int thr_connection_ask_anew(int *ret_fd, const char *path, const void *request, size_t size,
	unsigned timeout_ms, struct connection_answer *ret);

#endif
