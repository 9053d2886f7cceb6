/* SPDX-License-Identifier: MIT */
/*
 * Leases that are no leases (any more), and rents that cannot be met. Each has its own error, and
 * whatever a client does with tokens, it ends nobody's lease but its own, and that once.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/daemon/raw.h"

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 4, \"classes\": ["
	"  { \"slot_bytes\": 1000, \"slots\": 3 },"
	"  { \"slot_bytes\": 4096, \"slots\": 2, \"align_bytes\": 4096 },"
	"  { \"slot_bytes\": 5000, \"slots\": 2, \"align_bytes\": 2097152 } ] },"
	" { \"name\": \"other\", \"classes\": [ { \"slot_bytes\": 1000, \"slots\": 70 } ] } ] }";

#define SLOTS 7

static struct host host;
static struct thruster_pool *pool;

static void set_up(void)
{
	host_start(&host, config);
	pool = host_attach(&host, NULL);
}

static void clean_up(void)
{
	cr_assert_eq(thruster_detach(pool), 0);
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(leases, .init = set_up, .fini = clean_up, .timeout = 60);

/* What `act` gives, 0 or a negative errno, in a forked child. */
static int in_child(
	int (*act)(const struct thruster_lease *lease), const struct thruster_lease *lease)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(-act(lease));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "%#x", (unsigned)status);
	return -WEXITSTATUS(status);
}

Test(leases, nonsense_is_told_as_such)
{
	struct thruster_lease lease = { .size = 77 }, none = { 0 };

	cr_expect_eq(thruster_rent(pool, 0, &lease), -EINVAL);
	cr_expect_eq(thruster_rent(NULL, 1, &lease), -EINVAL);
	cr_expect_eq(thruster_rent(pool, 1, NULL), -EINVAL);
	cr_expect_eq(thruster_rent_wait(pool, 0, NULL, &lease), -EINVAL);
	cr_expect_eq(thruster_rent_wait(NULL, 1, NULL, &lease), -EINVAL);
	cr_expect_eq(thruster_rent_wait(pool, 1, NULL, NULL), -EINVAL);
	cr_expect_eq(thruster_rent_bulk(pool, 0, &lease, 1), -EINVAL);
	cr_expect_eq(thruster_rent_bulk(NULL, 1, &lease, 1), -EINVAL);
	cr_expect_eq(thruster_rent_bulk(pool, 1, NULL, 1), -EINVAL);
	cr_expect_eq(thruster_rent_bulk(pool, 1, &lease, 0), -EINVAL);
	cr_expect_eq(thruster_rent_bulk(pool, 1, &lease, UINT32_MAX), -EINVAL);
	cr_expect_eq(lease.size, 77, "the lease was written");
	cr_expect_eq(thruster_return(pool, NULL), -EINVAL);
	cr_expect_eq(thruster_return(NULL, &lease), -EINVAL);
	cr_expect_eq(thruster_return(pool, &none), -EINVAL);
	cr_expect_eq(thruster_return_bulk(pool, NULL, 1), -EINVAL);
	cr_expect_eq(thruster_return_bulk(NULL, &none, 1), -EINVAL);
	cr_expect_eq(thruster_return_bulk(pool, &none, 0), -EINVAL);
	cr_expect_eq(thruster_return_bulk(pool, &none, 1), -EINVAL);
}

Test(leases, too_large_is_not_exhausted)
{
	struct thruster_lease lease;

	cr_expect_eq(thruster_rent(pool, (2 << 20) + 1, &lease), -EMSGSIZE);
	cr_expect_eq(thruster_rent(pool, SIZE_MAX, &lease), -EMSGSIZE);
	cr_expect_eq(thruster_rent_wait(pool, SIZE_MAX, NULL, &lease), -EMSGSIZE);
	cr_expect_eq(thruster_rent_bulk(pool, SIZE_MAX, &lease, 1), -EMSGSIZE);
	cr_expect_eq(thruster_rent(pool, 2 << 20, &lease), 0);
	cr_expect_geq(lease.size, 2 << 20);
	memset(lease.data, 1, lease.size);
	cr_expect_eq(thruster_return(pool, &lease), 0);
}

static int64_t figure(const char *path)
{
	json_t *stats = host_stats(&host);
	int64_t n = json_number(stats, path);

	json_decref(stats);
	return n;
}

