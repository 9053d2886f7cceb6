/* SPDX-License-Identifier: MIT */
/* Which leases look forgotten: the rule of thrusterctl, on leases made up for it. */

#include <criterion/criterion.h>
#include "client/thrusterctl/leases/suspects.h"

#define S 1000000000ull
#define MAX 400

static struct suspect_lease leases[MAX];
static size_t n;

static void lease(uint32_t class_, uint32_t client, uint64_t age_s, uint64_t attached_s)
{
	leases[n++] = (struct suspect_lease){ .arena = "default", .class_ = class_,
		.client_id = client, .age_ns = age_s * S, .attached_ns = attached_s * S };
}

static size_t count(enum suspicion suspicion)
{
	size_t i, found = 0;

	for (i = 0; i < n; i++)
		found += leases[i].suspicion == suspicion;
	return found;
}

static void set_up(void)
{
	n = 0;
}

TestSuite(suspects, .init = set_up);

Test(suspects, nothing_is_nothing)
{
	suspects_find(leases, 0, 0);
	lease(0, 1, 100000, 100000);
	suspects_find(leases, n, 0);
	cr_expect_eq(count(SUSPICION_NONE), 1, "one lease has none to be compared with");
}

/* 61 s is more than ten times 6 s, and 60 s is not older than a minute. */
Test(suspects, old_is_ten_times_the_median_and_a_minute)
{
	lease(0, 1, 6, 0);
	lease(0, 2, 6, 0);
	lease(0, 3, 61, 0);
	lease(1, 1, 1, 0);
	lease(1, 1, 1, 0);
	lease(1, 4, 60, 0);
	lease(2, 1, 7, 0);
	lease(2, 1, 7, 0);
	lease(2, 1, 70, 0);
	suspects_find(leases, n, 0);
	cr_expect_eq(count(SUSPICION_OLD), 1);
	cr_expect_eq(leases[0].suspicion, SUSPICION_OLD, "suspects come first");
	cr_expect_eq(leases[0].client_id, 3);
	cr_expect_eq(leases[0].median_ns, 6 * S);
	cr_expect_eq(leases[1].age_ns, 70 * S, "and then the oldest");
	cr_expect_eq(leases[n - 1].age_ns, 1 * S);
}

Test(suspects, two_leases_are_no_class_to_compare_with)
{
	lease(0, 1, 1, 0);
	lease(0, 2, 1000000, 0);
	suspects_find(leases, n, 0);
	cr_expect_eq(count(SUSPICION_NONE), 2);
}

/* The same ages in another arena are another class. */
Test(suspects, arenas_are_apart)
{
	lease(0, 1, 1, 0);
	lease(0, 1, 1, 0);
	lease(0, 1, 1000, 0);
	leases[2].arena = "other";
	suspects_find(leases, n, 0);
	cr_expect_eq(count(SUSPICION_NONE), 3);
}

Test(suspects, what_a_client_took_at_its_start_is_no_leak)
{
	unsigned i;

	for (i = 0; i < 100; i++)
		lease(0, 1, 86400 - i % 2, 86400);
	suspects_find(leases, n, 0);
	cr_expect_eq(count(SUSPICION_NONE), 100);
}

/* Each lives up to five minutes, and the client has been there for a day. */
Test(suspects, long_leases_that_end_are_no_leak)
{
	unsigned i;

	for (i = 0; i < 100; i++)
		lease(0, 1, 3 * i, 86400);
	suspects_find(leases, n, 0);
	cr_expect_eq(count(SUSPICION_NONE), 100);
}

/* One a minute, and none ends. Another client's are not its. */
Test(suspects, a_steady_leak_is_gathered)
{
	unsigned i;

	for (i = 0; i < 100; i++)
		lease(0, 7, 60 * i, 6000);
	for (i = 0; i < 50; i++)
		lease(0, 8, 5999, 6000);
	suspects_find(leases, n, 0);
	cr_expect_eq(count(SUSPICION_GATHERED), 98, "all but those of a minute and younger");
	for (i = 0; i < 98; i++)
		cr_expect(leases[i].client_id == 7 && leases[i].gathered == 100);
	cr_expect_eq(leases[0].age_ns, 5940 * S);
}

Test(suspects, few_leases_or_a_short_time_gather_nothing)
{
	unsigned i;

	for (i = 0; i < 7; i++)
		lease(0, 7, 1000 * i, 7000);
	for (i = 0; i < 100; i++)
		lease(1, 8, 6 * i, 599);
	for (i = 0; i < 100; i++)
		lease(2, 0, 60 * i, 6000);
	for (i = 0; i < 100; i++)
		lease(3, 9, 60 * i, 0);
	suspects_find(leases, n, 0);
	cr_expect_eq(count(SUSPICION_NONE), n);
}

/* Only the oldest are known; nothing is said of the time after the youngest of them. */
Test(suspects, a_leak_of_which_only_the_oldest_are_seen)
{
	unsigned i;

	for (i = 0; i < 100; i++)
		lease(0, 7, 4000 + 20 * i, 6000);
	suspects_find(leases, n, 0);
	cr_expect_eq(count(SUSPICION_NONE), n, "if these are all, it has stopped");
	suspects_find(leases, n, 4000 * S);
	cr_expect_eq(count(SUSPICION_GATHERED), n);
}

/* A clock that was set makes a lease older than its client. */
Test(suspects, impossible_ages_do_no_harm)
{
	unsigned i;

	for (i = 0; i < 100; i++)
		lease(0, 7, UINT64_MAX / S, 6000);
	suspects_find(leases, n, UINT64_MAX);
	suspects_find(leases, n, 0);
	cr_expect_eq(count(SUSPICION_NONE), n);
}
