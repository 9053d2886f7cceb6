/* SPDX-License-Identifier: MIT */
/* Victims that hand over and accept. */

#include <errno.h>
#include <string.h>
#include "shm/record.h"
#include "tests/instruction/scenario.h"

static void one(struct actor *a)
{
	act_rent(a, 1);
}

static void one_run(struct actor *a)
{
	act_rent(a, 3 * SMALL_BYTES);
}

/* From the moment when the call returns it is the receiver's, who takes it when the time comes. */
static void hand_over_to(struct actor *a, uint32_t to)
{
	struct thruster_ticket ticket;
	int r;

	if (a->stage->victim.n == 0)
		return;
	r = thruster_hand_over(a->pool, &a->stage->victim.lease[0], to, &ticket);
	expect(a, r == 0 || r == -ESRCH, "hand-over", r);
	if (r == 0)
		holding_drop(&a->stage->victim, 0);
}

static void hand_over(struct actor *a)
{
	hand_over_to(a, a->stage->my_id);
}

static void hand_over_to_far(struct actor *a)
{
	hand_over_to(a, a->stage->far_id);
}

static void hand_over_to_nobody(struct actor *a)
{
	struct thruster_ticket ticket;
	const uint32_t ids[] = { 0, 1, 0xffffffff, 0x10000, a->stage->my_id ^ 0x10000 };
	size_t i;
	int r;

	if (a->stage->victim.n == 0)
		return;
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		r = thruster_hand_over(a->pool, &a->stage->victim.lease[0], ids[i], &ticket);
		expect(a, r == -ESRCH, "hand-over to nobody", r);
	}
}

static void hand_over_twice(struct actor *a)
{
	struct thruster_lease lease = a->stage->victim.lease[0];
	struct thruster_ticket ticket;
	int r;

	if (a->stage->victim.n == 0)
		return;
	hand_over(a);
	r = thruster_hand_over(a->pool, &lease, a->stage->my_id, &ticket);
	expect(a, r == -ESTALE, "second hand-over", r);
	r = thruster_return(a->pool, &lease);
	expect(a, r == -ESTALE, "return of what was handed over", r);
}

static void make_ticket(struct world *w)
{
	struct thruster_lease lease;
	int r = thruster_rent(w->pool, 1, &lease);

	if (r == 0)
		r = thruster_hand_over(w->pool, &lease, w->stage->victim_id, &w->stage->ticket);
	if (r < 0)
		harness_fail("cannot make a ticket: %s", strerror(-r));
}

static void accept_it(struct actor *a)
{
	struct thruster_lease lease;
	int r = thruster_accept(a->pool, &a->stage->ticket, &lease);

	expect(a, r == 0, "accept", r);
	if (r == 0)
		holding_add(&a->stage->victim, &lease);
}

static void accept_and_pass_on(struct actor *a)
{
	accept_it(a);
	hand_over(a);
}

static void accept_twice(struct actor *a)
{
	struct thruster_lease lease;
	int r;

	accept_it(a);
	r = thruster_accept(a->pool, &a->stage->ticket, &lease);
	expect(a, r == -ESTALE, "second accept", r);
}

static void accept_bad_ones(struct actor *a)
{
	const uint64_t *good = a->stage->ticket.word;
	const struct thruster_ticket bad[] = {
		{ { 0 } },
		{ { good[0] ^ (uint64_t)1 << 60, good[1], good[2], 0 } },
		{ { good[0] ^ (uint64_t)1 << 41, good[1], good[2], 0 } },
		{ { good[0] | (uint64_t)0xff << 32, good[1], good[2], 0 } },
		{ { good[0] | 0x7fffffff, good[1], good[2], 0 } },
		{ { good[0], good[1] & ~(uint64_t)3, good[2], 0 } },
		{ { good[0], good[1] & ~RECORD_OWNER_MASK, good[2], 0 } },
		{ { good[0], good[1] ^ (uint64_t)8 << RECORD_OWNER_SHIFT, good[2], 0 } },
		{ { good[0], good[1], good[2] ^ 1, 0 } },
		{ { good[0], good[1], good[2], 1 } },
		{ { good[0], good[1] + RECORD_SEQUENCE_ONE, good[2], 0 } },
	};
	struct thruster_lease lease;
	size_t i;
	int r;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r = thruster_accept(a->pool, &bad[i], &lease);
		expect(a, r == -EINVAL || r == -ESTALE, "bad ticket", r);
	}
	accept_it(a);
}

static void accept_by_key(struct actor *a)
{
	uint64_t key = thruster_ticket_key(&a->stage->ticket);
	struct thruster_lease lease;
	int r = thruster_accept_key(a->pool, key, &lease);

	expect(a, r == 0, "accept by key", r);
	if (r == 0)
		holding_add(&a->stage->victim, &lease);
}

static void accept_bad_keys(struct actor *a)
{
	uint64_t key = thruster_ticket_key(&a->stage->ticket), i;
	struct thruster_lease lease;
	int r;

	for (i = 28; i < 64; i++) {
		r = thruster_accept_key(a->pool, key ^ (uint64_t)1 << i, &lease);
		expect(a, r == -EINVAL || r == -ESTALE, "bad key", r);
	}
	r = thruster_accept_key(NULL, key, &lease);
	expect(a, r == -EINVAL, "no pool", r);
	r = thruster_accept_key(a->pool, thruster_ticket_key(NULL), NULL);
	expect(a, r == -EINVAL, "no lease", r);
	accept_by_key(a);
}

static void find_by_key(struct actor *a)
{
	struct thruster_lease *lease = &a->stage->victim.lease[0], found;
	int r = thruster_lease_find(a->pool, thruster_lease_key(lease), &found);

	expect(a, r == 0 && found.data == lease->data && found.size == lease->size, "find", r);
	r = thruster_lease_find(a->pool, thruster_lease_key(NULL), NULL);
	expect(a, r == -EINVAL, "no lease", r);
	r = thruster_lease_find(a->pool, thruster_lease_key(lease) ^ (uint64_t)1 << 63, &found);
	expect(a, r == -ESTALE, "bad key", r);
}

const struct scenario scenarios_pass[] = {
	{ "hand over", hand_over, one },
	{ "hand over a run", hand_over, one_run },
	{ "hand over to who leaves", hand_over_to_far, one, .moves_far = true,
		.is_thorough = true },
	{ "hand over without a barrier", hand_over, one, .is_fenced = true },
	{ "hand over to nobody", hand_over_to_nobody, one },
	{ "hand over twice", hand_over_twice, one },
	{ "accept", accept_it, .meanwhile = make_ticket },
	{ "accept and pass on", accept_and_pass_on, .meanwhile = make_ticket },
	{ "accept twice", accept_twice, .meanwhile = make_ticket },
	{ "accept what is no ticket", accept_bad_ones, .meanwhile = make_ticket },
	{ "accept by key", accept_by_key, .meanwhile = make_ticket },
	{ "accept what is no key", accept_bad_keys, .meanwhile = make_ticket },
	{ "find a lease by its key", find_by_key, one },
	{ "find the lease of a run by its key", find_by_key, one_run },
	{ 0 },
};
