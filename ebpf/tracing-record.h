/* SPDX-License-Identifier: MIT */
#ifndef EBPF_TRACING_RECORD_H
#define EBPF_TRACING_RECORD_H

/* What is measured of a process while somebody asks for it (ebpf/tracing.bpf.c). */

#include "ebpf/record.h"

/* X(enumerator, key, what is measured) */
#define TRACING_TIMES(X)                                                                           \
	X(BLOCKED, blocked, "off the core, because the thread waited for something")               \
	X(PREEMPTED, preempted, "off the core, though the thread could have run on")               \
	X(QUEUED, queued, "from when the thread could run until it did")                           \
	X(FUTEX, futex, "in the system call futex, by which rent_wait and mutexes sleep")          \
	X(KERNEL_LOCK, kernel_lock, "for a lock of the kernel's, such as that of page faults")

enum tracing_time {
#define X(upper, key, text) TRACING_##upper,
	TRACING_TIMES(X)
#undef X
	TRACING_TIMES_N,
};

struct tracing_histogram {
	__u64 ns_total, ns_max;
	__u64 bucket[TRACE_BUCKETS]; /* as in struct trace_cell */
};

struct tracing_process {
	struct tracing_histogram time[TRACING_TIMES_N];
};

/* Of a thread, CLOCK_MONOTONIC, 0 = not now. */
struct tracing_thread {
	__u64 off_at, ready_at, futex_at, lock_at;
	__u32 was_preempted, unused;
};

#define TRACING_PROCESSES_MAX 4096
#define TRACING_THREADS_MAX 65536

#endif
