/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DAEMON_GROUP_H
#define TESTS_DAEMON_GROUP_H

/* A control group with little memory, of the test's own. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/harness/harness.h"

#define GROUP_V1 "/sys/fs/cgroup/memory"
#define GROUP_V2 "/sys/fs/cgroup"

/* False where that cannot be done. */
static inline bool group_try(
	char group[128], const char *root, const char *limit_file, unsigned long bytes)
{
	char file[256];
	FILE *f;
	bool done;

	snprintf(group, 128, "%s/thruster-test-%d", root, (int)getpid());
	if (mkdir(group, 0755) < 0)
		return false;
	snprintf(file, sizeof(file), "%s/%s", group, limit_file);
	f = fopen(file, "r+e");
	done = f && fprintf(f, "%lu", bytes) > 0;
	if (f)
		done &= fclose(f) == 0;
	if (!done)
		rmdir(group);
	return done;
}

/* Make a group, or skip the test. */
static inline void group_new(char group[128], unsigned long bytes)
{
	if (!group_try(group, GROUP_V1, "memory.limit_in_bytes", bytes) &&
		!group_try(group, GROUP_V2, "memory.max", bytes))
		cr_skip_test("no control group for memory can be made here");
}

/* Move the calling process there. */
static inline bool group_enter(const char *group)
{
	char file[256];
	FILE *f;
	bool done;

	snprintf(file, sizeof(file), "%s/cgroup.procs", group);
	f = fopen(file, "we");
	done = f && fprintf(f, "%d", (int)getpid()) > 0;
	return f && fclose(f) == 0 && done;
}

/* As soon as the last of it has gone. */
static inline void group_remove(const char *group)
{
	uint64_t until = now_ns() + 10000000000u;

	while (rmdir(group) < 0 && now_ns() < until)
		sleep_ms(5);
	cr_expect_eq(access(group, F_OK), -1, "%s stays", group);
}

#endif
