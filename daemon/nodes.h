/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_NODES_H
#define DAEMON_NODES_H

/*
 * Memory near the cores that use it, on machines with more than one node of memory (NUMA). A core
 * begins with the segments of its arc of the circle (shm/circle.h), and may end with any; so this
 * is where the pages are at the start, and no more.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/abi.h"

/*
 * Allocate the arcs of all cores, each by a thread that runs on the core's node: what of them lies
 * below the offset `to`. Needs no privilege, and leaves the rest to be allocated anywhere. Does
 * nothing where there is one node. 0 or -errno.
 */
int nodes_allocate(int fd, const struct thr_geometry *geometry, uint64_t to);

#define NODES_LIST_MAX 16384

/* A list of cores or nodes that the kernel gives in a file. False if there is no such file. */
bool nodes_read_list(const char *path, char list[NODES_LIST_MAX]);

/* Read a list as the kernel writes them ("0-3,8"): the first at or after `from` that is in it, or
 * UINT32_MAX. */
uint32_t nodes_list_next(const char *list, uint32_t from);

#endif
