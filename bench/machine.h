/* SPDX-License-Identifier: MIT */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

/* Where we are: which cores we may use, what they are, and who disturbs us. */

#include <stdint.h>
#include "bench/stage.h"

struct machine {
	uint32_t n_cores;
	int32_t core[LANES_MAX]; /* those that share no silicon come first */
	uint32_t n_configured;   /* cores that the kernel may ever have */
	char model[128], kernel[200], libc[32];
};

/* All processors' time since the boot, in ticks. */
struct load {
	uint64_t all, idle, steal;
};

/* The cores of sched_getaffinity(), or of `list` ("0,2-3"), which must be among them; fail()s if
 * there are none or the list is wrong. */
void machine_init(struct machine *machine, const char *list);

struct load machine_load(void);

#endif
