/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_USERS_H
#define DAEMON_USERS_H

/*
 * Whose connections there are. Everybody may connect to the socket, so what one user can have of
 * the daemon has limits: connections at once, and time that it spends on his queries. The limits
 * are for a user as a whole, however many processes he has; those whom no arena admits, the
 * strangers, count as one. Root and the daemon's own user have none.
 *
 * A user is not told from his groups: who is in an arena's group may be as many users as he likes
 * if he has subordinate ids (subuid(5)), and then has as many limits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "daemon/access.h"
#include "daemon/arena.h"
#include "daemon/clock.h"

#define USERS_STRANGERS_MAX 64u      /* connections of all strangers together */
#define USERS_BESIDE_CLIENTS 32u     /* of a user, beside one for each client he may be */
#define USERS_QUERY_NS (250 * NS_PER_MS) /* of the daemon's time, in each second */
#define USERS_DEBT_NS_MAX (2 * NS_PER_S) /* that is remembered: eight seconds without an answer */

struct user {
	uid_t uid;             /* of strangers: the last one's that was refused */
	unsigned n;            /* connections */
	unsigned n_max, refused; /* at the last refusal; refusals since the last sweep */
	uint64_t spent_ns;     /* on his queries, and not yet paid back */
	bool is_stranger;
	struct user *next;
};

/* All zero: no arenas, no admins. */
struct users {
	struct arena *const *arenas; /* borrowed, and how many there are now */
	const size_t *n_arenas;
	struct access admins;        /* they see everything, and their queries have no limit */
	unsigned max_per_user;       /* connections; 0 = by the arenas that admit him */
	struct user *first;
	struct user strangers;
};

void users_fini(struct users *users);

/*
 * A connection of this peer is to be counted. 0 and its user, NULL for root and the daemon's own,
 * which users_leave() takes back; -EUSERS and the user if it is one too many; -ENOMEM. Tells in
 * peer->sees_all whether the peer sees everything.
 */
int users_enter(struct users *users, struct peer *peer, struct user **ret);
void users_leave(struct user *user);

/* So much time was spent on a query; a NULL user's is not counted. */
void user_spend(struct user *user, uint64_t ns);

/* Has he had his time for this second? */
bool user_is_over(const struct user *user);

/* To be called once a second: pay everybody his time, log who was refused, forget who has gone. */
void users_sweep(struct users *users);

#endif
