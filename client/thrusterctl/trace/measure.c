/* SPDX-License-Identifier: MIT */
/* The program is the installed one; or, in a build that is not installed, the one beside ours. */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "client/thrusterctl/trace/measure.h"

#define INSTALLED THRUSTER_SBINDIR "/thruster-probes"
#define IN_BUILD "/../thruster-probes/thruster-probes"

static const char *program(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof(IN_BUILD));
	char *slash;

	if (n > 0) {
		path[n] = 0;
		slash = strrchr(path, '/');
		strcpy(slash, IN_BUILD);
		if (access(path, X_OK) == 0)
			return path;
	}
	return INSTALLED;
}

void measure_begin(struct measure *m, const char *socket_path, double seconds)
{
	char path[PATH_MAX], time[32];
	posix_spawn_file_actions_t actions;
	int ends[2];
	const char *const argv[] = { "thruster-probes", "--socket", socket_path, "--measure", time,
		NULL };

	*m = (struct measure){ .fd = -1 };
	snprintf(time, sizeof(time), "%.3f", seconds);
	if (pipe(ends) < 0)
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	if (posix_spawn(&m->pid, program(path), &actions, NULL,
		    (char *const *)argv, environ) != 0)
		m->pid = 0;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	m->fd = ends[0];
}

json_t *measure_end(struct measure *m)
{
	json_t *o = m->fd >= 0 ? json_loadfd(m->fd, JSON_DISABLE_EOF_CHECK, NULL) : NULL;

	if (m->fd >= 0)
		close(m->fd);
	if (m->pid > 0)
		waitpid(m->pid, NULL, 0);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return json_pack("{s:s, s:s}", "state", "unavailable", "reason",
		m->pid > 0 ? "thruster-probes failed"
			   : "thruster-probes is not installed here");
}
