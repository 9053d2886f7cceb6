/* SPDX-License-Identifier: MIT */
#ifndef BENCH_FAIL_H
#define BENCH_FAIL_H

/* Say what went wrong and exit; what atexit() was given cleans up. Never in a worker. */
_Noreturn __attribute__((format(printf, 1, 2))) void fail(const char *format, ...);

#endif
