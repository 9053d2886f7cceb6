/* SPDX-License-Identifier: MIT */
#ifndef BENCH_DAEMON_H
#define BENCH_DAEMON_H

/*
 * A thrusterd of our own, on a socket in a temporary directory, one at a time. Both are gone when
 * the program ends, however it ends, short of SIGKILL; then the daemon still ends, and the
 * directory stays.
 */

#include <jansson.h>
#include <sys/types.h>

/* Returns when the daemon answers; fail()s if it does not. `program` is the path of thrusterd;
 * `config`, thrusterd.json(5), is released. None may run: daemon_stop() comes before the next. */
void daemon_start(const char *program, json_t *config);

/* Idempotent. */
void daemon_stop(void);

/* NULL before the start. */
const char *daemon_socket(void);

/* If it has ended, fail() with what it said last. */
void daemon_check(void);

/* In a child between fork() and execve(): end with the parent, be deaf to the terminal's signals,
 * and have the usual answer to all signals. */
void child_settle(pid_t parent);

#endif
