/* SPDX-License-Identifier: MIT */
/* One question of few bytes: the statistics of a large arena would be long. */

#include <string.h>
#include <systemd/sd-daemon.h>
#include "client/connection.h"
#include "client/thruster-probes/processes.h"
#include "client/thruster-probes/status.h"

#define ANSWER_MS 5000u

int processes_connect(const char *socket_path)
{
	int fd, r = thr_connection_open(&fd, socket_path, ANSWER_MS);

	if (r == 0)
		return fd;
	status_say(SD_ERR, "%s: %s", socket_path, strerror(-r));
	return r;
}

json_t *processes_get(int fd)
{
	struct wire_query query = {
		.header = wire_header_make(WIRE_QUERY),
		.question = WIRE_QUESTION_PROCESSES,
	};
	struct connection_answer answer = { .fd = { -1, -1 } };
	json_t *root = NULL, *pids;

	if (thr_connection_ask(fd, &query, sizeof(query), ANSWER_MS, &answer) < 0)
		return NULL;
	if (answer.fd[0] >= 0)
		root = json_loadfd(answer.fd[0], 0, NULL);
	thr_connection_close_fds(&answer);
	pids = json_incref(json_object_get(root, "pids"));
	json_decref(root);
	return pids;
}
