/* SPDX-License-Identifier: MIT */
/*
 * Leases may come back before a client's memory is torn down only if nobody can touch the arena in
 * its name any more. Each way in which somebody still can is tried: then nothing may be told, and
 * the seat lock decides, as without eBPF.
 */

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "client/pool.h"
#include "ebpf/notes.h"
#include "ebpf/record.h"
#include "tests/harness/harness.h"

#define SLOTS 8u
#define STACK_BYTES 65536u

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8, \"classes\": ["
	" { \"slot_bytes\": 4096, \"slots\": 8 } ] },"
	" { \"name\": \"second\", \"max_clients\": 8, \"classes\": ["
	" { \"slot_bytes\": 64, \"slots\": 8 } ] } ] }";

static struct host host;
static int64_t seen, told;
static int ready[2], release[2];

static int64_t exits(const char *which)
{
	char path[64];

	snprintf(path, sizeof(path), "contention.ebpf.exits_%s_total", which);
	return host_number(&host, path);
}

static void set_up(void)
{
	const char *why;

	if (!probes_can_trace(&why))
		cr_skip_test("%s", why);
	host_start(&host, config);
	probes_start(&host.probes, &host, NULL, NULL);
	seen = exits("seen");
	told = exits("told");
	cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(release, O_CLOEXEC), 0);
}

