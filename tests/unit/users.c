/* SPDX-License-Identifier: MIT */
/* How many connections a user may have, and how much of the daemon's time: whatever the kernel said
 * of the peer, without a kernel. */

#include <errno.h>
#include <unistd.h>
#include "daemon/users.h"
#include "tests/unit/must.h"

#define MORTAL 2000u /* neither root nor whoever runs this */

static struct arena arenas[2];
static struct arena *const pointers[] = { &arenas[0], &arenas[1] };
static size_t n_arenas = 2;
static struct users users;

/* "a" with 3 seats for user 2001 and group 90; "b" with 5 for user 2001 and group 91. */
static void set_up(void)
{
	arenas[0] = (struct arena){ .geometry.seats = 3,
		.access = { .users = { 2001 }, .n_users = 1, .groups = { 90 }, .n_groups = 1 } };
	arenas[1] = (struct arena){ .geometry.seats = 5,
		.access = { .users = { 2001 }, .n_users = 1, .groups = { 91 }, .n_groups = 1 } };
	users = (struct users){ .arenas = pointers, .n_arenas = &n_arenas,
		.admins = { .groups = { 99 }, .n_groups = 1 } };
}

static void clean_up(void)
{
	users_fini(&users);
}

TestSuite(users, .init = set_up, .fini = clean_up);

/* Enter as often as one may, at most 1000 times: how often that was. */
static unsigned enter_all(uid_t uid, gid_t gid, struct user **ret)
{
	struct peer peer = { .uid = uid, .gid = gid };
	struct user *user;
	unsigned n;
	int r;

	for (n = 0; n < 1000; n++) {
		r = users_enter(&users, &peer, &user);
		if (r < 0) {
			must(r == -EUSERS, "%d", r);
			break;
		}
		*ret = user;
	}
	return n;
}

Test(users, as_many_as_the_arenas_that_admit_him_have_seats_and_some_more)
{
	struct user *user = NULL;

	cr_assert_eq(enter_all(2001, 1, &user), 3 + 5 + USERS_BESIDE_CLIENTS);
	cr_assert_eq(user->uid, 2001);
	cr_assert_eq(enter_all(2002, 90, &user), 3 + USERS_BESIDE_CLIENTS);
	cr_assert_eq(enter_all(2003, 91, &user), 5 + USERS_BESIDE_CLIENTS);
	cr_assert_eq(enter_all(2002, 90, &user), 0, "also now");
	users_leave(user);
	cr_assert_eq(enter_all(2003, 91, &user), 1, "one went, one comes");
}

Test(users, as_many_as_the_configuration_says)
{
	struct user *user = NULL;

	users.max_per_user = 2;
	cr_assert_eq(enter_all(2001, 1, &user), 2);
	cr_assert_eq(enter_all(2002, 90, &user), 2);
	cr_assert_eq(enter_all(3000, 1, &user), USERS_STRANGERS_MAX);
}

/* However many they are. */
Test(users, strangers_are_one)
{
	struct user *user = NULL;
	unsigned i, n = 0;

	for (i = 0; i < 1000; i++) {
		struct peer peer = { .uid = 3000 + i, .gid = 7 };

		if (users_enter(&users, &peer, &user) == 0)
			n++;
		cr_assert_not(peer.sees_all);
	}
	cr_assert_eq(n, USERS_STRANGERS_MAX);
	cr_assert_null(users.first, "nothing is kept of each");
	cr_assert_eq(enter_all(2001, 1, &user), 3 + 5 + USERS_BESIDE_CLIENTS);
}

Test(users, root_and_the_daemons_own_user_have_no_limit)
{
	struct peer peer = { .uid = 0 };
	struct user *user = (struct user *)&user;

	cr_assert_eq(enter_all(0, 0, &user), 1000);
	cr_assert_eq(enter_all(geteuid(), 1, &user), 1000);
	cr_assert_null(user);
	cr_assert_eq(users_enter(&users, &peer, &user), 0);
	cr_assert(peer.sees_all);
	user_spend(NULL, UINT64_MAX);
	cr_assert_not(user_is_over(NULL));
	users_leave(NULL);
}

Test(users, admins_see_everything_and_are_no_strangers)
{
	gid_t further[] = { 99 };
	struct peer peer = { .uid = MORTAL, .gid = 7, .groups = further, .n_groups = 1 };
	struct user *user = NULL;

	cr_assert_eq(enter_all(3000, 1, &user), USERS_STRANGERS_MAX);
	cr_assert_eq(users_enter(&users, &peer, &user), 0);
	cr_assert(peer.sees_all);
	cr_assert_eq(user->uid, MORTAL);
	users_leave(user);
	cr_assert_eq(enter_all(MORTAL, 99, &user), USERS_BESIDE_CLIENTS);
}

Test(users, time_is_paid_back_by_the_second)
{
	struct user *user = NULL;
	unsigned seconds;

	cr_assert_eq(enter_all(2002, 90, &user), 3 + USERS_BESIDE_CLIENTS);
	user_spend(user, USERS_QUERY_NS - 1);
	cr_assert_not(user_is_over(user));
	user_spend(user, 1);
	cr_assert(user_is_over(user));
	users_sweep(&users);
	cr_assert_not(user_is_over(user));
	for (seconds = 0; seconds < 100; seconds++)
		user_spend(user, NS_PER_S);
	for (seconds = 0; user_is_over(user); seconds++)
		users_sweep(&users);
	cr_assert_eq(seconds, USERS_DEBT_NS_MAX / USERS_QUERY_NS);
}

Test(users, who_has_gone_is_forgotten_when_nothing_is_owed)
{
	struct user *user = NULL, *other = NULL;
	unsigned i, n = enter_all(2002, 90, &user);

	cr_assert_eq(enter_all(2003, 91, &other), 5 + USERS_BESIDE_CLIENTS);
	user_spend(user, USERS_QUERY_NS + 1);
	for (i = 0; i < n; i++)
		users_leave(user);
	users_sweep(&users);
	cr_assert_eq(user->n, 0, "it still owes");
	users_sweep(&users);
	cr_assert_eq(users.first, other);
	cr_assert_null(other->next);
}
