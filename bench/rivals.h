/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RIVALS_H
#define BENCH_RIVALS_H

/* The daemons of rivals, started if one of their workloads is to be measured. */

#include "bench/series.h"

/* One that cannot be started makes its workloads absent, with the reason. */
void rivals_start(struct series *series);

/* At once, with so many buffers of each size. NULL, or why it is not there. None may run. */
const char *rivals_begin(unsigned slots);

/* Idempotent, and done at the end of the program, however it ends. */
void rivals_stop(void);

/* A descriptor, which workers inherit, of the mounts in which the engine's daemon lives; 0: it has
 * none of its own. */
int rivals_mounts(const struct engine *engine);

#endif
