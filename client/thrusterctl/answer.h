/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_ANSWER_H
#define CLIENT_THRUSTERCTL_ANSWER_H

/* Asking the daemon a question and getting JSON back. */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include "client/connection.h"
#include "client/thrusterctl/verb.h"
#include "shm/wire.h"

/*
 * Ask. EXIT_OK and the parsed answer, the caller's; or another status after saying on standard
 * error what is wrong. `limit` is what struct wire_query says of it; most questions have none.
 */
enum exit_status answer_get(json_t **ret, const struct command *command,
	enum wire_question question, uint32_t limit);

/* The two halves of it, for who can do without an answer: 0 or a negative errno, -ETIMEDOUT if the
 * daemon did not answer in command->timeout_ms; and the status that an error is, told. */
int answer_ask(json_t **ret, const struct command *command, enum wire_question question,
	uint32_t limit);
enum exit_status answer_fail(const struct command *command, int error);

/* What a reply of status 0 brought, parsed; the caller's. 0, -EPROTO or another -errno. */
int answer_parse(json_t **ret, const struct connection_answer *reply);

/* What is wrong, in words; and the status that it is. */
enum exit_status answer_explain(
	char *text, size_t size, const struct command *command, int error);

/* EXIT_OK if the daemon showed an arena; EXIT_ERROR, and a word about it, if the asker may see
 * none: that nothing is wrong with what one cannot see means nothing. */
enum exit_status answer_must_show(const json_t *answer);

/* Print JSON as it came. */
void answer_print(const json_t *answer);

/* A whole number in an object, 0 if it is not there. */
uint64_t answer_number(const json_t *object, const char *key);
const char *answer_string(const json_t *object, const char *key);

#endif
