/* SPDX-License-Identifier: MIT */
/*
 * A correct client charges itself before it takes a lease, so its records never are over the quota,
 * at whatever moment the census saw them. Leases that were handed to it and that it has not
 * accepted are not its doing and do not count.
 */

#include "daemon/log.h"
#include "daemon/quota.h"

static bool is_over(const struct ledger *ledger, const struct census_seat *held)
{
	uint64_t leases = held->leases - held->pending, bytes = held->bytes - held->pending_bytes;

	return (ledger->quota_leases && leases > ledger->quota_leases) ||
	       (ledger->quota_bytes && bytes > ledger->quota_bytes);
}

static void log_over(const struct arena *arena, const struct client *client,
	const struct census_seat *held)
{
	struct log_fields fields = {
		.arena = arena->name,
		.label = client->label,
		.client_id = client->id.n,
		.client_pid = client->pid,
		.has_uid = true,
		.client_uid = client->uid,
	};

	if (!log_limit_allows_user(client->uid, "clients over their quota"))
		return;
	log_event(EVENT_CLIENT_OVER_QUOTA, &fields,
		"%s: client %u (pid %d, uid %u, %s) holds %llu leases of %llu bytes, more than the "
		"quota allows",
		arena->name, client->id.n, (int)client->pid, (unsigned)client->uid, client->label,
		(unsigned long long)(held->leases - held->pending),
		(unsigned long long)(held->bytes - held->pending_bytes));
}

void quota_watch(struct arena *arena)
{
	const struct census_seat *held;
	struct client *client = NULL;

	while ((client = seats_next(&arena->seats, client))) {
		held = &arena->census.seats[client->seat.n];
		client->is_over_quota = is_over(arena->ledger, held);
		if (!client->is_over_quota || client->was_over_quota || client->is_daemon)
			continue;
		client->was_over_quota = true;
		arena->ledger->over_quota_total++;
		log_over(arena, client, held);
	}
}
