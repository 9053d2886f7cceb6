/* SPDX-License-Identifier: MIT */
/* thrusterctl, and a pipe from it. Its exit status is not looked at: a bad verdict is one too. */

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "bench/daemon.h"
#include "bench/deaths/crew.h"
#include "bench/deaths/word.h"
#include "bench/fail.h"

json_t *word_of_daemon(const char *thrusterctl, const char *command)
{
	int ends[2];
	json_t *document;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("cannot make a pipe");
	pid = crew_fork();
	if (pid == 0) {
		if (dup2(ends[1], STDOUT_FILENO) >= 0)
			execl(thrusterctl, thrusterctl, "--json", "--socket", daemon_socket(),
				command, (char *)NULL);
		_exit(EXIT_FAILURE);
	}
	close(ends[1]);
	document = json_loadfd(ends[0], JSON_DISABLE_EOF_CHECK, NULL);
	close(ends[0]);
	crew_bury(pid);
	return document;
}
