/* SPDX-License-Identifier: MIT */
#ifndef EBPF_NOTES_H
#define EBPF_NOTES_H

/*
 * Where the probes of shm/probes.h are in a program or library: read from its ELF notes (stapsdt,
 * version 3), as offsets in the file, which is what the kernel attaches by.
 */

#include <stdint.h>

#define NOTES_SITES_MAX 16u
#define NOTES_WHY_MAX 200u

struct notes_site {
	unsigned probe;     /* enum trace_count */
	uint64_t offset;    /* in the file, of the instruction */
	uint64_t semaphore; /* in the file; 0 = it has none */
};

struct notes {
	struct notes_site site[NOTES_SITES_MAX];
	unsigned n;
};

/* The name of a probe. */
const char *notes_probe_name(unsigned probe);

/*
 * 0 and at least one site; -ENODATA if the file has none of ours; -ENOTSUP if it has and they are
 * not as expected; or another -errno. The reason in words either way.
 */
int notes_read(const char *path, struct notes *ret, char why[NOTES_WHY_MAX]);

#endif
