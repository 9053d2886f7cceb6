/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BOOST_H
#define BENCH_BOOST_H

/* As much of Boost.Interprocess as is measured, for C. */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of `bytes` at `memory`, which is shared with other processes. NULL: there is not enough. */
void *boost_make(void *memory, size_t bytes);
/* What another process has made, wherever it is mapped here. */
void *boost_open(void *memory, size_t bytes);
void boost_close(void *pool);

/* NULL: none is free. */
void *boost_allocate(void *pool, size_t bytes);
void boost_free(void *pool, void *address);

/* What stands for an address in all processes. */
uint64_t boost_handle(void *pool, void *address);
void *boost_address(void *pool, uint64_t handle);

#ifdef __cplusplus
}
#endif

#endif
