/* SPDX-License-Identifier: MIT */
/*
 * The kernel allocates a page of a memfd on the node where the allocating thread runs. So the
 * thread goes to each node in turn; mbind() would need a system call that the unit's filter has
 * no reason to allow.
 */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include "daemon/cleanup.h"
#include "daemon/memory.h"
#include "daemon/nodes.h"
#include "daemon/places.h"
#include "shm/circle.h"

#define NODES "/sys/devices/system/node"

struct placing {
	int fd;
	const struct thr_geometry *geometry;
	uint64_t to;
};

uint32_t nodes_list_next(const char *list, uint32_t from)
{
	unsigned first, last;
	int n, length;

	while (n = sscanf(list, "%u%n-%u%n", &first, &length, &last, &length), n >= 1) {
		if (n == 1)
			last = first;
		if (from <= last && first <= last)
			return from > first ? from : first;
		list += length;
		if (*list++ != ',')
			break;
	}
	return UINT32_MAX;
}

bool nodes_read_list(const char *path, char list[NODES_LIST_MAX])
{
	FILE *file = fopen(path, "re");
	bool ok;

	if (!file)
		return false;
	ok = fgets(list, NODES_LIST_MAX, file);
	fclose(file);
	return ok;
}

/* The page belongs to the one in whose part it begins. */
static int allocate(const struct placing *p, uint64_t from, uint64_t to)
{
	uint64_t page = p->geometry->page_bytes;

	from = (from + page - 1) & ~(page - 1);
	to = (to + page - 1) & ~(page - 1);
	return memory_allocate(p->fd, from, to < p->to ? to : p->to);
}

/* A core's arc of a class: the segments that it begins with, and their slots. */
static int allocate_arc(
	const struct placing *p, const struct thr_class_geometry *c, struct core_id core)
{
	uint32_t n = c->segments, cores = p->geometry->cores;
	uint64_t first = circle_arc(core.n, cores, n);
	uint64_t end = circle_arc(core.n + 1, cores, n);
	uint64_t slots = THR_SEGMENT_SLOTS * c->stride_bytes;
	uint64_t data_end = c->data_offset + c->slots * c->stride_bytes;
	uint64_t to = c->data_offset + end * slots;
	int r = allocate(p, c->segments_offset + first * sizeof(struct thr_segment),
		c->segments_offset + end * sizeof(struct thr_segment));

	if (r < 0)
		return r;
	return allocate(p, c->data_offset + first * slots, to < data_end ? to : data_end);
}

static int allocate_core(const struct placing *p, struct core_id core)
{
	uint32_t i;
	int r = 0;

	for (i = 0; r == 0 && i < p->geometry->classes; i++)
		r = allocate_arc(p, &p->geometry->class_[i], core);
	return r;
}

/* Where this thread may not go, the pages are left to be allocated from anywhere. */
static int allocate_node(const struct placing *p, const char *cores)
{
	cpu_set_t *set = CPU_ALLOC(THR_CORES_MAX);
	size_t size = CPU_ALLOC_SIZE(THR_CORES_MAX);
	struct core_id core;
	bool is_there;
	int r = 0;

	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(size, set);
	for (core.n = 0; (core.n = nodes_list_next(cores, core.n)) < THR_CORES_MAX; core.n++)
		CPU_SET_S(core.n, size, set);
	is_there = sched_setaffinity(0, size, set) == 0;
	CPU_FREE(set);
	for (core.n = 0; is_there && r == 0 &&
			 (core.n = nodes_list_next(cores, core.n)) < p->geometry->cores;
		core.n++)
		r = allocate_core(p, core);
	return r;
}

/* Each node that has cores. */
static int allocate_nodes(const struct placing *p, const char *nodes)
{
	_cleanup_(free_memory) char *cores = malloc(NODES_LIST_MAX);
	char path[128];
	uint32_t node;
	int r = cores ? 0 : -ENOMEM;

	for (node = 0; r == 0 && (node = nodes_list_next(nodes, node)) != UINT32_MAX; node++) {
		snprintf(path, sizeof(path), NODES "/node%u/cpulist", node);
		if (nodes_read_list(path, cores))
			r = allocate_node(p, cores);
	}
	return r;
}

int nodes_allocate(int fd, const struct thr_geometry *geometry, uint64_t to)
{
	const struct placing p = { fd, geometry, to };
	_cleanup_(free_memory) char *nodes = malloc(NODES_LIST_MAX);
	_cleanup_(free_memory) cpu_set_t *home = NULL;
	size_t home_bytes;
	uint32_t first;
	int r;

	if (!nodes)
		return -ENOMEM;
	if (!nodes_read_list(NODES "/has_cpu", nodes))
		return 0;
	first = nodes_list_next(nodes, 0);
	if (first == UINT32_MAX || nodes_list_next(nodes, first + 1) == UINT32_MAX)
		return 0;
	home = place_home(&home_bytes);
	if (!home)
		return 0; /* no way back: wherever the kernel puts them */
	r = allocate_nodes(&p, nodes);
	sched_setaffinity(0, home_bytes, home);
	return r;
}
