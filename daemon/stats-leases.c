/* SPDX-License-Identifier: MIT */
/* The oldest leases of each arena, and of those the oldest of all. */

#include <errno.h>
#include <stdlib.h>
#include "daemon/cleanup.h"
#include "daemon/json.h"
#include "daemon/stats.h"
#include "shm/record.h"

struct found_lease {
	const struct arena *arena;
	struct census_lease lease;
};

static json_t *lease_json(const struct found_lease *found)
{
	const struct arena *arena = found->arena;
	const struct census_lease *lease = &found->lease;
	struct seat_id seat = record_owner(lease->record);
	const struct client *client =
		seat.n >= 1 && seat.n <= arena->seats.n ? &arena->seats.clients[seat.n] : NULL;
	unsigned run = record_run(lease->record);
	json_t *o = json_object();

	json_set(o, "arena", json_string(arena->name));
	json_set(o, "class", json_integer(lease->class_));
	json_set(o, "slot", json_integer(lease->slot.n));
	json_set(o, "slots", json_integer(run));
	json_set_number(o, "size_bytes", run * arena->geometry.class_[lease->class_].stride_bytes);
	json_set(o, "state", json_string(record_is_pending(lease->record) ? "pending" : "leased"));
	json_set_number(o, "age_ns", lease->age_ns);
	if (client && client->id.n) {
		json_set(o, "client_id", json_integer(client->id.n));
		json_set(o, "pid", json_integer(client->pid));
		json_set(o, "label", json_string(client->label));
	}
	return o;
}

static int oldest_first(const void *a, const void *b)
{
	const struct found_lease *x = a, *y = b;

	if (x->lease.age_ns != y->lease.age_ns)
		return x->lease.age_ns < y->lease.age_ns ? 1 : -1;
	return 0;
}

/* Add the oldest leases of an arena, at most `limit`, to those found. */
static int find_leases(
	const struct arena *arena, uint32_t limit, struct found_lease **found, size_t *n)
{
	struct census_lease *leases;
	struct found_lease *more;
	size_t i, n_leases;
	int r;

	r = census_leases(&arena->census, &arena->view, limit, &leases, &n_leases);
	if (r < 0)
		return r;
	more = reallocarray(*found, *n + n_leases + 1, sizeof(**found));
	if (more) {
		*found = more;
		for (i = 0; i < n_leases; i++)
			more[(*n)++] = (struct found_lease){ arena, leases[i] };
	}
	free(leases);
	return more ? 0 : -ENOMEM;
}

static json_t *leases_json(const struct found_lease *found, size_t n)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(array, lease_json(&found[i]));
	return array;
}

int stats_leases_text(struct daemon *daemon, const struct peer *viewer, uint32_t limit,
	char **ret_text)
{
	_cleanup_(free_memory) struct found_lease *found = NULL;
	json_t *root;
	uint64_t total = 0;
	size_t i, n = 0;
	uint32_t seat;
	int r;

	if (limit == 0 || limit > STATS_LEASES_MAX)
		limit = STATS_LEASES_MAX;
	for (i = 0; i < daemon->n_arenas; i++) {
		const struct arena *arena = daemon->arenas[i];

		if (!stats_may_see(arena, viewer))
			continue;
		r = find_leases(arena, limit, &found, &n);
		if (r < 0)
			return r;
		for (seat = 0; seat <= arena->census.n_seats; seat++)
			total += arena->census.seats[seat].leases;
	}
	if (found)
		qsort(found, n, sizeof(*found), oldest_first);
	root = json_head("thruster.leases");
	json_set(root, "leases_total", json_number(total));
	json_set(root, "leases", leases_json(found, n > limit ? limit : n));
	return json_finish(root, ret_text);
}
