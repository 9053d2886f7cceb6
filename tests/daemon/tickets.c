/* SPDX-License-Identifier: MIT */
/*
 * Hand-overs that go wrong: to nobody, to oneself, accepted twice or by the wrong one, never
 * accepted at all. At every moment the buffer is one client's or on its way back to the pool.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/daemon/raw.h"

#define GRACE_MS 150
#define CLASSES "\"classes\": [ { \"slot_bytes\": 1000, \"slots\": 4 } ]"

static const char config[] =
	"{ \"arenas\": ["
	" { \"name\": \"default\", \"max_clients\": 4, \"undelivered_grace_ms\": 60000, " CLASSES
	" },"
	" { \"name\": \"hasty\", \"undelivered_grace_ms\": 150, " CLASSES " },"
	" { \"name\": \"other\", " CLASSES " },"
	" { \"name\": \"runs\", \"classes\": [ { \"slot_bytes\": 64, \"slots\": 16384 } ] } ] }";

static struct host host;
static struct thruster_pool *sender, *receiver;

static void set_up(void)
{
	host_start(&host, config);
	sender = host_attach(&host, NULL);
	receiver = host_attach(&host, NULL);
}

static void clean_up(void)
{
	cr_assert_eq(thruster_detach(sender), 0);
	cr_assert_eq(thruster_detach(receiver), 0);
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(tickets, .init = set_up, .fini = clean_up, .timeout = 60);

static struct thruster_lease rented(struct thruster_pool *pool)
{
	struct thruster_lease lease;

	cr_assert_eq(thruster_rent(pool, 1, &lease), 0);
	strcpy(lease.data, "parcel");
	return lease;
}

static struct thruster_ticket handed_over(struct thruster_pool *from, struct thruster_pool *to)
{
	struct thruster_lease lease = rented(from);
	struct thruster_ticket ticket;

	cr_assert_eq(thruster_hand_over(from, &lease, thruster_client_id(to), &ticket), 0);
	return ticket;
}

Test(tickets, nonsense_is_told_as_such)
{
	struct thruster_ticket ticket = handed_over(sender, receiver), none = { { 0 } };
	struct thruster_lease lease = rented(sender), empty = { 0 };
	uint32_t to = thruster_client_id(receiver);

	cr_expect_eq(thruster_hand_over(NULL, &lease, to, &ticket), -EINVAL);
	cr_expect_eq(thruster_hand_over(sender, NULL, to, &ticket), -EINVAL);
	cr_expect_eq(thruster_hand_over(sender, &lease, to, NULL), -EINVAL);
	cr_expect_eq(thruster_hand_over(sender, &empty, to, &ticket), -EINVAL);
	cr_expect_eq(thruster_accept(NULL, &ticket, &lease), -EINVAL);
	cr_expect_eq(thruster_accept(receiver, NULL, &lease), -EINVAL);
	cr_expect_eq(thruster_accept(receiver, &ticket, NULL), -EINVAL);
	cr_expect_eq(thruster_accept(receiver, &none, &lease), -EINVAL);
	/* A token is no ticket, and a ticket no token. */
	memcpy(&none, lease.token, sizeof(lease.token));
	cr_expect_eq(thruster_accept(receiver, &none, &empty), -EINVAL);
	memcpy(empty.token, &ticket, sizeof(empty.token));
	cr_expect_eq(thruster_return(receiver, &empty), -EINVAL);
	cr_expect_eq(thruster_accept(receiver, &ticket, &lease), 0);
}

Test(tickets, a_lease_handed_over_is_not_the_senders)
{
	struct thruster_lease lease = rented(sender), received;
	struct thruster_ticket ticket, again;
	uint32_t to = thruster_client_id(receiver);

	cr_assert_eq(thruster_hand_over(sender, &lease, to, &ticket), 0);
	cr_expect_eq(thruster_return(sender, &lease), -ESTALE);
	cr_expect_eq(thruster_hand_over(sender, &lease, to, &again), -ESTALE);
	cr_expect_eq(thruster_accept(receiver, &ticket, &received), 0);
	cr_expect_str_eq(received.data, "parcel");
	cr_expect_eq(thruster_return(sender, &lease), -ESTALE);
	cr_expect_eq(thruster_return(sender, &received), -ESTALE);
	cr_expect_eq(thruster_return(receiver, &received), 0);
	cr_expect_eq(thruster_return(receiver, &received), -ESTALE);
}

