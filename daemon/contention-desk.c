/* SPDX-License-Identifier: MIT */
/*
 * The tables on the desk. Programs only look things up there, by linear probing of TRACE_REACH
 * places, so an entry may be put into any vacant one of them and taken out again; the key is stored
 * last, with release. The desk outlives the daemon, as thruster-probes does: the next run goes on
 * from it.
 */

#include <string.h>
#include <sys/stat.h>
#include "daemon/contention.h"
#include "shm/atomics.h"

void contention_take_classes(
	struct contention *c, const struct trace_arena *entry, bool is_taken)
{
	uint32_t i;

	for (i = 0; i < entry->n_classes && entry->first_class + i < c->n_class_cells; i++)
		c->is_taken[entry->first_class + i] = is_taken;
}

struct arena *contention_arena(const struct contention *c, uint32_t tag)
{
	size_t i;

	for (i = 0; i < *c->n_arenas; i++)
		if (view_tag(c->arenas[i]->ledger->nonce) == tag)
			return c->arenas[i];
	return NULL;
}

uint32_t contention_arena_place(const struct contention *c, const struct arena *arena)
{
	uint32_t tag = view_tag(arena->ledger->nonce), i, place;

	for (i = 0; i < TRACE_REACH; i++) {
		place = (tag + i) % TRACE_ARENAS;
		if (c->desk->arenas[place].tag == tag)
			return place;
	}
	return TRACE_ARENAS;
}

/* So many class cells in a row that are nobody's, or n_class_cells. */
static uint32_t find_classes(const struct contention *c, uint32_t n)
{
	uint32_t first, row = 0;

	for (first = 0; first < c->n_class_cells; first++) {
		row = c->is_taken[first] ? 0 : row + 1;
		if (row == n)
			return first + 1 - n;
	}
	return c->n_class_cells;
}

static void enter_arena(struct contention *c, const struct arena *arena)
{
	uint32_t tag = view_tag(arena->ledger->nonce), i, place;
	uint32_t first = find_classes(c, arena->geometry.classes);
	struct trace_arena *entry = NULL;

	if (contention_arena_place(c, arena) < TRACE_ARENAS)
		return;
	for (i = 0; i < TRACE_REACH && !entry; i++) {
		place = (tag + i) % TRACE_ARENAS;
		if (c->desk->arenas[place].tag == 0)
			entry = &c->desk->arenas[place];
	}
	if (!tag || !entry || first == c->n_class_cells) {
		c->untracked++;
		return;
	}
	memset(&c->cells[TRACE_SEATS + first * c->n_cpus], 0,
		(size_t)arena->geometry.classes * c->n_cpus * sizeof(struct trace_cell));
	entry->first_class = first;
	entry->n_classes = arena->geometry.classes;
	entry->id = arena->id;
	contention_take_classes(c, entry, true);
	store_release(&entry->tag, tag);
}

static void remove_gone_arenas(struct contention *c)
{
	uint32_t place, i;

	for (place = 0; place < TRACE_ARENAS; place++) {
		struct trace_arena *entry = &c->desk->arenas[place];

		if (!entry->tag || contention_arena(c, entry->tag))
			continue;
		contention_take_classes(c, entry, false);
		store_release(&entry->tag, 0);
		for (i = 0; i < TRACE_STEALS; i++)
			if (c->desk->steals[i].key >> 32 == place + 1)
				store_relaxed(&c->desk->steals[i].segments, 0);
	}
}

static uint64_t seat_key(const struct arena *arena, struct seat_id seat)
{
	return trace_seat_key(view_tag(arena->ledger->nonce), seat.n);
}

uint32_t contention_place(const struct contention *c, const struct arena *arena,
	struct seat_id seat)
{
	uint64_t key = seat_key(arena, seat);
	uint32_t i, place;

	for (i = 0; i < TRACE_REACH; i++) {
		place = (trace_hash_seat(key) + i) % TRACE_SEATS;
		if (c->desk->seats[place].key == key)
			return place;
	}
	return TRACE_SEATS;
}

