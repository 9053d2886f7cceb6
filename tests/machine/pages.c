/* SPDX-License-Identifier: MIT */
/*
 * Where the pages of an arena lie, of which size they are, when they come and go: in a machine of
 * its own with two nodes of memory and 64 reserved huge pages of 2 MiB.
 *
 *   pages at_start    near the cores that begin with them, allocated before anybody comes
 *   pages on_use      nothing but metadata at first, then near whoever touches them
 *   pages huge        served, used, killed, refused, given back
 *   pages trim        given back when asked, and by themselves
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tests/machine/pages.h"

void pages_write_config(char *config, size_t size, unsigned slots, const char *memory)
{
	snprintf(config, size,
		"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 20, \"memory\": %s,"
		" \"classes\": [ { \"slot_bytes\": 256, \"slots\": %u },"
		" { \"slot_bytes\": %zu, \"slots\": %u } ] } ] }",
		memory, slots, SLOT_BYTES, slots);
}

void pages_begin(struct machine *m, unsigned slots, const char *memory)
{
	char config[512];

	memset(m, 0, sizeof(*m));
	m->n_cores = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	m->slots = slots;
	pages_write_config(config, sizeof(config), slots, memory);
	printf("# %s\n", memory);
	machine_go_to(0, 0);
	host_start(&m->host, config);
}

uint64_t pages_number(const struct machine *m, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "arenas[0].%s", name);
	return (uint64_t)host_number(&m->host, path);
}

uint64_t pages_resident(const struct machine *m)
{
	return pages_number(m, "memory.resident_bytes");
}

static size_t clients(const struct machine *m)
{
	json_t *stats = host_stats(&m->host);
	size_t n = json_array_size(json_object_get(
		json_array_get(json_object_get(stats, "arenas"), 0), "clients"));

	json_decref(stats);
	return n;
}

bool pages_is_about(uint64_t a, uint64_t b)
{
	uint64_t away = a > b ? a - b : b - a;

	return away * 10 < b;
}

void pages_fill(const struct thruster_lease *lease, uint64_t word)
{
	uint64_t *to = lease->data;
	size_t i;

	for (i = 0; i < lease->size / sizeof(*to); i++)
		to[i] = word + i;
}

bool pages_is_filled(const struct thruster_lease *lease, uint64_t word)
{
	const uint64_t *from = lease->data;
	size_t i;

	for (i = 0; i < lease->size / sizeof(*from); i++)
		if (from[i] != word + i)
			return false;
	return true;
}

unsigned pages_use_all(const struct machine *m, struct thruster_pool *pool)
{
	struct thruster_lease *leases = calloc(2 * m->slots, sizeof(*leases));
	unsigned n = 0, i, good = 0;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_S;
	for (; n < 2 * m->slots; n++)
		if (thruster_rent_wait(pool, n < m->slots ? SLOT_BYTES : 1, &until, &leases[n]) < 0)
			break;
	for (i = 0; i < n; i++)
		pages_fill(&leases[i], (uint64_t)i << 32);
	for (i = 0; i < n; i++)
		good += pages_is_filled(&leases[i], (uint64_t)i << 32);
	if (n && thruster_return_bulk(pool, leases, n) != (int)n)
		good = 0;
	free(leases);
	return good;
}

void pages_check_use(const struct machine *m)
{
	struct thruster_pool *pool = host_attach(&m->host, NULL);
	unsigned n = pages_use_all(m, pool);
	int r = thruster_detach(pool);
	size_t left = clients(m);

	machine_check(n == 2 * m->slots, "slots rented, written, read and returned", n);
	machine_check(r == 0 && left == 0, "clients when that one has detached", left);
}

void pages_check_trim(const struct machine *m, const char *say)
{
	char output[4096];

	machine_check(host_ctl(&m->host, "trim", output, sizeof(output)) == 0, say, 0);
	printf("# %s", output);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(what, "at_start") == 0) {
		pages_at_start();
	} else if (strcmp(what, "on_use") == 0) {
		pages_on_use();
	} else if (strcmp(what, "huge") == 0) {
		pages_huge();
	} else if (strcmp(what, "trim") == 0) {
		pages_trim();
	} else {
		harness_fail("usage: pages at_start | on_use | huge | trim");
	}
	return machine_done();
}
