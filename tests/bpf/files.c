/* SPDX-License-Identifier: MIT */
/*
 * Which files are traced: those that were named, as they are now, also after they were replaced;
 * and what clients have mapped, wherever it lies. A client that ran before is traced like one that
 * comes later.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/harness/harness.h"
#include "tests/harness/keeper.h"

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8, \"classes\": ["
	" { \"slot_bytes\": 65536, \"slots\": 1 } ] } ] }";

static struct host host;
static struct probes probes;
static char library[128]; /* a copy of ours, in the host's directory */

static void copy_library(const char *as)
{
	char command[600], output[256];

	/* As a package manager does it: a new file, moved over the old one. */
	snprintf(command, sizeof(command), "cp %s %s.new && mv %s.new %s",
		getenv("THRUSTER_LIBRARY"), as, as, as);
	cr_assert_eq(shell(command, output, sizeof(output)), 0, "%s", output);
}

static void set_up(void)
{
	const char *why;

	if (!probes_can_trace(&why))
		cr_skip_test("%s", why);
	host_start(&host, config);
	snprintf(library, sizeof(library), "%s/libthruster-client.so.0", host.directory);
	copy_library(library);
}

static void clean_up(void)
{
	if (!host.pid)
		return;
	cr_assert_eq(probes_stop(&probes), 0);
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(files, .init = set_up, .fini = clean_up, .timeout = 60);

struct contender {
	pid_t pid;
	int orders, done;
};

/* The program, with that copy of the library; it has attached when this returns. */
static struct contender contender_start(void)
{
	struct contender c;
	int orders[2], done[2];
	char byte;

	cr_assert_eq(pipe2(orders, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(done, O_CLOEXEC), 0);
	c.pid = fork();
	if (c.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(orders[0], 0);
		dup2(done[1], 1);
		setenv("LD_LIBRARY_PATH", host.directory, 1);
		execl(getenv("THRUSTER_CONTENDER"), "contender", NULL);
		_exit(127);
	}
	c.orders = orders[1];
	c.done = done[0];
	close(orders[0]);
	close(done[1]);
	cr_assert_eq(read(c.done, &byte, 1), 1);
	return c;
}

/* It finds the pool exhausted once more. */
static void contender_exhaust(struct contender *c)
{
	char byte;

	cr_assert_eq(write(c->orders, "", 1), 1);
	cr_assert_eq(read(c->done, &byte, 1), 1);
}

static void contender_stop(struct contender *c)
{
	close(c->orders);
	close(c->done);
	waitpid(c->pid, NULL, 0);
}

static int64_t seen(void)
{
	json_t *stats = host_stats(&host), *core;
	int64_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(json_array_get(json_object_get(json_array_get(
		json_object_get(json_object_get(stats, "contention"), "arenas"), 0), "classes"), 0),
		"cores"), i, core)
		n += json_integer_value(json_object_get(core, "exhausted_total"));
	json_decref(stats);
	return n;
}

static bool is_listed(const char *path)
{
	json_t *stats = host_stats(&host), *probe;
	struct stat st = { 0 };
	bool found = false;
	size_t i;

	cr_assert_eq(stat(path, &st), 0);
	json_array_foreach(json_object_get(json_object_get(json_object_get(stats, "contention"),
		"ebpf"), "probes"), i, probe)
		found |= json_integer_value(json_object_get(probe, "inode")) == (int64_t)st.st_ino;
	json_decref(stats);
	return found;
}

static void await_listed(const char *path)
{
	unsigned tries;

	for (tries = 0; tries < 200 && !is_listed(path); tries++)
		sleep_ms(50);
	cr_assert(is_listed(path), "%s is not attached to", path);
}

Test(files, running_and_later_processes)
{
	struct contender before = contender_start(), after;

	contender_exhaust(&before);
	cr_assert_eq(seen(), 0);
	probes_start(&probes, &host, (const char *[]){ "--file", library, NULL }, NULL);
	contender_exhaust(&before);
	cr_assert_eq(seen(), 1);
	after = contender_start();
	contender_exhaust(&after);
	cr_assert_eq(seen(), 2);
	contender_stop(&before);
	contender_stop(&after);
}

Test(files, a_library_that_is_replaced)
{
	struct contender old, new;

	probes_start(&probes, &host, (const char *[]){ "--file", library, NULL }, NULL);
	old = contender_start();
	copy_library(library);
	await_listed(library);
	new = contender_start();
	contender_exhaust(&old);
	contender_exhaust(&new);
	cr_assert_eq(seen(), 2);
	contender_stop(&old);
	contender_stop(&new);
}

/* Nobody named it: a client has it mapped. */
Test(files, what_clients_have_mapped)
{
	struct contender c;

	probes_start(&probes, &host, NULL, NULL);
	c = contender_start();
	await_listed(library);
	contender_exhaust(&c);
	cr_assert_eq(seen(), 1);
	contender_stop(&c);
}

static void await_attached(void)
{
	const char *state = "";
	unsigned tries;
	json_t *stats;

	for (tries = 0; tries < 200; tries++, sleep_ms(50)) {
		stats = host_stats(&host);
		json_unpack(json_object_get(stats, "contention"), "{s:{s:s}}", "ebpf", "state",
			&state);
		state = strcmp(state, "attached") == 0 ? "attached" : "";
		json_decref(stats);
		if (*state)
			return;
	}
	cr_assert_fail("it did not attach");
}

Test(files, only_one_may_trace)
{
	char output[1024], command[512];

	probes_start(&probes, &host, NULL, NULL);
	snprintf(command, sizeof(command), "timeout 20 %s -s %s --once", getenv("THRUSTER_PROBES"),
		host.socket);
	cr_assert_eq(shell(command, output, sizeof(output)), 1);
	cr_assert(strstr(output, "another thruster-probes is connected"), "%s", output);
}

/* A client with many copies of the library, where it takes a long name to find them. */
static _Noreturn void have_many_copies(int ready)
{
	char name[200], link[200];
	unsigned i;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	host_attach(&host, NULL);
	cr_assert_eq(chdir(host.directory), 0);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	for (i = 0; i < 18; i++)
		if (mkdir(name, 0700) < 0 || chdir(name) < 0)
			_exit(1);
	for (i = 0; i < 40; i++) {
		snprintf(link, sizeof(link), "cp %s libthruster-client.so.%u", library, i);
		if (system(link) != 0)
			_exit(1);
		snprintf(link, sizeof(link), "libthruster-client.so.%u", i);
		fd = open(link, O_RDONLY | O_CLOEXEC);
		if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
			_exit(1);
		close(fd);
	}
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* What is told of all files together has to be short enough for the daemon. */
Test(files, many_copies_with_long_names)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	probes_start(&probes, &host, (const char *[]){ "--file", library, NULL }, NULL);
	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		have_many_copies(ready[1]);
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	sleep_ms(5000); /* it looks every 2 seconds */
	cr_assert_eq(host_number(&host, "daemon.protocol_violations_total"), 0);
	await_attached();
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void set_up_kept(void)
{
	const char *why;

	if (!probes_can_trace(&why))
		cr_skip_test("%s", why);
	keeper_start(&host, config);
	snprintf(library, sizeof(library), "%s/libthruster-client.so.0", host.directory);
	copy_library(library);
}

static void clean_up_kept(void)
{
	if (!host.pid)
		return;
	cr_assert_eq(probes_stop(&probes), 0);
	host_must_be_well(&host);
	keeper_stop(&host);
}

TestSuite(restarts, .init = set_up_kept, .fini = clean_up_kept, .timeout = 60);

/* The daemon is restarted: thruster-probes finds its successor, and it goes on where it was. */
Test(restarts, the_daemon_comes_back)
{
	struct contender c;
	unsigned i;

	probes_start(&probes, &host, (const char *[]){ "--file", library, NULL }, NULL);
	c = contender_start();
	for (i = 1; i <= 3; i++) {
		contender_exhaust(&c);
		cr_assert_eq(seen(), i);
		keeper_restart(&host, i == 2 ? SIGKILL : SIGTERM, NULL);
		await_attached();
		cr_assert_eq(seen(), i);
	}
	contender_stop(&c);
}

Test(restarts, it_is_restarted_itself)
{
	struct contender c;

	probes_start(&probes, &host, (const char *[]){ "--file", library, NULL }, NULL);
	c = contender_start();
	cr_assert_eq(probes_stop(&probes), 0);
	contender_exhaust(&c);
	probes_start(&probes, &host, (const char *[]){ "--file", library, NULL }, NULL);
	contender_exhaust(&c);
	cr_assert_eq(seen(), 1); /* it begins anew */
	contender_stop(&c);
}
