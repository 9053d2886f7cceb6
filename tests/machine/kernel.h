/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MACHINE_KERNEL_H
#define TESTS_MACHINE_KERNEL_H

/* What the kernel says of memory: how much there is, of which node, and in which pages. */

#include <stdint.h>
#include <sys/types.h>

#define NODES 2u

/* A number of /proc/meminfo, in its own unit. */
uint64_t meminfo(const char *name);

/* Bytes of shared memory on a node. */
uint64_t shared_on(unsigned node);

/* The node of a core, or -1. */
int node_of_core(unsigned core);

/* Of a page that this process has touched. */
int node_of(void *at);

/* Of the arena's mapping in a process: pages of it on each node. Prints the line of numa_maps. */
void read_numa(pid_t pid, uint64_t ret[NODES]);

/* Kernel page size of that mapping, in KiB. */
uint64_t mapped_page_kib(pid_t pid);

#endif
