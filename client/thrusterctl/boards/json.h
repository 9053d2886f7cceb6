/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_BOARDS_JSON_H
#define CLIENT_THRUSTERCTL_BOARDS_JSON_H

#include <jansson.h>
#include "client/thrusterctl/boards/boards.h"

/*
 * The boards as the daemon would have told of them: the document of `stats`, without what only the
 * daemon knows. daemon.state is "unresponsive". The caller's.
 */
json_t *boards_json(const struct boards *boards);

#endif
