/* SPDX-License-Identifier: MIT */
/* Which pages an arena has: all at the start, when they are touched, and given back when idle. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/daemon/group.h"
#include "tests/daemon/person.h"
#include "tests/harness/keeper.h"

#define SLOTS 4096u
#define SLOT_BYTES 4096u
#define BIG_SLOTS 8u
#define BIG_BYTES 65536u
#define MEMORY "arenas[0].memory."

/* Many small, many of a page, and few large: an open class. */
static const char format[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8, \"memory\": { %s }, "
	"\"classes\": [ { \"slot_bytes\": 64, \"slots\": 4096, \"align_bytes\": 64 },"
	"  { \"slot_bytes\": 4096, \"slots\": 4096, \"align_bytes\": 4096 },"
	"  { \"slot_bytes\": 65536, \"slots\": 8, \"align_bytes\": 4096 } ] } ] }";

static struct host host;
static char output[4096];

static void start(const char *memory)
{
	char config[1024];

	snprintf(config, sizeof(config), format, memory);
	keeper_start(&host, config);
}

static void clean_up(void)
{
	if (!host.pid)
		return;
	host_must_be_well(&host);
	keeper_stop(&host);
}

TestSuite(memory, .fini = clean_up, .timeout = 120);

static int64_t number(const char *path)
{
	return host_number(&host, path);
}

static int64_t resident(void)
{
	return number(MEMORY "resident_bytes");
}

/* The pages are gone before the trim has come to its end. */
static void await_trims(int64_t n)
{
	while (number(MEMORY "trims_total") < n)
		sleep_ms(2);
}

static void must_trim(void)
{
	cr_assert_eq(host_ctl(&host, "trim", output, sizeof(output)), 0, "%s", output);
	cr_assert(strstr(output, "arena default: ") && strstr(output, " MiB given back, "), "%s",
		output);
}

/* Rent as many of a size, write each, and return it. */
static void use(struct thruster_pool *pool, unsigned n, size_t size)
{
	static struct thruster_lease lease[SLOTS];
	unsigned i;

	for (i = 0; i < n && thruster_rent(pool, size, &lease[i]) == 0; i++)
		memset(lease[i].data, 'x', lease[i].size);
	cr_assert_geq(2 * i, n, "most of them");
	while (i)
		cr_assert_eq(thruster_return(pool, &lease[--i]), 0);
}

static void await_clients(size_t n)
{
	json_t *stats, *clients;
	size_t is;

	do {
		stats = host_stats(&host);
		clients = json_object_get(
			json_array_get(json_object_get(stats, "arenas"), 0), "clients");
		is = json_array_size(clients);
		json_decref(stats);
	} while (is != n);
}

static bool is_filled(const struct thruster_lease *lease, char c)
{
	const char *byte = lease->data;
	size_t i;

	for (i = 0; i < lease->size; i++)
		if (byte[i] != c)
			return false;
	return true;
}

Test(memory, all_of_it_is_allocated_at_the_start)
{
	start("");
	cr_expect_eq(resident(), number("arenas[0].size_bytes"));
	cr_expect_eq(number(MEMORY "page_bytes"), 4096);
	cr_expect_eq(number(MEMORY "trims_total"), 0);
}

Test(memory, on_use_only_what_was_touched)
{
	struct thruster_pool *pool;
	int64_t before;

	start("\"allocate\": \"on_use\"");
	before = resident();
	cr_expect_geq(before, number("arenas[0].metadata_bytes"));
	cr_expect_leq(before, number("arenas[0].metadata_bytes") + 4096);
	pool = host_attach(&host, NULL);
	use(pool, BIG_SLOTS, BIG_BYTES);
	cr_expect_eq(resident() - before, BIG_SLOTS * BIG_BYTES);
	thruster_detach(pool);
}

/* What is leased stays, to the byte; what is free goes, also what cores and threads held. */
Test(memory, a_trim_gives_back_what_is_free_and_no_more)
{
	static const size_t sizes[] = { 64, SLOT_BYTES, BIG_BYTES, 3 * SLOT_BYTES };
	struct thruster_lease lease[4][5], again;
	struct thruster_pool *pool;
	int64_t metadata, after;
	unsigned i, j;

	start("");
	metadata = number("arenas[0].metadata_bytes");
	pool = host_attach(&host, NULL);
	for (i = 0; i < 3; i++)
		use(pool, i == 2 ? BIG_SLOTS : SLOTS, sizes[i]);
	for (i = 0; i < 4; i++)
		for (j = 0; j < 5; j++) {
			cr_assert_eq(thruster_rent(pool, sizes[i], &lease[i][j]), 0);
			memset(lease[i][j].data, (int)('a' + 5 * i + j), lease[i][j].size);
		}
	must_trim();
	after = resident();
	/* The small ones may lie on five pages. */
	cr_expect_geq(after, metadata + 5 * (4 * SLOT_BYTES + BIG_BYTES));
	cr_expect_leq(after, metadata + 5 * (5 * SLOT_BYTES + BIG_BYTES) + SLOT_BYTES);
	cr_expect_eq(number(MEMORY "trims_total"), 1);
	cr_expect_eq(number(MEMORY "trimmed_bytes_total"), number("arenas[0].size_bytes") - after);
	for (i = 0; i < 4; i++)
		for (j = 0; j < 5; j++) {
			cr_expect(is_filled(&lease[i][j], (char)('a' + 5 * i + j)), "%u %u", i, j);
			cr_expect_eq(thruster_return(pool, &lease[i][j]), 0);
		}
	cr_expect_eq(number("arenas[0].classes[1].leased"), 0);
	cr_assert_eq(thruster_rent(pool, BIG_BYTES, &again), 0);
	cr_assert_eq(thruster_return(pool, &again), 0);
	thruster_detach(pool);
}

/* As fork(), but nobody outlives the test. */
static pid_t fork_here(void)
{
	pid_t pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Two clients who rent, write, look and return without an end. */
static void work(void)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	char mine = (char)getpid();
	struct timespec deadline;
	struct thruster_lease lease;
	unsigned i;

	for (i = 0;; i++) {
		deadline = (struct timespec){ (time_t)(now_ns() / 1000000000) + 10, 0 };
		if (thruster_rent_wait(pool, i % 3 ? SLOT_BYTES : 64, &deadline, &lease) != 0)
			_exit(1);
		memset(lease.data, mine, lease.size);
		if (i % 64 == 0)
			usleep(50);
		if (!is_filled(&lease, mine) || thruster_return(pool, &lease) != 0)
			_exit(2);
	}
}

/* Slots that are spread end within pages: what lies on two of them goes as well, but for a page
 * between two segments. */
Test(memory, a_trim_leaves_no_page_between_two_free_slots)
{
	struct thruster_pool *pool;
	int64_t left;

	keeper_start(&host, "{ \"arenas\": [ { \"name\": \"default\", \"classes\": ["
			    " { \"slot_bytes\": 65536, \"slots\": 1024 } ] } ] }");
	pool = host_attach(&host, NULL);
	use(pool, 1024, 65536);
	thruster_detach(pool);
	must_trim();
	left = resident() - number("arenas[0].metadata_bytes");
	cr_expect_leq(left, (1024 / 64 + 1) * 4096, "%d pages are left", (int)(left / 4096));
}

Test(memory, trims_beside_clients_who_work)
{
	pid_t workers[2];
	unsigned i;
	int status;

	start("");
	for (i = 0; i < 2; i++) {
		workers[i] = fork_here();
		if (workers[i] == 0)
			work();
	}
	await_clients(2);
	for (i = 0; i < 30; i++)
		must_trim();
	for (i = 0; i < 2; i++) {
		cr_expect_eq(waitpid(workers[i], &status, WNOHANG), 0, "status %#x",
			(unsigned)status);
		kill_child(workers[i]);
	}
	cr_expect_eq(number(MEMORY "trims_total"), 30);
}

/* A second without a rent; then what was rented in the meantime is needed, and the rest is not. */
Test(memory, by_itself_what_is_idle_long_enough)
{
	struct thruster_pool *pool;
	struct thruster_lease lease;

	start("\"trim_after_s\": 1");
	pool = host_attach(&host, NULL);
	cr_assert_eq(thruster_rent(pool, BIG_BYTES, &lease), 0);
	memset(lease.data, 'x', lease.size);
	host_await(&host, MEMORY "resident_bytes",
		number("arenas[0].metadata_bytes") + BIG_BYTES);
	await_trims(1);
	cr_expect(is_filled(&lease, 'x'));
	cr_assert_eq(thruster_return(pool, &lease), 0);
	host_await(&host, MEMORY "resident_bytes", number("arenas[0].metadata_bytes"));
	thruster_detach(pool);
}

Test(memory, a_reload_changes_when_and_a_restart_keeps_the_totals)
{
	char config[1024];
	int64_t trims, bytes;

	start("");
	snprintf(config, sizeof(config), format, "\"trim_after_s\": 1");
	keeper_reload(&host, config);
	cr_expect_eq(number(MEMORY "trim_after_s"), 1);
	host_await(&host, MEMORY "resident_bytes", number("arenas[0].metadata_bytes"));
	await_trims(1);
	snprintf(config, sizeof(config), format, "");
	keeper_reload(&host, config);
	trims = number(MEMORY "trims_total");
	bytes = number(MEMORY "trimmed_bytes_total");
	cr_expect_gt(bytes, 0);
	keeper_restart(&host, SIGKILL, NULL);
	cr_expect_eq(number(MEMORY "trims_total"), trims);
	cr_expect_eq(number(MEMORY "trimmed_bytes_total"), bytes);
}

/* The daemon is killed while it has slots leased to itself: the next run takes them back. */
Test(memory, a_daemon_that_is_killed_in_a_trim)
{
	struct thruster_pool *pool;
	unsigned tries;
	pid_t ctl;

	start("");
	pool = host_attach(&host, NULL);
	for (tries = 0; tries < 300; tries++) {
		use(pool, SLOTS, SLOT_BYTES);
		ctl = fork_here();
		if (ctl == 0) {
			host_ctl(&host, "trim", output, sizeof(output));
			_exit(0);
		}
		usleep(10000 + tries % 30 * 500);
		keeper_kill(&host, SIGKILL);
		keeper_launch(&host, NULL);
		waitpid(ctl, NULL, 0);
		cr_assert_eq(number("arenas[0].classes[1].leased"), 0);
		if (number("reclaim.clients_total") > 0)
			break;
	}
	cr_expect_lt(tries, 300, "it was never killed in a trim");
	must_trim();
	thruster_detach(pool);
}

Test(memory, when_all_seats_are_taken)
{
	struct thruster_pool *pools[8];
	unsigned i;

	start("");
	for (i = 0; i < 8; i++)
		pools[i] = host_attach(&host, NULL);
	cr_expect_eq(host_ctl(&host, "trim", output, sizeof(output)), 1);
	cr_expect_str_eq(
		output, "arena default: not trimmed; the daemon's log says why\n", "%s", output);
	cr_expect(file_contains(
		host.log, "arena default: cannot be trimmed: all its seats are taken"));
	for (i = 0; i < 8; i++)
		thruster_detach(pools[i]);
	must_trim();
}

/* The last seat is a client's who wants it, and not a trim's. */
Test(memory, a_trim_makes_room_for_a_client)
{
	struct thruster_attach_options options;
	struct thruster_pool *pools[7], *last;
	unsigned i;
	pid_t ctl;

	start("");
	options = host_options(&host, NULL);
	for (i = 0; i < 7; i++)
		pools[i] = host_attach(&host, NULL);
	ctl = fork_here();
	while (ctl == 0)
		host_ctl(&host, "trim", output, sizeof(output));
	await_clients(8);
	for (i = 0; i < 200; i++) {
		cr_assert_eq(thruster_attach(&last, NULL, &options), 0, "%u", i);
		cr_assert_eq(thruster_detach(last), 0);
	}
	kill_child(ctl);
	for (i = 0; i < 7; i++)
		thruster_detach(pools[i]);
}

Test(memory, an_arena_by_its_name)
{
	start("");
	cr_expect_eq(host_ctl(&host, "trim default", output, sizeof(output)), 0, "%s", output);
	cr_expect_eq(host_ctl(&host, "trim other", output, sizeof(output)), 1);
	cr_expect_str_eq(output,
		"thrusterctl: there is no arena \"other\" that you may see\n", "%s", output);
	cr_expect_eq(host_ctl(&host, "trim default twice", output, sizeof(output)), 2);
	cr_expect_eq(host_ctl(&host, "--json trim", output, sizeof(output)), 0);
	cr_expect(strstr(output, "\"trims_total\": 2"), "%s", output);
}

/* How a process in the group ends that touches so much, of its own or of the arena. */
static int touch_in(const char *group, bool of_arena)
{
	struct thruster_lease lease;
	struct thruster_pool *pool;
	int status = 0;
	pid_t pid = fork_here();

	if (pid == 0) {
		if (!group_enter(group))
			_exit(9);
		if (of_arena) {
			pool = host_attach(&host, NULL);
			while (thruster_rent(pool, SLOT_BYTES, &lease) == 0)
				memset(lease.data, 'x', lease.size);
		} else {
			memset(malloc(SLOTS * SLOT_BYTES), 'x', SLOTS * SLOT_BYTES);
		}
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* The arena's 16 MiB were charged to the daemon, when it allocated them. */
Test(memory, a_client_under_a_tight_limit)
{
	char group[128];
	int status;

	group_new(group, 8 << 20);
	start("");
	status = touch_in(group, true);
	cr_expect_eq(status, 0, "%#x", (unsigned)status);
	status = touch_in(group, false);
	cr_expect(WIFSIGNALED(status), "%#x: the limit has no effect", (unsigned)status);
	group_remove(group);
}

/* Our own mapping of the arena, opened as a file. */
static int open_arena(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], range[128], path[256];

	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "memfd:thruster-default (deleted)") &&
			sscanf(line, "%127s", range) == 1)
			break;
	fclose(maps);
	snprintf(path, sizeof(path), "/proc/self/map_files/%s", range);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Writes to the arena's file from a page that nobody provides: 77 if that cannot be done here. */
static void write_for_ever(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC), fd;
	void *page = mmap(NULL, SLOT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);

	host_attach(&host, NULL);
	fd = open_arena();
	area.range = (struct uffdio_range){ (uintptr_t)page, SLOT_BYTES };
	if (faults < 0 || fd < 0 || ioctl(faults, UFFDIO_API, &api) < 0 ||
		ioctl(faults, UFFDIO_REGISTER, &area) < 0)
		_exit(77);
	/* Beyond the metadata, which is the daemon's business. */
	_exit(pwrite(fd, page, 64, 1 << 20) < 0 ? 1 : 2);
}

