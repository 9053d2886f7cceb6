/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_ANSWER_H
#define CLIENT_THRUSTERCTL_ANSWER_H

/* Asking the daemon a question and getting JSON back. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "shm/wire.h"

enum exit_status {
	EXIT_OK = 0,
	EXIT_ERROR = 1,
	EXIT_USAGE = 2,
	EXIT_NO_DAEMON = 3,
};

struct command {
	const char *socket_path; /* as chosen, never NULL */
	bool is_json;
	bool with_cores; /* stats: also what each core did */
	uint32_t limit;
	const char *arena; /* trim: only this one, NULL = all */
};

/*
 * Ask. EXIT_OK and the parsed answer, the caller's; or another status after saying on standard
 * error what is wrong.
 */
enum exit_status answer_get(json_t **ret, const struct command *command,
	enum wire_question question);

/* EXIT_OK if the daemon showed an arena; EXIT_ERROR, and a word about it, if the asker may see
 * none: that nothing is wrong with what one cannot see means nothing. */
enum exit_status answer_must_show(const json_t *answer);

/* Print JSON as it came. */
void answer_print(const json_t *answer);

/* A whole number in an object, 0 if it is not there. */
uint64_t answer_number(const json_t *object, const char *key);
const char *answer_string(const json_t *object, const char *key);

/* The commands. */
enum exit_status command_stats(const struct command *command);
enum exit_status command_clients(const struct command *command);
enum exit_status command_leases(const struct command *command);
enum exit_status command_check(const struct command *command);
enum exit_status command_trim(const struct command *command);

#endif