static void clean_up(void)
{
	if (!host.pid)
		return;
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(exits, .init = set_up, .fini = clean_up, .timeout = 60);

static struct thruster_lease leases[SLOTS];

static struct thruster_pool *hold(const char *arena, size_t size)
{
	struct thruster_pool *pool = host_attach(&host, arena);

	if (thruster_rent_bulk(pool, size, leases, SLOTS) != (int)SLOTS)
		harness_fail("cannot rent all slots");
	return pool;
}

static void say_ready(void)
{
	if (write(ready[1], "", 1) != 1)
		_exit(1);
}

static void await_child(void)
{
	char c;

	cr_assert_eq(read(ready[0], &c, 1), 1);
}

/* In a process that outlives the client: until the test lets it go, or has ended. */
static void await_release(void)
{
	char c;

	close(release[1]);
	if (read(release[0], &c, 1) < 0)
		_exit(1);
}

/* A client that does something more, and is killed when it says that it is ready. */
static void kill_one_that(void (*does)(struct thruster_pool *pool))
{
	pid_t pid = fork();

	if (pid == 0) {
		struct thruster_pool *pool;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pool = hold(NULL, 4096);
		if (does)
			does(pool);
		say_ready();
		for (;;)
			pause();
	}
	await_child();
	cr_assert_eq(host_number(&host, "arenas[0].classes[0].leased"), SLOTS);
	kill_child(pid);
}

static void must_be_told(int64_t n)
{
	host_await(&host, "arenas[0].classes[0].leased", 0);
	cr_assert_eq(exits("told") - told, n, "%d told", (int)(exits("told") - told));
}

Test(exits, the_end_of_a_plain_client_is_told)
{
	kill_one_that(NULL);
	must_be_told(1);
	cr_assert_eq(exits("seen") - seen, 1);
}

static void *thread_main(void *argument)
{
	(void)argument;
	for (;;)
		pause();
	return NULL;
}

static void start_threads(struct thruster_pool *pool)
{
	pthread_t thread;
	unsigned i;

	(void)pool;
	for (i = 0; i < 4; i++)
		pthread_create(&thread, NULL, thread_main, NULL);
}

/* Whichever thread is last: others may still be letting go of the address space, and then the lock
 * decides. Told or not, all comes back, and never twice. */
Test(exits, threads_end_in_any_order)
{
	unsigned i;

	for (i = 0; i < 20; i++) {
		kill_one_that(start_threads);
		host_await(&host, "arenas[0].classes[0].leased", 0);
	}
	cr_assert_leq(exits("told") - told, 20);
	cr_assert_eq(host_number(&host, "reclaim.leases_total"), 20 * SLOTS);
}

/* Inherits the mapping, which the library forbids; still it is one that could write. */
static void leave_a_child(struct thruster_pool *pool)
{
	madvise(pool->arena, pool->arena_bytes, MADV_DOFORK);
	if (fork() == 0) {
		await_release();
		_exit(0);
	}
}

/* For a while at least, and until whoever can write has gone. */
static void must_stay_until_the_release(void)
{
	sleep_ms(200);
	cr_assert_eq(host_number(&host, "arenas[0].classes[0].leased"), SLOTS,
		"taken back while somebody could still write");
	cr_assert_eq(write(release[1], "", 1), 1);
}

Test(exits, a_child_that_has_the_mapping_keeps_the_leases)
{
	kill_one_that(leave_a_child);
	must_stay_until_the_release();
	must_be_told(0);
}

static int helper_main(void *argument)
{
	(void)argument;
	await_release();
	syscall(SYS_exit, 0);
	return 0;
}

static void leave_a_helper(struct thruster_pool *pool)
{
	static char stack[STACK_BYTES] __attribute__((aligned(64)));

	(void)pool;
	if (clone(helper_main, stack + sizeof(stack), CLONE_VM, NULL) < 0)
		_exit(1);
}

Test(exits, a_helper_that_has_the_address_space_keeps_the_leases)
{
	kill_one_that(leave_a_helper);
	must_stay_until_the_release();
	must_be_told(0); /* whose end it was in the end is another process's */
}

static void map_in_two_pieces(struct thruster_pool *pool)
{
	if (mprotect(pool->arena, 4096, PROT_READ) < 0)
		_exit(1);
}

/* Two mappings of the file: whose is the other is not looked at. */
Test(exits, a_mapping_in_pieces_is_left_to_the_lock)
{
	kill_one_that(map_in_two_pieces);
	must_be_told(0);
}

static void set_up_asynchronous_io(struct thruster_pool *pool)
{
	unsigned long context = 0;

	(void)pool;
	if (syscall(SYS_io_setup, 8, &context) < 0)
		_exit(1);
}

/* What the kernel was told to read into a buffer may still arrive. */
Test(exits, asynchronous_io_is_left_to_the_lock)
{
	kill_one_that(set_up_asynchronous_io);
	must_be_told(0);
}

static void lock_in_a_buffer(struct thruster_pool *pool)
{
	pthread_mutex_t *mutex = leases[0].data;
	pthread_mutexattr_t attributes;

	(void)pool;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	if (pthread_mutex_init(mutex, &attributes) != 0 || pthread_mutex_lock(mutex) != 0)
		_exit(1);
}

/* The kernel marks it as its dead owner's, in the buffer, and only after this. */
Test(exits, a_robust_mutex_is_left_to_the_lock)
{
	kill_one_that(lock_in_a_buffer);
	must_be_told(0);
}

/* The first seat's mapping is a child's now, and where it was is the second seat's. */
static void put_another_in_its_place(struct thruster_pool *pool)
{
	struct thruster_pool *second;

	leave_a_child(pool);
	second = host_attach(&host, NULL);
	if (mremap(second->arena, second->arena_bytes, second->arena_bytes,
		    MREMAP_MAYMOVE | MREMAP_FIXED, pool->arena) != pool->arena)
		_exit(1);
}

Test(exits, the_mapping_of_another_seat_is_not_taken_for_it)
{
	kill_one_that(put_another_in_its_place);
	must_stay_until_the_release();
	must_be_told(0);
}

static void *second_arena;

static void attach_to_both(struct thruster_pool *pool)
{
	(void)pool;
	second_arena = hold("second", 64);
}

Test(exits, both_arenas_of_a_process_are_told)
{
	kill_one_that(attach_to_both);
	must_be_told(2);
	host_await(&host, "arenas[1].classes[0].leased", 0);
}

/* As in a container: it has another number there, and the daemon sees it by ours. */
Test(exits, a_process_in_a_pid_namespace_is_told)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWPID) < 0)
			_exit(77);
		pid = fork();
		if (pid == 0) {
			hold(NULL, 4096);
			/* Once it answers, the daemon has closed what it sent us. */
			if (host_number(&host, "arenas[0].classes[0].leased") != SLOTS)
				_exit(1);
			say_ready();
			sleep_ms(50); /* the daemon closes what it has sent us */
			kill(getpid(), SIGKILL); /* not obeyed: it is the first there */
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77)
		cr_skip_test("no pid namespaces here");
	must_be_told(1);
}

