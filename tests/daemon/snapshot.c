/* SPDX-License-Identifier: MIT */
/*
 * The statistics of a million slots and a thousand clients: right, and told in how much of the
 * daemon's time. The times are printed and not judged.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/harness/harness.h"

#define SLOTS 1000000u
#define CLIENTS 1000u
#define LEASES 10u
#define ROUNDS 15u

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 1001, \"memory\": "
	"{ \"allocate\": \"on_use\" }, \"classes\": ["
	" { \"slot_bytes\": 64, \"slots\": 1000000 } ] } ] }";

static int ascending(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

Test(snapshot, a_million_slots_and_a_thousand_clients, .timeout = 120)
{
	struct thruster_pool **pools = calloc(CLIENTS, sizeof(struct thruster_pool *));
	struct thruster_lease leases[LEASES];
	int64_t walk[ROUNDS], longest = 0;
	uint64_t answer[ROUNDS];
	struct host host;
	json_t *stats;
	unsigned i;

	host_start(&host, config);
	for (i = 0; i < CLIENTS; i++) {
		pools[i] = host_attach(&host, NULL);
		cr_assert_eq(thruster_rent_bulk(pools[i], 64, leases, LEASES), (int)LEASES);
	}
	for (i = 0; i < ROUNDS; i++) {
		answer[i] = now_ns();
		stats = host_stats(&host);
		answer[i] = now_ns() - answer[i];
		walk[i] = json_number(stats, "arenas[0].snapshot_duration_ns");
		cr_assert_eq(json_number(stats, "arenas[0].classes[0].leased"), CLIENTS * LEASES);
		cr_assert_eq(json_array_size(json_object_get(json_array_get(
				     json_object_get(stats, "arenas"), 0), "clients")), CLIENTS);
		cr_assert_eq(json_number(stats, "arenas[0].clients[999].leased"), LEASES);
		cr_assert_eq(json_number(stats, "arenas[0].clients[999].leased_peak"), LEASES);
		cr_assert_gt(walk[i], 0);
		json_decref(stats);
	}
	qsort(walk, ROUNDS, sizeof(walk[0]), ascending);
	for (i = 0; i < ROUNDS; i++)
		longest = (int64_t)answer[i] > longest ? (int64_t)answer[i] : longest;
	fprintf(stderr,
		"# the walk of %u slots: median %.2f ms, longest %.2f ms; all of an answer for %u "
		"clients at most %.2f ms\n",
		SLOTS, (double)walk[ROUNDS / 2] / 1e6, (double)walk[ROUNDS - 1] / 1e6, CLIENTS,
		(double)longest / 1e6);
	for (i = 0; i < CLIENTS; i++)
		cr_assert_eq(thruster_detach(pools[i]), 0);
	free(pools);
	host_must_be_well(&host);
	host_stop(&host);
}
