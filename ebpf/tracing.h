/* SPDX-License-Identifier: MIT */
#ifndef EBPF_TRACING_H
#define EBPF_TRACING_H

/*
 * For a while: where the threads of some processes spend their time when they do not run. Needs the
 * kernel's type information, CAP_BPF and CAP_PERFMON. Not thread-safe.
 */

#include <stdbool.h>
#include <sys/types.h>
#include "ebpf/tracing-record.h"

#define TRACING_WHY_MAX 400u

struct tracing;

/* Load and attach, for nobody yet. 0, or -errno and why not. */
int tracing_new(struct tracing **ret, char why[TRACING_WHY_MAX]);
void tracing_free(struct tracing *tracing);

/* Measure a process, by its number in the first pid namespace. 0 or -errno. */
int tracing_add(struct tracing *tracing, pid_t pid);

/* What was measured of it so far. False if it is not measured. */
bool tracing_read(const struct tracing *tracing, pid_t pid, struct tracing_process *ret);

/* Are waits for locks of the kernel seen (Linux 5.19)? */
bool tracing_sees_locks(const struct tracing *tracing);

#endif