/* A class that is full passes on to larger ones, and who finds nothing at all is counted. */
Test(leases, exhaustion)
{
	struct thruster_lease leases[SLOTS], one;
	size_t i;

	for (i = 0; i < SLOTS; i++) {
		cr_assert_eq(thruster_rent(pool, 1, &leases[i]), 0);
		memset(leases[i].data, (int)i, leases[i].size);
		if (i > 0)
			cr_expect_geq(leases[i].size, leases[i - 1].size);
	}
	cr_expect_eq(leases[2].size, 1088);
	cr_expect_eq(leases[4].size, 4096);
	cr_expect_eq(leases[6].size, 2 << 20);
	cr_expect_eq(thruster_rent(pool, 1, &one), -ENOBUFS);
	cr_expect_eq(thruster_rent(pool, 4096, &one), -ENOBUFS);
	cr_expect_eq(thruster_rent_bulk(pool, 4097, &one, 1), -ENOBUFS);
	cr_expect_eq(figure("arenas[0].classes[0].exhausted_total"), 4 + 1, "four rents went on");
	cr_expect_eq(figure("arenas[0].classes[1].exhausted_total"), 2 + 2);
	cr_expect_eq(figure("arenas[0].classes[2].exhausted_total"), 3);
	cr_expect_eq(figure("arenas[0].classes[2].free_min"), 0);
	cr_expect_eq(figure("arenas[0].clients[0].exhausted_total"), 3);
	cr_expect_eq(figure("arenas[0].clients[0].leased"), SLOTS);
	for (i = 0; i < SLOTS; i++)
		cr_expect_eq(thruster_return(pool, &leases[i]), 0);
	cr_expect_eq(figure("arenas[0].classes[0].free"), 3);
	cr_expect_eq(figure("arenas[0].classes[0].returns_total"), 3);
}

Test(leases, bulk_gives_what_there_is)
{
	struct thruster_lease leases[10];

	cr_expect_eq(thruster_rent_bulk(pool, 2000, leases, 10), 4);
	cr_expect_eq(thruster_rent_bulk(pool, 1, leases + 4, 2), 2);
	cr_expect_eq(thruster_rent_bulk(pool, 1, leases + 6, 4), 1);
	cr_expect_eq(thruster_rent_bulk(pool, 1, leases + 7, 1), -ENOBUFS);
	cr_expect_eq(thruster_return_bulk(pool, leases, SLOTS), SLOTS);
	cr_expect_eq(thruster_return_bulk(pool, leases, SLOTS), -ESTALE);
}

Test(leases, bulk_return_passes_over_what_is_stale)
{
	struct thruster_lease leases[6], gone;

	cr_assert_eq(thruster_rent_bulk(pool, 1, leases, 5), 5);
	gone = leases[1];
	cr_assert_eq(thruster_return(pool, &gone), 0);
	memset(&leases[3].token, 0xff, sizeof(leases[3].token));
	leases[5] = leases[4];
	cr_expect_eq(thruster_return_bulk(pool, leases, 6), 3, "0, 2 and 4 once");
	cr_expect_eq(figure("arenas[0].clients[0].leased"), 1, "the one whose token was spoilt");
	cr_expect_eq(figure("arenas[0].clients[0].refused_total"), 3);
}

Test(leases, a_lease_ends_once)
{
	struct thruster_lease first, second, copy;

	cr_assert_eq(thruster_rent(pool, 1, &first), 0);
	copy = first;
	cr_expect_eq(thruster_return(pool, &copy), 0);
	cr_expect_eq(thruster_return(pool, &first), -ESTALE);
	/* The same slot leased again is another lease. */
	cr_assert_eq(thruster_rent(pool, 1, &second), 0);
	cr_expect_eq(second.data, first.data, "the slot returned last is taken first");
	cr_expect_eq(thruster_return(pool, &first), -ESTALE);
	cr_expect_eq(figure("arenas[0].clients[0].leased"), 1);
	cr_expect_eq(thruster_return(pool, &second), 0);
	cr_expect_eq(figure("arenas[0].clients[0].refused_total"), 2);
}

static uint64_t random_word(void)
{
	return (uint64_t)random() << 62 ^ (uint64_t)random() << 31 ^ (uint64_t)random();
}

