/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TOP_FEED_H
#define CLIENT_THRUSTERCTL_TOP_FEED_H

/* Answers of the daemon, asked for while other things go on. One question at a time. */

#include <jansson.h>
#include <stdint.h>
#include "client/thrusterctl/verb.h"

struct top_feed {
	const struct command *command;
	int fd;              /* of the question that is open, or -1 */
	uint64_t asked_ms;
	uint64_t answered_ms; /* when the last answer came */
	int error;           /* of the last question, 0 if it was answered */
};

/* `now_ms` is of any clock that does not jump. */
void top_feed_init(struct top_feed *feed, const struct command *command, uint64_t now_ms);
void top_feed_fini(struct top_feed *feed);

/* Ask, unless a question is open. Returns at once, or after a short moment if the daemon has too
 * many who want to connect. */
void top_feed_ask(struct top_feed *feed, uint64_t now_ms);

/* When the descriptor is readable, or some time has passed: the answer, the caller's, or NULL. One
 * that does not come within the command's timeout is given up. */
json_t *top_feed_take(struct top_feed *feed, uint64_t now_ms);

#endif
