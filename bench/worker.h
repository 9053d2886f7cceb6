/* SPDX-License-Identifier: MIT */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

/* The process that does a workload. */

/* "workload:process:descriptor of the stage" */
#define WORKER_ORDER_FORMAT "%zu:%u:%d"

/* Returns the exit status. What went wrong is in the report of a lane. */
int worker_main(const char *order);

#endif
