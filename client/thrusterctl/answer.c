/* SPDX-License-Identifier: MIT */
/* The text comes in a sealed memfd, so its size is no matter and nobody changes it while we read.
 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "client/thrusterctl/answer.h"

#define NOTICE_S 1u

static char notice[128];

/* Whoever sits at a terminal is told what takes so long. */
static void on_alarm(int signal)
{
	ssize_t n = write(STDERR_FILENO, notice, strlen(notice));

	(void)n;
	(void)signal;
}

static void alarm_begin(const struct command *command)
{
	struct sigaction action = { .sa_handler = on_alarm };

	if (!isatty(STDERR_FILENO) || command->timeout_ms <= NOTICE_S * 1000)
		return;
	snprintf(notice, sizeof(notice), "thrusterctl: waiting for the daemon, up to %u s\n",
		command->timeout_ms / 1000);
	sigaction(SIGALRM, &action, NULL);
	alarm(NOTICE_S);
}

enum exit_status answer_explain(
	char *text, size_t size, const struct command *command, int error)
{
	const char *socket_path = command->socket_path;

	switch (error) {
	case -ECONNREFUSED:
	case -ECONNRESET:
		snprintf(text, size, "no daemon answers at %s; is thrusterd running?", socket_path);
		return EXIT_NO_DAEMON;
	case -ETIMEDOUT:
		snprintf(text, size, "the daemon at %s does not answer within %u s", socket_path,
			command->timeout_ms / 1000);
		return EXIT_NO_DAEMON;
	case -EACCES:
		snprintf(text, size,
			"that is for root, the daemon's own user and the admins of its "
			"configuration");
		return EXIT_ERROR;
	case -EPROTO:
		snprintf(text, size, "what answers at %s is no thrusterd of this version (%s)",
			socket_path, THRUSTER_VERSION);
		return EXIT_ERROR;
	default:
		snprintf(text, size, "%s: %s", socket_path, strerror(-error));
		return EXIT_ERROR;
	}
}

enum exit_status answer_fail(const struct command *command, int error)
{
	char text[PATH_MAX + 128];
	enum exit_status status = answer_explain(text, sizeof(text), command, error);

	fprintf(stderr, "thrusterctl: %s\n", text);
	return status;
}

int answer_parse(json_t **ret, const struct connection_answer *reply)
{
	json_error_t error;
	struct stat st;
	void *text;

	if (reply->fd[0] < 0 || fstat(reply->fd[0], &st) < 0)
		return -EPROTO;
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, reply->fd[0], 0);
	if (text == MAP_FAILED)
		return -errno;
	*ret = json_loadb(text, (size_t)st.st_size, 0, &error);
	munmap(text, (size_t)st.st_size);
	return *ret ? 0 : -EPROTO;
}

int answer_ask(
	json_t **ret, const struct command *command, enum wire_question question, uint32_t limit)
{
	struct wire_query query = {
		.header = wire_header_make(WIRE_QUERY),
		.question = question,
		.limit = limit,
	};
	struct connection_answer answer = { .fd = { -1, -1 } };
	int fd, r;

	alarm_begin(command);
	r = thr_connection_ask_anew(
		&fd, command->socket_path, &query, sizeof(query), command->timeout_ms, &answer);
	alarm(0);
	if (fd >= 0)
		close(fd);
	if (r == 0)
		r = answer.reply.status;
	if (r == 0)
		r = answer_parse(ret, &answer);
	thr_connection_close_fds(&answer);
	return r;
}

enum exit_status answer_get(json_t **ret, const struct command *command,
	enum wire_question question, uint32_t limit)
{
	int r = answer_ask(ret, command, question, limit);

	return r < 0 ? answer_fail(command, r) : EXIT_OK;
}

enum exit_status answer_must_show(const json_t *answer)
{
	if (json_array_size(json_object_get(answer, "arenas")) > 0)
		return EXIT_OK;
	fprintf(stderr,
		"thrusterctl: you may see no arena of this daemon; ask as root, or as a user "
		"whom an arena allows\n");
	return EXIT_ERROR;
}

void answer_print(const json_t *answer)
{
	json_dumpf(answer, stdout, JSON_INDENT(2));
	putchar('\n');
}

uint64_t answer_number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

const char *answer_string(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "-";
}
