/* SPDX-License-Identifier: MIT */
/* A table and a ring; both as large as they will ever be from the start. Beside the table, in the
 * ledger, its copy for the next run. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/seats.h"
#include "shm/atomics.h"

static void seats_add_vacant(struct seats *seats, struct seat_id seat)
{
	seats->vacant[(seats->first + seats->n_vacant) % seats->n] = seat.n;
	seats->n_vacant++;
}

static void client_read(struct client *client, const struct ledger_entry *entry)
{
	client->id.n = entry->id;
	client->generation = entry->generation;
	client->pid = entry->pid;
	client->uid = entry->uid;
	client->gid = entry->gid;
	client->attached_realtime_ns = entry->attached_realtime_ns;
	memcpy(client->label, entry->label, sizeof(client->label));
}

int seats_init(struct seats *seats, struct arena *arena, uint32_t n, struct ledger_entry *entries)
{
	uint32_t i;

	*seats = (struct seats){
		.clients = calloc(n + 1, sizeof(struct client)),
		.vacant = calloc(n, sizeof(uint16_t)),
		.entries = entries,
		.n = n,
		.n_max = n,
	};
	if (!seats->clients || !seats->vacant) {
		seats_fini(seats);
		return -ENOMEM;
	}
	for (i = 1; i <= n; i++) {
		struct client *client = &seats->clients[i];

		client->arena = arena;
		client->seat.n = (uint16_t)i;
		client->generation = entries[i].generation;
		if (entries[i].id) {
			client_read(client, &entries[i]);
			seats->n_taken++;
		} else {
			seats_add_vacant(seats, client->seat);
		}
	}
	return 0;
}

void seats_fini(struct seats *seats)
{
	free(seats->clients);
	free(seats->vacant);
	*seats = (struct seats){ 0 };
}

struct client *seats_take(struct seats *seats)
{
	struct client *client;

	if (seats->n_vacant == 0 || seats->n_taken >= seats->n_max)
		return NULL;
	client = &seats->clients[seats->vacant[seats->first]];
	seats->first = (seats->first + 1) % seats->n;
	seats->n_vacant--;
	seats->n_taken++;
	client->generation++;
	client->id = client_id_make(client->seat, client->generation);
	return client;
}

void seats_note(struct seats *seats, const struct client *client)
{
	struct ledger_entry *entry = &seats->entries[client->seat.n];

	*entry = (struct ledger_entry){
		.generation = client->generation,
		.pid = client->pid,
		.uid = client->uid,
		.gid = client->gid,
		.attached_realtime_ns = client->attached_realtime_ns,
	};
	memcpy(entry->label, client->label, sizeof(entry->label));
	store_release(&entry->id, client->id.n);
}

void seats_give(struct seats *seats, struct client *client)
{
	store_release(&seats->entries[client->seat.n].id, 0);
	seats_add_vacant(seats, client->seat);
	seats->n_taken--;
	*client = (struct client){
		.arena = client->arena,
		.seat = client->seat,
		.generation = client->generation,
	};
}

struct client *seats_next(const struct seats *seats, const struct client *client)
{
	uint32_t i = client ? client->seat.n + 1u : 1;

	for (; i <= seats->n; i++)
		if (seats->clients[i].id.n)
			return &seats->clients[i];
	return NULL;
}
