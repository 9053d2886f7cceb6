/* SPDX-License-Identifier: MIT */
/*
 * Cores that the daemon's cpuset forbids: its visitor cannot go there, so clients there must not
 * hold segments as cores, and whoever waits gets every slot all the same. The cpuset is a control
 * group of the test's own, in which the daemon alone is started, and which goes with it. Cores that
 * are offline are in unit-core: a test does not switch cores of the machine off.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "tests/daemon/hands.h"

#define SLOTS_OF_CORE 64u

static char group[128];

static bool write_to(const char *directory, const char *file, const char *text)
{
	char path[256];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = write(fd, text, strlen(text));
		close(fd);
	}
	return n == (ssize_t)strlen(text);
}

static bool copy_up(const char *parent, const char *file)
{
	char path[256], text[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", parent, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	return write_to(group, file, text);
}

/* A group below a root of version 1, or of version 2 where children may have cpusets. */
static bool group_new(int core)
{
	static const char *const roots[] = { "/sys/fs/cgroup/cpuset", "/sys/fs/cgroup" };
	char number[16];
	unsigned i;

	snprintf(number, sizeof(number), "%d", core);
	for (i = 0; i < 2; i++) {
		snprintf(group, sizeof(group), "%s/thruster-test-%d", roots[i], (int)getpid());
		if (mkdir(group, 0700) < 0)
			continue;
		if (write_to(group, "cpuset.cpus", number) &&
			(i == 1 || copy_up(roots[i], "cpuset.mems")))
			return true;
		rmdir(group);
	}
	return false;
}

/* Start the daemon from within the group, and come out again. */
static bool start_inside(struct host *host, const char *config)
{
	char root[128], *slash;

	if (!write_to(group, "cgroup.procs", "0"))
		return false;
	host_start(host, config);
	snprintf(root, sizeof(root), "%s", group);
	slash = strrchr(root, '/');
	*slash = 0;
	return write_to(root, "cgroup.procs", "0");
}

Test(cpuset, clients_on_a_core_that_the_daemon_cannot_visit, .timeout = 60)
{
	unsigned cores = (unsigned)sysconf(_SC_NPROCESSORS_CONF), all = SLOTS_OF_CORE * cores, i;
	struct hand there, here;
	struct host host;
	char config[256];
	int allowed = allowed_core(0), forbidden = allowed_core(1);
	json_t *stats;

	if (forbidden < 0)
		cr_skip_test("this process may run on one core only");
	if (!group_new(allowed))
		cr_skip_test("no control group with a cpuset can be made here");
	snprintf(config, sizeof(config),
		"{ \"arenas\": [ { \"name\": \"default\", \"classes\": ["
		" { \"slot_bytes\": 64, \"slots\": %u } ] } ] }",
		all);
	if (!start_inside(&host, config)) {
		rmdir(group);
		cr_skip_test("this process may not enter a control group");
	}
	cr_expect(file_contains(host.log, "cannot be visited"), "the daemon says nothing of it");
	there = hand_new(&host, forbidden, true);
	here = hand_new(&host, allowed, true);
	for (i = 0; i < 2; i++) {
		struct hand *one = i ? &here : &there, *two = i ? &there : &here;

		cr_expect_eq(hand_do(one, HAND_TAKE, all, 1), all);
		cr_expect_eq(hand_do(one, HAND_GIVE, all, 1), all);
		cr_expect_eq(hand_do(two, HAND_TAKE, all, 1), all, "round %u", i);
		cr_expect_eq(hand_do(two, HAND_GIVE, all, 1), all);
	}
	stats = host_stats(&host);
	snprintf(config, sizeof(config), "arenas[0].classes[0].cores[%d].slots", forbidden);
	cr_expect_eq(json_number(stats, config), 0, "the core holds segments");
	json_decref(stats);
	hand_end(&there);
	hand_end(&here);
	host_must_be_well(&host);
	host_stop(&host);
	cr_expect_eq(rmdir(group), 0, "%s is left behind", group);
}
