/* SPDX-License-Identifier: MIT */
/* The roster's seats beside a naive queue, and ids through the wrap of their generation. */

#include <stdlib.h>
#include "daemon/seats.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

static struct arena *const some_arena = (struct arena *)&some_arena;
static struct ledger_entry entries[THR_SEATS_MAX + 1];

static void check_client(const struct seats *seats, const struct client *c)
{
	must(c->seat.n >= 1 && c->seat.n <= seats->n, "seat %u", c->seat.n);
	must(c == &seats->clients[c->seat.n], "seat %u is elsewhere", c->seat.n);
	must(c->id.n != 0 && client_id_seat(c->id).n == c->seat.n, "id %#x", c->id.n);
	must(c->id.n >> 16 == c->generation, "id %#x of generation %u", c->id.n, c->generation);
	must(c->arena == some_arena, "no arena");
}

Test(seats, are_used_again_as_late_as_can_be)
{
	struct dice d = { 121 };
	uint16_t queue[100000], generation[51] = { 0 };
	struct client *taken[50], *c;
	unsigned n = 50, first = 0, last = 0, held = 0, step, i;
	struct seats seats;

	cr_assert_eq(seats_init(&seats, some_arena, n, entries), 0);
	for (i = 1; i <= n; i++)
		queue[last++] = (uint16_t)i;
	for (step = 0; step < 50000; step++) {
		if (dice_one_in(&d, 2) && held) {
			i = (unsigned)dice_below(&d, held);
			queue[last++] = taken[i]->seat.n;
			seats_give(&seats, taken[i]);
			taken[i] = taken[--held];
		} else if ((c = seats_take(&seats))) {
			check_client(&seats, c);
			must(first < last && c->seat.n == queue[first++], "seat %u came too early",
				c->seat.n);
			must(c->generation == ++generation[c->seat.n], "generation %u",
				c->generation);
			taken[held++] = c;
		} else {
			must(held == n, "refused with %u of %u", held, n);
		}
		must(seats.n_taken == held && seats.n_vacant == n - held, "%u taken, %u vacant",
			seats.n_taken, seats.n_vacant);
	}
	seats_fini(&seats);
}

Test(seats, a_vacant_seat_keeps_nothing_of_its_tenant)
{
	struct seats seats;
	struct client *c;

	cr_assert_eq(seats_init(&seats, some_arena, 1, entries), 0);
	c = seats_take(&seats);
	c->pid = 77, c->uid = 78, c->gid = 79, c->attached_realtime_ns = 80, c->is_leaving = true;
	c->watch = (struct reaper_watch *)&c;
	strcpy(c->label, "label");
	seats_give(&seats, c);
	cr_assert_eq(c->id.n, 0);
	cr_assert_null(seats_next(&seats, NULL));
	cr_assert_eq(seats_take(&seats), c);
	cr_assert(c->pid == 0 && c->uid == 0 && c->gid == 0 && c->attached_realtime_ns == 0);
	cr_assert(!c->is_leaving && !c->watch && !*c->label);
	check_client(&seats, c);
	seats_fini(&seats);
}

/* 65,536 tenants of a seat: each has an id unlike the others', and none is 0. */
Test(seats, ids_are_distinct_until_the_generation_wraps)
{
	static uint8_t seen[65536];
	struct seats seats;
	struct client *c;
	unsigned i;

	cr_assert_eq(seats_init(&seats, some_arena, 1, entries), 0);
	for (i = 0; i < 3 * 65536; i++) {
		c = seats_take(&seats);
		must(c && c->id.n != 0 && client_id_seat(c->id).n == 1, "tenant %u", i);
		must(seen[c->id.n >> 16]++ == i / 65536, "tenant %u has the id of another", i);
		must(seats_next(&seats, NULL) == c, "tenant %u is not seen", i);
		seats_give(&seats, c);
	}
	seats_fini(&seats);
}

Test(seats, the_largest_roster)
{
	struct seats seats;
	struct client *c;
	unsigned i;

	cr_assert_eq(seats_init(&seats, some_arena, THR_SEATS_MAX, entries), 0);
	for (i = 1; i <= THR_SEATS_MAX; i++) {
		c = seats_take(&seats);
		must(c && c->seat.n == i, "seat %u", i);
		check_client(&seats, c);
	}
	cr_assert_null(seats_take(&seats));
	seats_give(&seats, &seats.clients[65535]);
	cr_assert_eq(seats_take(&seats)->seat.n, 65535);
	cr_assert_eq(seats_next(&seats, &seats.clients[65534])->seat.n, 65535);
	cr_assert_null(seats_next(&seats, &seats.clients[65535]));
	seats_fini(&seats);
}

Test(seats, next_visits_who_is_seated_in_order)
{
	struct dice d = { 122 };
	struct client *c;
	struct seats seats;
	bool is_taken[66];
	unsigned round, i;

	cr_assert_eq(seats_init(&seats, some_arena, 65, entries), 0);
	for (round = 0; round < 1000; round++) {
		for (i = 0; i < 65; i++)
			seats_take(&seats);
		for (i = 1; i <= 65; i++) {
			is_taken[i] = dice_one_in(&d, 2);
			if (!is_taken[i])
				seats_give(&seats, &seats.clients[i]);
		}
		for (i = 1, c = NULL; i <= 65; i++)
			if (is_taken[i]) {
				c = seats_next(&seats, c);
				must(c && c->seat.n == i, "seat %u was passed over", i);
			}
		must(!seats_next(&seats, c), "there is another");
	}
	seats_fini(&seats);
}
