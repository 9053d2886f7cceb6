/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_REQUESTS_H
#define DAEMON_REQUESTS_H

/* What each request of shm/wire.h does; `userdata` is the daemon. */

#include "daemon/session.h"

void requests_answer(struct session *session, const union wire_request *request, void *userdata);

/* A connection has ended: if it stood for a client, that may be gone. */
void requests_end(struct session *session, void *userdata);

#endif