Test(tickets, a_ticket_is_good_once_and_for_one)
{
	struct thruster_pool *third = host_attach(&host, NULL),
			     *other = host_attach(&host, "other");
	struct thruster_ticket ticket = handed_over(sender, receiver);
	struct thruster_lease lease;

	cr_expect_eq(thruster_accept(third, &ticket, &lease), -ESTALE);
	cr_expect_eq(thruster_accept(sender, &ticket, &lease), -ESTALE);
	cr_expect_eq(thruster_accept(other, &ticket, &lease), -ESTALE);
	cr_expect_eq(thruster_accept(receiver, &ticket, &lease), 0);
	cr_expect_eq(thruster_accept(receiver, &ticket, &lease), -ESTALE);
	cr_expect_eq(thruster_return(receiver, &lease), 0);
	cr_expect_eq(thruster_accept(receiver, &ticket, &lease), -ESTALE);
	cr_expect_eq(thruster_detach(third), 0);
	cr_expect_eq(thruster_detach(other), 0);
}

/* The receiver names itself in the ticket of another; the record knows better. */
Test(tickets, a_forged_receiver)
{
	struct thruster_pool *third = host_attach(&host, NULL);
	struct thruster_ticket ticket = handed_over(sender, receiver), forged = ticket;
	struct thruster_lease lease;

	forged.word[2] = thruster_client_id(third);
	cr_expect_eq(thruster_accept(third, &forged, &lease), -ESTALE);
	cr_expect_eq(thruster_accept(receiver, &forged, &lease), -ESTALE);
	cr_expect_eq(thruster_accept(receiver, &ticket, &lease), 0);
	cr_expect_eq(thruster_detach(third), 0);
}

/* Eight bytes say what 32 do, of a lease and of a ticket. */
Test(tickets, a_key_is_as_good)
{
	struct thruster_lease lease = rented(sender), found = { 0 }, received;
	uint64_t key = thruster_lease_key(&lease), old = key;
	struct thruster_ticket ticket;

	cr_expect_eq(thruster_lease_find(sender, key, &found), 0);
	cr_expect(memcmp(&found, &lease, sizeof(lease)) == 0);
	cr_expect_eq(thruster_lease_find(receiver, key, &found), -ESTALE, "not its own");
	cr_expect_eq(thruster_accept_key(sender, key, &found), -ESTALE, "not on its way");
	cr_assert_eq(thruster_hand_over(sender, &lease, thruster_client_id(receiver), &ticket), 0);
	key = thruster_ticket_key(&ticket);
	cr_expect_neq(key, old);
	cr_expect_eq(thruster_lease_find(sender, old, &found), -ESTALE, "handed over");
	cr_expect_eq(thruster_lease_find(receiver, key, &found), -ESTALE, "not accepted yet");
	cr_expect_eq(thruster_accept_key(sender, key, &received), -ESTALE, "another's");
	cr_expect_eq(thruster_accept_key(receiver, key, &received), 0);
	cr_expect_str_eq(received.data, "parcel");
	cr_expect_eq(thruster_accept_key(receiver, key, &found), -ESTALE, "once");
	cr_expect_eq(thruster_accept(receiver, &ticket, &found), -ESTALE);
	cr_expect_eq(thruster_lease_key(&received), key, "hop and sequence are the same");
	cr_expect_eq(thruster_lease_find(receiver, key, &found), 0);
	cr_expect_eq(thruster_return(receiver, &found), 0);
	cr_expect_eq(thruster_return(receiver, &received), -ESTALE);
	cr_expect_eq(thruster_lease_find(receiver, key, &found), -ESTALE, "returned");
}