/* The kernel has the file locked for the writer. The trimmer waits for that, but not the daemon. */
Test(memory, a_client_that_holds_a_trim_up)
{
	pid_t writer, ctl;
	uint64_t begun;

	start("");
	writer = fork_here();
	if (writer == 0)
		write_for_ever();
	sleep_ms(300);
	if (waitpid(writer, NULL, WNOHANG) == writer)
		cr_skip_test("userfaultfd(2) is not to be had here");
	ctl = fork_here();
	if (ctl == 0) {
		host_ctl(&host, "trim", output, sizeof(output));
		_exit(0);
	}
	await_clients(2);
	sleep_ms(100);
	begun = now_ns();
	cr_expect(waitpid(ctl, NULL, WNOHANG) == 0, "the trim was not held up");
	cr_expect_eq(number(MEMORY "trims_total"), 0);
	keeper_restart(&host, SIGTERM, NULL);
	cr_expect_lt(now_ns() - begun, 20000000000u);
	thruster_detach(host_attach(&host, NULL));
	kill_child(writer);
	kill_child(ctl);
	await_clients(0);
	must_trim();
}

static int ask_for_a_trim(const char *socket)
{
	char command[256], said[512];

	snprintf(command, sizeof(command), "%s -s %s trim", getenv("THRUSTERCTL"), socket);
	if (shell(command, said, sizeof(said)) != 1 ||
		!strstr(said, "that is for root, the daemon's own user and the admins"))
		return -EBADMSG;
	return -EACCES;
}

Test(memory, only_operators_may_trim)
{
	const struct person other = { 4001, 4001, 0 };

	host_start_for_others(&host,
		"{ \"arenas\": [ { \"name\": \"default\", \"allow\": { \"users\": [ 0, 4001 ] },"
		"  \"classes\": [ { \"slot_bytes\": 4096, \"slots\": 64 } ] } ] }");
	if (!host.pid)
		return;
	cr_expect_eq(as(other, ask_for_a_trim, host.socket), -EACCES);
	cr_expect_eq(number(MEMORY "trims_total"), 0);
	host_stop(&host);
	host.pid = 0;
}
