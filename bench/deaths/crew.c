/* SPDX-License-Identifier: MIT */
/* Who was begun, so that nobody is left behind. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/daemon.h"
#include "bench/deaths/crew.h"
#include "bench/fail.h"

#define CREW_MAX 128u

static pid_t crew[CREW_MAX];
static pid_t captain;
static sigset_t awaited;

static void end_all(void)
{
	unsigned i;

	if (getpid() != captain)
		return;
	for (i = 0; i < CREW_MAX; i++)
		if (crew[i])
			crew_kill(crew[i]);
	/* Their own children, who died with them. */
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

void crew_prepare(void)
{
	captain = getpid();
	atexit(end_all);
	prctl(PR_SET_TIMERSLACK, 1);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	sigaddset(&awaited, SIGHUP);
	sigaddset(&awaited, SIGINT);
	sigaddset(&awaited, SIGTERM);
	sigprocmask(SIG_BLOCK, &awaited, NULL);
}

static unsigned place_of(pid_t pid)
{
	unsigned i = 0;

	while (i < CREW_MAX && crew[i] != pid)
		i++;
	if (i == CREW_MAX)
		fail("too many processes at once");
	return i;
}

pid_t crew_fork(void)
{
	unsigned i = place_of(0);
	pid_t pid = fork();

	if (pid < 0)
		fail("cannot fork: %s", strerror(errno));
	if (pid == 0)
		child_settle(captain);
	else
		crew[i] = pid;
	return pid;
}

void crew_bury(pid_t pid)
{
	waitpid(pid, NULL, 0);
	crew[place_of(pid)] = 0;
}

void crew_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	crew_bury(pid);
}

bool crew_has_ended(pid_t pid, int *ret_status)
{
	if (waitpid(pid, ret_status, WNOHANG) != pid)
		return false;
	crew[place_of(pid)] = 0;
	return true;
}

void crew_sleep(int64_t ns)
{
	struct timespec time = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	int signal = sigtimedwait(&awaited, NULL, &time);

	if (signal > 0 && signal != SIGCHLD)
		fail("stopped by signal %d", signal);
	daemon_check();
}