typedef void site_f(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

struct site {
	uint64_t offset;
	site_f *function;
};

/* Where an offset in the library's file is in our memory. */
static int find_site(struct dl_phdr_info *info, size_t size, void *userdata)
{
	struct site *site = userdata;
	unsigned i;

	(void)size;
	if (!strstr(info->dlpi_name, "libthruster-client"))
		return 0;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && site->offset >= p->p_offset &&
			site->offset < p->p_offset + p->p_filesz)
			site->function = (site_f *)(info->dlpi_addr + p->p_vaddr +
						    (site->offset - p->p_offset));
	}
	return 1;
}

/* A client that tells of long waits without end, and waits for nothing. */
static _Noreturn void tell_lies(void)
{
	struct thruster_pool *pool = host_attach(&host, "second");
	struct site site = { 0 };
	struct notes notes;
	char why[NOTES_WHY_MAX];
	unsigned i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (notes_read(getenv("THRUSTER_LIBRARY"), &notes, why) < 0)
		_exit(1);
	for (i = 0; i < notes.n; i++)
		if (notes.site[i].probe == TRACE_WAIT_END)
			site.offset = notes.site[i].offset;
	dl_iterate_phdr(find_site, &site);
	if (!site.function)
		_exit(1);
	for (;;)
		site.function(pool->view.class_[0].arena, pool->seat.n, 0, 0, TRACE_LONG_WAIT_NS,
			0);
}

/* Not even a client of another arena keeps the ring too full for it. */
Test(exits, the_end_is_told_whatever_else_is)
{
	pid_t liar = fork(), pid;

	if (liar == 0)
		tell_lies();
	while (!host_number(&host, "contention.ebpf.lost_events"))
		sleep_ms(10);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hold(NULL, 4096);
		say_ready();
		for (;;)
			pause();
	}
	await_child();
	sleep_ms(100); /* nobody asks meanwhile, which empties the ring */
	kill_child(pid);
	must_be_told(1);
	kill_child(liar);
}

static void vfork_a_child(struct thruster_pool *pool)
{
	(void)pool;
	/* The child of vfork() has the parent's address space, and the parent waits: it is the
	 * child that says so, and goes on until after the parent was killed. */
	if (vfork() == 0) {
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		await_release();
		_exit(0);
	}
}

Test(exits, a_vforked_child_keeps_the_leases)
{
	kill_one_that(vfork_a_child);
	must_stay_until_the_release();
	host_await(&host, "arenas[0].classes[0].leased", 0);
	cr_assert_eq(host_number(&host, "reclaim.leases_total"), SLOTS);
}

/* It says that the arena is where another file is, which it alone has: told is nothing. */
Test(exits, a_lie_about_the_mapping_is_found_out)
{
	pid_t pid;

	cr_assert_eq(probes_stop(&host.probes), 0);
	pid = fork();
	if (pid == 0) {
		struct thruster_pool *pool = hold(NULL, 4096);
		void *other;
		int fd;

		leave_a_child(pool);
		fd = memfd_create("other", MFD_CLOEXEC);
		if (ftruncate(fd, 4096) < 0)
			_exit(1);
		other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		pool_counters(pool)->mapped_at = (uintptr_t)other;
		say_ready();
		for (;;)
			pause();
	}
	await_child();
	probes_start(&host.probes, &host, NULL, NULL);
	kill_child(pid);
	cr_assert_eq(exits("seen"), 1);
	must_stay_until_the_release();
	must_be_told(0);
}

/* Without eBPF it is as it ever was. */
Test(exits, without_them_the_lock_still_tells)
{
	cr_assert_eq(probes_stop(&host.probes), 0);
	kill_one_that(NULL);
	must_be_told(0);
}
