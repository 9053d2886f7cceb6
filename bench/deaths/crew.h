/* SPDX-License-Identifier: MIT */
#ifndef BENCH_DEATHS_CREW_H
#define BENCH_DEATHS_CREW_H

/* The processes that this program has begun: all end with it, however it ends. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Before all else: from here on the signals that are to end the program are asked for. */
void crew_prepare(void);

/* fork(), for one who may call crew_kill() later. fail()s if it cannot. */
pid_t crew_fork(void);

/* With SIGKILL; returns when it is gone. */
void crew_kill(pid_t pid);

/* It is killed already, and its end is to be waited for. */
void crew_bury(pid_t pid);

/* Has it ended by itself? Then it is forgotten, and *ret_status is as of waitpid(). */
bool crew_has_ended(pid_t pid, int *ret_status);

/* Sleep so long, or until a child ends. fail()s when told to stop by a signal, or if the daemon has
 * ended. */
void crew_sleep(int64_t ns);

#endif