/* Processes in whose name nobody can touch an arena before it is torn down: where to look. */
static void enter_process(struct contention *c, const struct client *client)
{
	struct trace_process *vacant = NULL;
	uint32_t tag = view_tag(client->arena->ledger->nonce), i;
	struct stat st;

	if (!c->sees_pids || client->pid <= 0 || client->is_daemon)
		return;
	for (i = 0; i < TRACE_REACH; i++) {
		struct trace_process *p =
			&c->desk->processes[(trace_hash_pid((uint32_t)client->pid) + i) %
					    TRACE_PROCESSES];

		if (p->pid == (uint32_t)client->pid && p->tag == tag && p->seat == client->seat.n)
			return;
		if (!p->pid && !vacant)
			vacant = p;
	}
	if (!vacant || fstat(client->arena->fds.pages, &st) < 0)
		return;
	vacant->tag = tag;
	vacant->seat = client->seat.n;
	vacant->inode = st.st_ino;
	store_release(&vacant->pid, (uint32_t)client->pid);
}

void contention_enter(struct contention *c, const struct client *client)
{
	uint64_t key = seat_key(client->arena, client->seat);
	uint32_t place, i;

	if (!c->desk || contention_arena_place(c, client->arena) == TRACE_ARENAS)
		return;
	place = contention_place(c, client->arena, client->seat);
	for (i = 0; i < TRACE_REACH && place == TRACE_SEATS; i++)
		if (!c->desk->seats[(trace_hash_seat(key) + i) % TRACE_SEATS].key)
			place = (trace_hash_seat(key) + i) % TRACE_SEATS;
	if (place == TRACE_SEATS) {
		c->untracked++;
		return;
	}
	if (c->desk->seats[place].client != client->id.n || c->desk->seats[place].key != key) {
		memset(&c->cells[place], 0, sizeof(struct trace_cell));
		c->desk->seats[place].client = client->id.n;
		c->desk->seats[place].address = 0;
		store_release(&c->desk->seats[place].key, key);
	}
	/* Who attached before there was a probe to tell it. */
	if (!c->desk->seats[place].address)
		c->desk->seats[place].address =
			load_relaxed(&client->arena->view.seats[client->seat.n].mapped_at);
	enter_process(c, client);
}

static const struct client *client_of(const struct contention *c, uint32_t tag, uint64_t seat)
{
	const struct arena *arena = contention_arena(c, tag);

	if (!arena || seat < 1 || seat > arena->seats.n || !arena->seats.clients[seat].id.n)
		return NULL;
	return &arena->seats.clients[seat];
}

static void remove_gone_clients(struct contention *c)
{
	const struct client *client;
	uint32_t place;

	for (place = 0; place < TRACE_SEATS; place++) {
		uint64_t key = c->desk->seats[place].key;

		client = key ? client_of(c, (uint32_t)(key >> 32), (uint32_t)key) : NULL;
		if (!key || (client && client->id.n == c->desk->seats[place].client))
			continue;
		store_release(&c->desk->seats[place].key, 0);
	}
	for (place = 0; place < TRACE_PROCESSES; place++) {
		struct trace_process *p = &c->desk->processes[place];

		client = p->pid ? client_of(c, p->tag, p->seat) : NULL;
		if (p->pid && (!client || (uint32_t)client->pid != p->pid))
			store_release(&p->pid, 0);
	}
}

void contention_sweep(struct contention *c)
{
	struct client *client;
	size_t i;

	if (!c->desk)
		return;
	c->untracked = 0;
	remove_gone_arenas(c);
	remove_gone_clients(c);
	for (i = 0; i < *c->n_arenas; i++) {
		enter_arena(c, c->arenas[i]);
		client = NULL;
		while ((client = seats_next(&c->arenas[i]->seats, client)))
			contention_enter(c, client);
	}
	contention_hear(c);
}