Test(tickets, a_key_of_a_run)
{
	struct thruster_pool *from = host_attach(&host, "runs"), *to = host_attach(&host, "runs");
	struct thruster_lease run, found, received;
	struct thruster_ticket ticket;

	cr_assert_eq(thruster_rent(from, 3 * 64, &run), 0);
	cr_expect_eq(thruster_lease_find(from, thruster_lease_key(&run), &found), 0);
	cr_expect(memcmp(&found, &run, sizeof(run)) == 0);
	cr_assert_eq(thruster_hand_over(from, &run, thruster_client_id(to), &ticket), 0);
	cr_assert_eq(thruster_accept_key(to, thruster_ticket_key(&ticket), &received), 0);
	cr_expect_eq(received.size, run.size);
	cr_expect_eq(thruster_return(to, &received), 0);
	cr_expect_eq(thruster_detach(from), 0);
	cr_expect_eq(thruster_detach(to), 0);
}

/* Each bit counts; and what is no key at all is told so. */
Test(tickets, a_key_with_a_fault)
{
	struct thruster_ticket ticket = handed_over(sender, receiver);
	uint64_t key = thruster_ticket_key(&ticket);
	struct thruster_pool *other = host_attach(&host, "other");
	struct thruster_lease lease;
	unsigned bit;
	int r;

	for (bit = 0; bit < 64; bit++) {
		r = thruster_accept_key(receiver, key ^ (uint64_t)1 << bit, &lease);
		cr_expect(r == -ESTALE || r == -EINVAL, "bit %u: %d", bit, r);
	}
	cr_expect_eq(thruster_accept_key(receiver, key | UINT32_MAX, &lease), -EINVAL);
	cr_expect_eq(thruster_accept_key(receiver, key | (uint64_t)0xf << 32, &lease), -EINVAL);
	cr_expect_lt(thruster_accept_key(other, key, &lease), 0, "of another arena");
	cr_expect_eq(thruster_accept_key(NULL, key, &lease), -EINVAL);
	cr_expect_eq(thruster_accept_key(receiver, key, NULL), -EINVAL);
	cr_expect_eq(thruster_lease_find(NULL, key, &lease), -EINVAL);
	cr_expect_eq(thruster_lease_find(receiver, key, NULL), -EINVAL);
	cr_expect_eq(thruster_lease_key(NULL), 0);
	cr_expect_eq(thruster_ticket_key(NULL), 0);
	cr_expect_eq(thruster_accept_key(receiver, key, &lease), 0);
	cr_expect_eq(thruster_detach(other), 0);
}

Test(tickets, garbage)
{
	struct thruster_ticket ticket = handed_over(sender, receiver), wild;
	struct thruster_lease lease;
	unsigned i, j;
	int r;

	srandom(4);
	for (i = 0; i < 100000; i++) {
		wild = ticket;
		if (i % 2)
			wild.word[random() % 4] ^= (uint64_t)1 << random() % 64;
		else
			for (j = 0; j < 4; j++)
				if (random() % 2)
					wild.word[j] = (uint64_t)random() << 62 ^
						       (uint64_t)random() << 31 ^
						       (uint64_t)random();
		if (memcmp(&wild, &ticket, sizeof(wild)) == 0)
			continue;
		r = thruster_accept(receiver, &wild, &lease);
		cr_assert(r == -EINVAL || r == -ESTALE, "%d", r);
	}
	cr_expect_eq(thruster_accept(receiver, &ticket, &lease), 0);
	cr_expect_str_eq(lease.data, "parcel");
}

/* -ESRCH: and the lease still is the sender's, to use, to return, to send elsewhere. */
Test(tickets, receivers_that_are_not_there)
{
	struct thruster_pool *third = host_attach(&host, NULL);
	uint32_t to = thruster_client_id(receiver), gone = thruster_client_id(third);
	const uint32_t wrong[] = { 0, 1, gone, to + (1u << 16), to - (1u << 16), 4, 5 | 1 << 16,
		65535, UINT32_MAX };
	struct thruster_ticket ticket = { { 1, 2, 3, 4 } };
	struct thruster_lease lease = rented(sender);
	size_t i;

	cr_expect_eq(thruster_detach(third), 0);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_eq(thruster_hand_over(sender, &lease, wrong[i], &ticket), -ESRCH, "%#x",
			wrong[i]);
	cr_expect_eq(ticket.word[0], 1, "the ticket was written");
	cr_expect_str_eq(lease.data, "parcel");
	cr_expect_eq(thruster_hand_over(sender, &lease, to, &ticket), 0);
	cr_expect_eq(thruster_accept(receiver, &ticket, &lease), 0);
	cr_expect_eq(thruster_return(receiver, &lease), 0);
}

