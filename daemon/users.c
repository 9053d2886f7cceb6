/* SPDX-License-Identifier: MIT */
/*
 * A list: there are as many users in it as have connections, and had some within the last seconds.
 * A user stays until a sweep finds him without connections and debts, so whoever serves a session
 * may go on using its user after the session has gone.
 */

#include <errno.h>
#include <stdlib.h>
#include "daemon/log.h"
#include "daemon/users.h"

void users_fini(struct users *users)
{
	struct user *user;

	while ((user = users->first)) {
		users->first = user->next;
		free(user);
	}
}

/* Seats in all arenas that admit the peer. */
static unsigned seats_for(const struct users *users, const struct peer *peer)
{
	size_t i, n_arenas = users->n_arenas ? *users->n_arenas : 0;
	unsigned n = 0;

	for (i = 0; i < n_arenas; i++)
		if (access_allows(&users->arenas[i]->access, peer))
			n += users->arenas[i]->geometry.seats;
	return n;
}

static struct user *user_find(struct users *users, uid_t uid)
{
	struct user *user;

	for (user = users->first; user; user = user->next)
		if (user->uid == uid)
			return user;
	user = calloc(1, sizeof(*user));
	if (user) {
		user->uid = uid;
		user->next = users->first;
		users->first = user;
	}
	return user;
}

int users_enter(struct users *users, struct peer *peer, struct user **ret)
{
	unsigned seats, n_max;
	struct user *user;

	peer->sees_all = peer_is_operator(peer) || access_allows(&users->admins, peer);
	if (peer_is_operator(peer)) {
		*ret = NULL;
		return 0;
	}
	seats = seats_for(users, peer);
	if (seats == 0 && !peer->sees_all) {
		user = &users->strangers;
		user->is_stranger = true;
		n_max = USERS_STRANGERS_MAX;
	} else {
		user = user_find(users, peer->uid);
		n_max = users->max_per_user ? users->max_per_user : seats + USERS_BESIDE_CLIENTS;
	}
	if (!user)
		return -ENOMEM;
	if (user->n >= n_max) {
		user->uid = peer->uid;
		user->n_max = n_max;
		user->refused++;
		*ret = user;
		return -EUSERS;
	}
	user->n++;
	*ret = user;
	return 0;
}

void users_leave(struct user *user)
{
	if (user)
		user->n--;
}

void user_spend(struct user *user, uint64_t ns)
{
	if (!user)
		return;
	user->spent_ns += ns;
	if (user->spent_ns > USERS_DEBT_NS_MAX)
		user->spent_ns = USERS_DEBT_NS_MAX;
}

bool user_is_over(const struct user *user)
{
	return user && user->spent_ns >= USERS_QUERY_NS;
}

static void user_log_refusals(struct user *user)
{
	if (user->refused && user->is_stranger)
		log_warning("%u connections refused: users whom no arena admits have %u, which is "
			    "all that they may have; the last was uid %u",
			user->refused, user->n_max, (unsigned)user->uid);
	else if (user->refused)
		log_warning("%u connections of uid %u refused: it has %u, which is all that it may "
			    "have",
			user->refused, (unsigned)user->uid, user->n_max);
	user->refused = 0;
}

static void user_sweep(struct user *user)
{
	user_log_refusals(user);
	user->spent_ns -= user->spent_ns < USERS_QUERY_NS ? user->spent_ns : USERS_QUERY_NS;
}

void users_sweep(struct users *users)
{
	struct user **link = &users->first, *user;

	user_sweep(&users->strangers);
	while ((user = *link)) {
		user_sweep(user);
		if (user->n == 0 && user->spent_ns == 0) {
			*link = user->next;
			free(user);
		} else {
			link = &user->next;
		}
	}
}
