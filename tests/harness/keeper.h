/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HARNESS_KEEPER_H
#define TESTS_HARNESS_KEEPER_H

/*
 * A service manager for one daemon, as far as its protocol goes: it opens the listening socket,
 * keeps the descriptors that the daemon stores, and starts the next run with them. A thread of the
 * test reads the notifications. There is one keeper in a process.
 */

#include "tests/harness/harness.h"

/* As host_start(). */
void keeper_start(struct host *host, const char *config);

/* Send a signal, wait for the end; and start the next run, with another configuration if `config`
 * is not NULL, and wait until it is ready. */
void keeper_kill(struct host *host, int signal);
void keeper_launch(struct host *host, const char *config);
void keeper_restart(struct host *host, int signal, const char *config);

/* SIGHUP with this configuration; returns when the daemon is ready again. */
void keeper_reload(struct host *host, const char *config);

/* A descriptor that is kept, or -1; it stays the keeper's. How many there are. */
int keeper_fd(const char *name);
unsigned keeper_count(void);

/* While no daemon runs: drop or add one. */
void keeper_drop(const char *name);
void keeper_add(const char *name, int fd);

/* SIGTERM; the exit status must be 0. Drops everything and removes the directory. */
void keeper_stop(struct host *host);

#endif
