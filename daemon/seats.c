/* SPDX-License-Identifier: MIT */
/* A table and a ring; both as large as they will ever be from the start. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/seats.h"

int seats_init(struct seats *seats, struct arena *arena, uint32_t n)
{
	uint32_t i;

	*seats = (struct seats){
		.clients = calloc(n + 1, sizeof(struct client)),
		.vacant = calloc(n, sizeof(uint16_t)),
		.n = n,
		.n_vacant = n,
	};
	if (!seats->clients || !seats->vacant) {
		seats_fini(seats);
		return -ENOMEM;
	}
	for (i = 1; i <= n; i++) {
		seats->clients[i].arena = arena;
		seats->clients[i].seat.n = (uint16_t)i;
		seats->vacant[i - 1] = (uint16_t)i;
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

	if (seats->n_vacant == 0)
		return NULL;
	client = &seats->clients[seats->vacant[seats->first]];
	seats->first = (seats->first + 1) % seats->n;
	seats->n_vacant--;
	seats->n_taken++;
	client->generation++;
	client->id = client_id_make(client->seat, client->generation);
	return client;
}

void seats_give(struct seats *seats, struct client *client)
{
	seats->vacant[(seats->first + seats->n_vacant) % seats->n] = client->seat.n;
	seats->n_vacant++;
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
