/* SPDX-License-Identifier: MIT */
#ifndef BENCH_DEATHS_FOOTPRINT_H
#define BENCH_DEATHS_FOOTPRINT_H

/* The memory that a process has in use, as the kernel counts it. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct footprint {
	uint64_t rss;    /* all but arenas: what it shares with others, as libraries, too */
	uint64_t own;    /* of that: anonymous, and of shared memory that is no arena */
	uint64_t arenas; /* mapped, resident or not */
};

/* Of the process, with its arenas of that name apart. False: it cannot be read. */
bool footprint_take(struct footprint *ret, pid_t pid, const char *arena);

#endif