static bool is_one_of(const struct thruster_lease *leases, const struct thruster_lease *lease)
{
	unsigned i;

	for (i = 0; i < SLOTS; i++)
		if (memcmp(leases[i].token, lease->token, sizeof(lease->token)) == 0)
			return true;
	return false;
}

/* Random tokens, and right ones with a bit changed: none ends a lease that it is not. */
Test(leases, a_hundred_thousand_garbage_tokens)
{
	struct thruster_lease leases[SLOTS], wild;
	unsigned i, tried = 0;
	int r;

	srandom(3);
	cr_assert_eq(thruster_rent_bulk(pool, 1, leases, SLOTS), SLOTS);
	for (i = 0; i < 100000; i++) {
		wild = leases[i % SLOTS];
		if (i % 4 == 0)
			wild.token[0] = random_word();
		if (i % 4 < 2)
			wild.token[1] = random_word();
		else
			wild.token[i % 2] ^= (uint64_t)1 << random() % 64;
		if (is_one_of(leases, &wild))
			continue;
		tried++;
		r = thruster_return(pool, &wild);
		cr_assert(r == -EINVAL || r == -ESTALE, "%d: %#lx %#lx", r, wild.token[0],
			wild.token[1]);
	}
	cr_expect_eq(figure("arenas[0].clients[0].leased"), SLOTS);
	cr_expect_eq(figure("arenas[0].clients[0].refused_total"), tried);
	cr_expect_gt(tried, 90000);
	cr_expect_eq(thruster_return_bulk(pool, leases, SLOTS), SLOTS);
}

static int attach_and_return(const struct thruster_lease *lease)
{
	struct thruster_pool *own = host_attach(&host, NULL);
	int r = thruster_return(own, lease);

	thruster_detach(own);
	return r;
}

Test(leases, anothers_lease_is_stale)
{
	struct thruster_pool *second = host_attach(&host, NULL),
			     *other = host_attach(&host, "other");
	struct thruster_lease lease, foreign;

	cr_assert_eq(thruster_rent(pool, 1, &lease), 0);
	cr_expect_eq(in_child(attach_and_return, &lease), -ESTALE);
	cr_expect_eq(thruster_return(second, &lease), -ESTALE, "another client in this process");
	cr_expect_eq(thruster_return(other, &lease), -ESTALE, "another arena");
	cr_assert_eq(thruster_rent(other, 1, &foreign), 0);
	cr_expect_eq(thruster_return(pool, &foreign), -ESTALE);
	cr_expect_eq(thruster_return(other, &foreign), 0);
	cr_expect_eq(thruster_return(pool, &lease), 0);
	cr_expect_eq(thruster_detach(second), 0);
	cr_expect_eq(thruster_detach(other), 0);
}

/* After four attachments the same seat is ours again; an old lease still is not. */
Test(leases, a_lease_of_an_earlier_attachment_is_stale)
{
	struct thruster_lease old, now;
	uint32_t seat = thruster_client_id(pool) & 0xffff;
	unsigned rounds = 0;

	cr_assert_eq(thruster_rent(pool, 1, &old), 0);
	do {
		cr_assert_eq(thruster_detach(pool), 0);
		pool = host_attach(&host, NULL);
		cr_expect_eq(thruster_return(pool, &old), -ESTALE);
		rounds++;
	} while ((thruster_client_id(pool) & 0xffff) != seat && rounds < 10);
	cr_expect_eq(rounds, 4);
	cr_assert_eq(thruster_rent(pool, 1, &now), 0);
	cr_expect_eq(thruster_return(pool, &old), -ESTALE);
	cr_expect_eq(thruster_return(pool, &now), 0);
}

Test(leases, buffers_are_aligned_as_their_class_says)
{
	struct thruster_pool *other = host_attach(&host, "other");
	struct thruster_lease leases[SLOTS], spread[70];
	size_t i;

	cr_assert_eq(thruster_rent_bulk(pool, 1, leases, SLOTS), SLOTS);
	for (i = 0; i < SLOTS; i++)
		cr_expect_eq((uintptr_t)leases[i].data % (i < 3		 ? 64
								 : i < 5 ? 4096
									 : 2 << 20),
			0, "%zu", i);
	cr_assert_eq(thruster_rent_bulk(other, 1, spread, 70), 70);
	for (i = 0; i < 70; i++)
		cr_expect_eq((uintptr_t)spread[i].data % 64, 0);
	cr_expect_eq(thruster_detach(other), 0);
}
