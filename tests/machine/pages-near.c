/* SPDX-License-Identifier: MIT */
/* Pages near the cores that begin with them, or near whoever touches them. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "client/pool.h"
#include "shm/circle.h"
#include "tests/machine/kernel.h"
#include "tests/machine/pages.h"

struct places {
	uint64_t of_core[THR_CORES_MAX], right, wrong;
};

/* `each` bytes for each segment of a class, from `offset` to `end`: whose is the page, and is it
 * on his node? A page belongs to the one in whose part it begins. */
static void look(const struct thruster_pool *pool, const struct thr_class_geometry *c,
	uint64_t offset, uint64_t end, uint64_t each, struct places *places)
{
	uint64_t page = pool->board->geometry.page_bytes, at;
	uint32_t cores = pool->board->geometry.cores, core;
	volatile char *touched;

	for (at = (offset + page - 1) & ~(page - 1); at < end; at += page) {
		touched = (char *)pool->arena + at;
		(void)*touched;
		core = circle_core((uint32_t)((at - offset) / each), cores, c->segments);
		places->of_core[core]++;
		if (node_of((void *)touched) == node_of_core(core))
			places->right++;
		else
			places->wrong++;
	}
}

/* All is touched from core 0. */
void pages_check_arcs(const struct machine *m, const struct thruster_pool *pool)
{
	static struct places data, segments;
	const struct thr_geometry *g = &pool->board->geometry;
	const struct thr_class_geometry *c;
	unsigned i;

	memset(&data, 0, sizeof(data));
	memset(&segments, 0, sizeof(segments));
	for (i = 0; i < g->classes; i++) {
		c = &g->class_[i];
		look(pool, c, c->data_offset, c->data_offset + c->slots * c->stride_bytes,
			THR_SEGMENT_SLOTS * c->stride_bytes, &data);
		look(pool, c, c->segments_offset,
			c->segments_offset + c->segments * sizeof(struct thr_segment),
			sizeof(struct thr_segment), &segments);
	}
	machine_check(data.right && !data.wrong, "pages of slots on the node of their core",
		data.right);
	machine_check(data.wrong == 0, "pages of slots elsewhere", data.wrong);
	for (i = 0; i < m->n_cores; i++)
		printf("# core %u, node %d: %llu pages\n", i, node_of_core(i),
			(unsigned long long)data.of_core[i]);
	machine_check(segments.wrong == 0, "pages of segments elsewhere", segments.wrong);
	printf("# on the node of their core: %llu\n", (unsigned long long)segments.right);
}

void pages_at_start(void)
{
	uint64_t before[NODES], now[NODES], half;
	struct thruster_pool *pool;
	struct machine m;
	unsigned node;

	for (node = 0; node < NODES; node++)
		before[node] = shared_on(node);
	pages_begin(&m, SLOTS, "{ \"allocate\": \"at_start\" }");
	half = pages_number(&m, "size_bytes") / NODES;
	machine_check(pages_resident(&m) == NODES * half,
		"bytes resident at the start, all of the arena", pages_resident(&m));
	for (node = 0; node < NODES; node++) {
		now[node] = shared_on(node) - before[node];
		printf("# node %u: %.1f MiB of shared memory more\n", node, MIB(now[node]));
		machine_check(pages_is_about(now[node], half), "bytes on a node, half of the arena",
			now[node]);
	}
	pool = host_attach(&m.host, NULL);
	pages_check_arcs(&m, pool);
	read_numa(m.host.pid, now);
	read_numa(getpid(), now);
	machine_check(pages_is_about(now[0], now[1]), "pages on node 0, as on node 1", now[0]);
	thruster_detach(pool);
	pages_check_use(&m);
	machine_judge(&m);
	host_stop(&m.host);
}

/* A thread on this core rents, and touches. */
static void check_toucher(struct thruster_pool *pool, unsigned core)
{
	struct thruster_lease leases[EACH];
	uint64_t at, right = 0, wrong = 0;
	unsigned i;

	machine_go_to(0, core);
	if (thruster_rent_bulk(pool, SLOT_BYTES, leases, EACH) != (int)EACH)
		harness_fail("core %u cannot rent", core);
	for (i = 0; i < EACH; i++) {
		pages_fill(&leases[i], i);
		at = ((uint64_t)leases[i].data + THR_PAGE - 1) & ~(uint64_t)(THR_PAGE - 1);
		for (; at + THR_PAGE <= (uint64_t)leases[i].data + leases[i].size; at += THR_PAGE)
			if (node_of((void *)at) == node_of_core(core))
				right++;
			else
				wrong++;
	}
	printf("# core %u, node %d: %llu pages touched\n", core, node_of_core(core),
		(unsigned long long)right);
	machine_check(right && !wrong, "pages touched that are on another node", wrong);
	thruster_return_bulk(pool, leases, EACH);
}

void pages_on_use(void)
{
	struct thruster_pool *pool;
	uint64_t first, metadata;
	struct machine m;
	unsigned core;

	pages_begin(&m, SLOTS, "{ \"allocate\": \"on_use\" }");
	pool = host_attach(&m.host, NULL);
	metadata = pool->board->geometry.metadata_bytes;
	first = pages_resident(&m);
	machine_check(first == metadata, "bytes resident at the start, all of them metadata",
		first);
	for (core = 0; core < m.n_cores; core++)
		check_toucher(pool, core);
	machine_go_to(0, 0);
	machine_check(pages_is_about(pages_resident(&m) - first, m.n_cores * EACH * SLOT_BYTES),
		"bytes resident more, as many as were touched", pages_resident(&m) - first);
	thruster_detach(pool);
	pages_check_use(&m);
	machine_check(pages_is_about(pages_resident(&m), pages_number(&m, "size_bytes")),
		"bytes resident when all was touched", pages_resident(&m));
	machine_judge(&m);
	host_stop(&m.host);
}
