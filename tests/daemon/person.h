/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DAEMON_PERSON_H
#define TESTS_DAEMON_PERSON_H

/* Acting as other users, which only root can. */

#include <criterion/criterion.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/daemon/raw.h"

struct person {
	uid_t uid;
	gid_t gid, group; /* `group` is supplementary; 0 = none */
};

/* For good. A process that cannot exits with 255. */
static inline void become(struct person p)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setgroups(p.group ? 1 : 0, &p.group) < 0 || setresgid(p.gid, p.gid, p.gid) < 0 ||
		setresuid(p.uid, p.uid, p.uid) < 0)
		_exit(255);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* becoming another has cleared it */
}

/* What `act` gives, 0 or a negative errno, in a process that is this person. */
static inline int as(struct person p, int (*act)(const char *argument), const char *argument)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		become(p);
		_exit(-act(argument));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) != 255, "%#x", (unsigned)status);
	return -WEXITSTATUS(status);
}

/*
 * Likewise, but goes on beside us: returns when `act` has written a byte to the descriptor that it
 * is given, and then is to stay until it is killed.
 */
static inline pid_t beside(
	struct person p, void (*act)(int ready, const char *argument), const char *argument)
{
	int ready[2];
	pid_t pid;
	char c;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		close(ready[0]);
		become(p);
		act(ready[1], argument);
		_exit(254);
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &c, 1), 1, "it is not ready");
	close(ready[0]);
	return pid;
}

static inline int can_write(const char *path)
{
	return access(path, W_OK) == 0 ? 0 : -EACCES;
}

/* Start a host that other users can reach, or skip the test; then host->pid is 0. */
static inline void host_start_for_others(struct host *host, const char *config)
{
	host->pid = 0;
	if (geteuid() != 0)
		cr_skip_test("only root can be other users");
	host_start(host, config);
	if (as((struct person){ 65534, 65534, 0 }, can_write, host->socket) != 0) {
		host_stop(host);
		host->pid = 0;
		cr_skip_test("other users may not look into $TMPDIR here");
	}
}

#endif
