/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RIVALS_H
#define BENCH_RIVALS_H

/* The daemons of rivals, started if one of their workloads is to be measured. */

#include "bench/series.h"

/* One that cannot be started makes its workloads absent, with the reason. */
void rivals_start(struct series *series);

/* Idempotent, and done at the end of the program, however it ends. */
void rivals_stop(void);

#endif