Test(tickets, to_oneself)
{
	struct thruster_lease lease = rented(sender), again;
	struct thruster_ticket ticket;

	cr_expect_eq(thruster_hand_over(sender, &lease, thruster_client_id(sender), &ticket), 0);
	cr_expect_eq(thruster_return(sender, &lease), -ESTALE);
	cr_expect_eq(thruster_accept(sender, &ticket, &again), 0);
	cr_expect_eq(again.data, lease.data);
	cr_expect_eq(thruster_return(sender, &lease), -ESTALE, "one hop ago");
	cr_expect_eq(thruster_return(sender, &again), 0);
}

Test(tickets, what_is_on_its_way_when_the_receiver_leaves_comes_back)
{
	struct thruster_pool *third = host_attach(&host, NULL);

	handed_over(sender, third);
	handed_over(sender, third);
	host_await(&host, "arenas[0].classes[0].pending", 2);
	cr_expect_eq(thruster_detach(third), 0);
	host_await(&host, "arenas[0].classes[0].leased", 0);
}

/* A child that attaches, hands a buffer over to `pool` and dies; the ticket. */
static struct thruster_ticket from_the_dead(const char *arena, struct thruster_pool *pool)
{
	uint32_t to = thruster_client_id(pool);
	struct thruster_ticket ticket;
	int way[2], status;
	pid_t pid;

	cr_assert_eq(pipe(way), 0);
	pid = fork();
	if (pid == 0) {
		struct thruster_pool *own = host_attach(&host, arena);
		struct thruster_lease lease;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (thruster_rent(own, 1, &lease) < 0)
			_exit(1);
		strcpy(lease.data, "last will");
		if (thruster_hand_over(own, &lease, to, &ticket) < 0 ||
			write(way[1], &ticket, sizeof(ticket)) != sizeof(ticket))
			_exit(1);
		_exit(0);
	}
	cr_assert_eq(read(way[0], &ticket, sizeof(ticket)), sizeof(ticket));
	cr_assert(waitpid(pid, &status, 0) == pid && status == 0);
	close(way[0]);
	close(way[1]);
	return ticket;
}

Test(tickets, accepted_within_the_grace_it_stays)
{
	struct thruster_ticket ticket = from_the_dead("default", receiver);
	struct thruster_lease lease;
	unsigned i;

	host_await(&host, "reclaim.clients_total", 1);
	host_await(&host, "arenas[0].classes[0].pending", 1);
	cr_assert_eq(thruster_accept(receiver, &ticket, &lease), 0);
	for (i = 0; i < 20; i++)
		host_await(&host, "arenas[0].classes[0].leased", 1);
	cr_expect_str_eq(lease.data, "last will");
	cr_expect_eq(thruster_return(receiver, &lease), 0);
}

/* Not before the grace is over, whenever in the daemon's own rhythm it began, and then surely. */
Test(tickets, never_accepted_it_comes_back_after_the_grace)
{
	struct thruster_pool *hasty = host_attach(&host, "hasty");
	struct thruster_ticket ticket;
	struct thruster_lease lease;
	uint64_t begun;
	unsigned i;

	for (i = 0; i < 10; i++) {
		sleep_ms(10 * i);
		begun = now_ns();
		ticket = from_the_dead("hasty", hasty);
		host_await(&host, "arenas[1].classes[0].reclaimed_total", i + 1);
		cr_expect_geq(now_ns() - begun, GRACE_MS * 1000000u, "%u: taken back after %lu us",
			i, (now_ns() - begun) / 1000);
		cr_expect_eq(thruster_accept(hasty, &ticket, &lease), -ESTALE);
	}
	host_await(&host, "arenas[1].classes[0].leased", 0);
	cr_expect_eq(thruster_detach(hasty), 0);
}
