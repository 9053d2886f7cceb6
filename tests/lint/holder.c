/* SPDX-License-Identifier: MIT */
/*
 * A client to look at from outside: holder LABEL. It prints its client id, does what its standard
 * input says, one command a line, and answers each with a line. When the input ends it detaches.
 *
 *   rent SIZE N    rent N buffers     -> how many it got
 *   return N       return the last N  -> how many it returned
 *   hand ID        hand over the last -> 0 or -errno
 */

#include <stdio.h>
#include <string.h>
#include "client/include/thruster/client.h"

#define LEASES_MAX 1024

static struct thruster_lease leases[LEASES_MAX];
static unsigned held;

static int rent(struct thruster_pool *pool, size_t size, unsigned n)
{
	int r;

	if (n > LEASES_MAX - held)
		n = LEASES_MAX - held;
	r = thruster_rent_bulk(pool, size, &leases[held], n);
	held += r > 0 ? (unsigned)r : 0;
	return r;
}

static int give_back(struct thruster_pool *pool, unsigned n)
{
	n = n < held ? n : held;
	held -= n;
	return thruster_return_bulk(pool, &leases[held], n);
}

static int hand(struct thruster_pool *pool, uint32_t to)
{
	struct thruster_ticket ticket;

	return held ? thruster_hand_over(pool, &leases[--held], to, &ticket) : -1;
}

int main(int argc, char **argv)
{
	struct thruster_attach_options options = { .size = sizeof(options) };
	struct thruster_pool *pool;
	unsigned n, id;
	char line[128];
	size_t size;
	int r;

	options.label = argv[argc - 1];
	r = thruster_attach(&pool, NULL, &options);
	if (r < 0) {
		fprintf(stderr, "holder: attach: %s\n", strerror(-r));
		return 1;
	}
	printf("%u\n", thruster_client_id(pool));
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		r = -1;
		if (sscanf(line, "rent %zu %u", &size, &n) == 2)
			r = rent(pool, size, n);
		else if (sscanf(line, "return %u", &n) == 1)
			r = give_back(pool, n);
		else if (sscanf(line, "hand %u", &id) == 1)
			r = hand(pool, id);
		printf("%d\n", r);
		fflush(stdout);
	}
	return thruster_detach(pool) < 0;
}
