/* SPDX-License-Identifier: MIT */
/* Our pool, as any program uses it: the shared library and a daemon. What is passed on is
 * a key: between processes of the ticket, which is handed over, between threads of the lease. */

#include "bench/acts.h"
#include "bench/worker.h"

static int rent(struct lane *lane, size_t bytes, union item *ret)
{
	return thruster_rent(lane->pool, bytes, &ret->lease);
}

static int give(struct lane *lane, union item *item)
{
	return thruster_return(lane->pool, &item->lease);
}

static void *data(struct lane *lane, union item *item)
{
	(void)lane;
	return item->lease.data;
}

_Static_assert(sizeof(union item) == sizeof(struct thruster_lease), "an array of them is a bulk");

static int rent_bulk(struct lane *lane, size_t bytes, union item *ret, unsigned n)
{
	return thruster_rent_bulk(lane->pool, bytes, &ret->lease, n);
}

static int give_bulk(struct lane *lane, union item *item, unsigned n)
{
	return thruster_return_bulk(lane->pool, &item->lease, n);
}

static int lease_pack(struct lane *lane, union item *item, void *entry)
{
	uint64_t key = thruster_lease_key(&item->lease);

	(void)lane;
	memcpy(entry, &key, sizeof(key));
	return 0;
}

static int lease_unpack(struct lane *lane, const void *entry, union item *ret)
{
	uint64_t key;

	memcpy(&key, entry, sizeof(key));
	return thruster_lease_find(lane->pool, key, &ret->lease);
}

static int ticket_pack(struct lane *lane, union item *item, void *entry)
{
	struct thruster_ticket ticket;
	int r = thruster_hand_over(lane->pool, &item->lease, lane->peer, &ticket);
	uint64_t key = thruster_ticket_key(&ticket);

	memcpy(entry, &key, sizeof(key));
	return r;
}

static int ticket_unpack(struct lane *lane, const void *entry, union item *ret)
{
	uint64_t key;

	memcpy(&key, entry, sizeof(key));
	return thruster_accept_key(lane->pool, key, &ret->lease);
}

static const struct acts engine_acts = { rent, give, data, rent_bulk, give_bulk, lease_pack,
	lease_unpack, sizeof(uint64_t), NULL, NULL };
static const struct acts acts_across = { rent, give, data, rent_bulk, give_bulk, ticket_pack,
	ticket_unpack, sizeof(uint64_t), NULL, NULL };

#define ACTS engine_acts
#define ACTS_ACROSS acts_across
#define HAS_BULK
#include "bench/engine-bodies.h"

static int attach_to(struct lane *lane, const char *arena)
{
	struct thruster_attach_options options = {
		.size = sizeof(options),
		.socket_path = lane->stage->orders.socket,
		.label = "thruster-bench",
	};

	return thruster_attach(&lane->pool, arena, &options);
}

static int enter(struct lane *lane)
{
	return attach_to(lane, lane->kind->arena);
}

static int enter_open(struct lane *lane)
{
	return attach_to(lane, "open");
}

static void leave(struct lane *lane)
{
	int r = thruster_detach(lane->pool);

	if (r < 0)
		lane_fail(lane, "cannot detach", r);
}

const struct engine_code pool_code = { "pool", enter, leave, NULL, NULL, bodies, begin, end };
const struct engine_code portable_code = { "portable", enter, leave, NULL, NULL, bodies, begin,
	end };
const struct engine_code open_code = { "open", enter_open, leave, NULL, NULL, bodies, begin, end };
