/* SPDX-License-Identifier: MIT */
/*
 * A forked child has nothing of its parent's attachment: every call says so, nothing that it does
 * changes what the parent has, and it may attach itself.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/daemon/raw.h"

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 4, \"classes\": ["
	"  { \"slot_bytes\": 1000, \"slots\": 8 } ] } ] }";

static struct host host;
static struct thruster_pool *pool;
static struct thruster_lease lease;

static void set_up(void)
{
	host_start(&host, config);
	pool = host_attach(&host, NULL);
	cr_assert_eq(thruster_rent(pool, 1, &lease), 0);
	strcpy(lease.data, "the parent's");
}

static void clean_up(void)
{
	cr_expect_str_eq(lease.data, "the parent's");
	cr_assert_eq(thruster_return(pool, &lease), 0);
	cr_assert_eq(thruster_detach(pool), 0);
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(forked, .init = set_up, .fini = clean_up, .timeout = 60);

/* Run in a child; it exits with 0, or with the number of the line that was wrong. */
static void in_child(int (*act)(void), int expected)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(act());
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, expected, "%#x", (unsigned)status);
}

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			return __LINE__ % 255 + 1;                                                 \
	} while (0)

static int call_everything(void)
{
	struct timespec past = { 0 };
	struct thruster_ticket ticket = { { 0 } };
	struct thruster_lease got;

	MUST(thruster_client_id(pool) == 0);
	MUST(thruster_rent(pool, 1, &got) == -ECHILD);
	MUST(thruster_rent_wait(pool, 1, NULL, &got) == -ECHILD);
	MUST(thruster_rent_wait(pool, 1, &past, &got) == -ECHILD);
	MUST(thruster_rent_bulk(pool, 1, &got, 1) == -ECHILD);
	MUST(thruster_return(pool, &lease) == -ECHILD);
	MUST(thruster_return_bulk(pool, &lease, 1) == -ECHILD);
	MUST(thruster_hand_over(pool, &lease, 1 << 16 | 1, &ticket) == -ECHILD);
	MUST(thruster_accept(pool, &ticket, &got) == -ECHILD);
	return 0;
}

static int call_and_detach(void)
{
	MUST(call_everything() == 0);
	MUST(thruster_detach(pool) == -ECHILD);
	return 0;
}

static int attach_itself(void)
{
	struct thruster_pool *own = host_attach(&host, NULL);
	struct thruster_lease got;

	MUST(thruster_client_id(own) != 0);
	MUST(thruster_return(own, &lease) == -ESTALE);
	MUST(thruster_rent(own, 1, &got) == 0);
	memset(got.data, 'c', got.size);
	MUST(thruster_return(own, &got) == 0);
	MUST(thruster_detach(own) == 0);
	return call_and_detach();
}

static int touch_the_buffer(void)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	*(volatile char *)lease.data = 'x';
	return 0;
}

static int fork_again(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(attach_itself());
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	return call_and_detach();
}

static void parent_must_work(void)
{
	struct thruster_lease got;

	cr_expect_neq(thruster_client_id(pool), 0);
	cr_expect_eq(thruster_rent(pool, 1, &got), 0);
	cr_expect_eq(thruster_return(pool, &got), 0);
	host_await(&host, "arenas[0].clients[0].leased", 1);
	host_await(&host, "arenas[0].clients[0].id", thruster_client_id(pool));
}

Test(forked, every_call_is_refused)
{
	in_child(call_everything, 0);
	parent_must_work();
}

Test(forked, detach_leaves_the_parent_alone)
{
	in_child(call_and_detach, 0);
	parent_must_work();
}

Test(forked, a_child_may_attach_itself)
{
	in_child(attach_itself, 0);
	parent_must_work();
}

Test(forked, a_grandchild_too)
{
	in_child(fork_again, 0);
	parent_must_work();
}

Test(forked, the_buffers_are_not_there)
{
	in_child(touch_the_buffer, SIGSEGV);
	parent_must_work();
}

/* A child that outlives the attachment does not keep the seat. */
Test(forked, the_seat_is_the_parents_alone)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	cr_assert_eq(thruster_return(pool, &lease), 0);
	cr_assert_eq(thruster_detach(pool), 0);
	host_must_be_well(&host);
	kill_child(pid);
	pool = host_attach(&host, NULL);
	cr_assert_eq(thruster_rent(pool, 1, &lease), 0);
	strcpy(lease.data, "the parent's");
}
