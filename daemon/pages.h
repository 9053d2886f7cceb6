/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_PAGES_H
#define DAEMON_PAGES_H

/*
 * The pages of an arena: of which size, allocated when, near which core, and given back.
 */

#include <stdbool.h>
#include <stdint.h>
#include "daemon/memory.h"
#include "shm/abi.h"

/* Are the huge pages there that it needs, if any? 0, or -ENOMEM and the reason in `why`. */
int pages_check(const struct thr_geometry *geometry, char why[MEMORY_WHY_MAX]);

/*
 * A sealed memfd for an arena of this geometry, mapped. All of it is allocated now, the slots near
 * the cores that begin with them where the machine has more than one node of memory; unless
 * `is_lazy`: then each page of a slot is allocated, and charged, when it is touched first. Huge
 * pages are reserved even so. 0, or -errno with the reason in `why` if there is more to say than
 * the error does.
 */
int pages_new(int *ret_fd, void **ret_at, const char *name, const struct thr_geometry *geometry,
	bool is_lazy, char why[MEMORY_WHY_MAX]);

/* Bytes that the memfd takes up now, or 0 if that cannot be told. */
uint64_t pages_resident(int fd);

/*
 * Give the whole pages between two offsets back to the kernel. Nobody may be using them; who reads
 * there next finds zeros, and who touches them first is charged. 0 or -errno.
 */
int pages_give_back(int fd, uint64_t from, uint64_t to);

#endif
