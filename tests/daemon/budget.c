/* SPDX-License-Identifier: MIT */
/*
 * An arena that does not fit is refused before it is begun, with words, where the kernel's own
 * answer would be to kill somebody.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/daemon/group.h"

static char path[64], output[4096];

static void set_up(void)
{
	strcpy(path, "/tmp/thruster-budget-XXXXXX");
	cr_assert(close(mkstemp(path)) == 0);
	unsetenv("JOURNAL_STREAM");
}

static void clean_up(void)
{
	unlink(path);
}

TestSuite(budget, .init = set_up, .fini = clean_up, .timeout = 60);

static void write_text(const char *file, const char *text)
{
	FILE *f = fopen(file, "we");

	cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s: %s", file, strerror(errno));
}

/* Run the daemon, which must not come to serve, after a shell command. */
static int run(const char *before)
{
	char command[512];

	snprintf(command, sizeof(command), "%s timeout 30 %s --socket %s.s --config %s", before,
		getenv("THRUSTERD"), path, path);
	return shell(command, output, sizeof(output));
}

Test(budget, more_than_the_machine_has)
{
	unsigned long long has;

	write_text(path,
		"{ \"arenas\": [ { \"name\": \"huge\", \"classes\": ["
		"  { \"slot_bytes\": 1073741824, \"slots\": 8192, \"align_bytes\": 4096 } ] } ] }");
	cr_expect_eq(run(""), 1);
	cr_expect_eq(sscanf(output,
			     "thrusterd: arena huge needs 8796%*u bytes and cannot be had: this "
			     "machine has %llu bytes available\n",
			     &has),
		1, "%s", output);
	cr_expect_neq(access(path, F_OK), -1);
}

/* It may be right for another machine, so it is no mistake; but it is said. */
Test(budget, check_config_says_what_will_not_go)
{
	char command[512];

	write_text(path,
		"{ \"arenas\": [ { \"name\": \"huge\", \"allow\": { }, \"classes\": ["
		"  { \"slot_bytes\": 1073741824, \"slots\": 8192, \"align_bytes\": 4096 } ] } ] }");
	snprintf(command, sizeof(command), "%s --check-config --config %s", getenv("THRUSTERD"),
		path);
	cr_expect_eq(shell(command, output, sizeof(output)), 0, "%s", output);
	cr_expect(strstr(output, "warning: arena huge: \"allow\" is empty"), "%s", output);
	cr_expect(strstr(output, "warning: all arenas need 8796"), "%s", output);
}

/* The first arena is had, the second is too much: nothing is served, nothing is left. */
Test(budget, the_second_arena_is_too_much)
{
	write_text(path,
		"{ \"arenas\": ["
		"{ \"name\": \"small\", \"classes\": [ { \"slot_bytes\": 64, \"slots\": 1 } ] },"
		"{ \"name\": \"huge\", \"classes\": ["
		"  { \"slot_bytes\": 1073741824, \"slots\": 8192, \"align_bytes\": 4096 } ] } ] }");
	cr_expect_eq(run(""), 1);
	cr_expect(
		strstr(output, "arena huge needs") && !strstr(output, "arena small"), "%s", output);
}

Test(budget, more_than_the_control_group_may_have)
{
	char group[128], before[256];

	group_new(group, 64 << 20);
	write_text(path,
		"{ \"arenas\": [ { \"name\": \"large\", \"classes\": ["
		"  { \"slot_bytes\": 1048576, \"slots\": 200, \"align_bytes\": 4096 } ] } ] }");
	/* A shell of its own moves there and becomes the daemon. */
	snprintf(before, sizeof(before), "sh -c 'echo $$ >%s/cgroup.procs && exec \"$@\"' sh",
		group);
	cr_expect_eq(run(before), 1, "%s", output);
	cr_expect(strstr(output, "thrusterd: arena large needs 209"), "%s", output);
	cr_expect(strstr(output, "cannot be had: the control group "), "%s", output);
	cr_expect(strstr(output, " bytes left of its limit\n"), "%s", output);
	group_remove(group);
}

/* What there is not enough of, and what there is not at all, is said before anybody comes. */
Test(budget, huge_pages_that_are_not_there)
{
	const char format[] =
		"{ \"arenas\": [ { \"name\": \"huge\", \"memory\": { \"page_bytes\": %s },"
		"  \"classes\": [ { \"slot_bytes\": 1073741824, \"slots\": 8192 } ] } ] }";
	char config[512];

	snprintf(config, sizeof(config), format, "2097152");
	write_text(path, config);
	cr_expect_eq(run(""), 1);
	cr_expect(strstr(output, "thrusterd: arena huge needs 8796"), "%s", output);
	cr_expect(strstr(output, " pages of 2097152 bytes are needed, and ") ||
			  strstr(output, "this machine has no pages of 2097152 bytes\n"),
		"%s", output);
	snprintf(config, sizeof(config), format, "8192");
	write_text(path, config);
	cr_expect_eq(run(""), 1);
	cr_expect(strstr(output, "this machine has no pages of 8192 bytes\n"), "%s", output);
}

/* Where they are touched first, it does not matter at the start what they are. */
Test(budget, more_than_there_is_but_on_use)
{
	char command[512];

	write_text(path,
		"{ \"arenas\": [ { \"name\": \"huge\", \"memory\": { \"allocate\": \"on_use\" },"
		"  \"classes\": [ { \"slot_bytes\": 1073741824, \"slots\": 8192 } ] } ] }");
	snprintf(command, sizeof(command), "%s --check-config --config %s", getenv("THRUSTERD"),
		path);
	cr_expect_eq(shell(command, output, sizeof(output)), 0, "%s", output);
	cr_expect(!strstr(output, "warning"), "%s", output);
}
