/* SPDX-License-Identifier: MIT */
#ifndef EBPF_RECORD_H
#define EBPF_RECORD_H

/*
 * The record that BPF programs and the daemon share: two maps that both have mapped, and a ring of
 * rare events. Programs count in them; the daemon reads without a system call, and keeps the tables
 * by which programs find what is whose. Included by BPF programs and by user space: fixed sizes, no
 * libc.
 *
 *   cells    struct trace_cell[]: first TRACE_SEATS of clients, as they sit on the desk, then for
 *            each class of each arena one for each CPU. Programs add, the daemon zeroes what it
 *            gives away anew.
 *   desk     struct trace_desk: arenas, seats and processes, written by the daemon (the key last,
 *            with release); and who took segments from whom, entered by programs.
 *   events   a ring buffer of struct trace_message.
 */

#include <linux/types.h>

/* X(enumerator, probe, key in the JSON): the probes of shm/probes.h, in their order. */
#define TRACE_PROBES(X)                                                                            \
	X(ATTACH, attach, attaches_total)                                                          \
	X(REFILL, refill, refills_total)                                                           \
	X(ADOPT, adopt, adoptions_total)                                                           \
	X(ASK, ask, asks_total)                                                                    \
	X(YIELD, yield, yields_total)                                                              \
	X(VISIT, visit, visits_total)                                                              \
	X(RETRY, retry, retries_total)                                                             \
	X(RESTART, restart, restarts_total)                                                        \
	X(EXHAUSTED, exhausted, exhausted_total)                                                   \
	X(WAIT_BEGIN, wait_begin, waits_begun_total)                                               \
	X(WAIT_END, wait_end, waits_total)                                                         \
	X(WAKE, wake, wakes_total)                                                                 \
	X(RECLAIM, reclaim, reclaims_total)

enum trace_count {
#define X(upper, probe, key) TRACE_##upper,
	TRACE_PROBES(X)
#undef X
	TRACE_PROBES_N,
	TRACE_TIMEOUT = TRACE_PROBES_N, /* of wait_end: without a slot */
	TRACE_SHOWN_N,
	/* Not a count: of a class on a CPU, when the ring last had that it was exhausted, ns. */
	TRACE_TOLD_NS = 15,
	TRACE_COUNTS = 16,
};

/* The n-th: more than 2^(n-1) ns and at most 2^n; the last one also longer. As in shm/abi.h. */
#define TRACE_BUCKETS 46

struct trace_cell {
	__u64 count[TRACE_COUNTS]; /* enum trace_count */
	__u64 wait_ns_total;
	__u64 wait_ns_max;
	__u64 wait_bucket[TRACE_BUCKETS];
};

_Static_assert(sizeof(struct trace_cell) == 512, "cells are found by a shift");

/* Open addressing, linear, within so many places of where the key's hash points to. */
#define TRACE_REACH 8

#define TRACE_ARENAS 256
struct trace_arena {
	__u32 tag;        /* what the probes call it; 0 = vacant. Its hash is itself */
	__u32 n_classes;
	__u32 first_class; /* of its classes among all that have cells */
	__u32 id;         /* the daemon's, as below */
};

#define TRACE_SEATS 8192
struct trace_seat {
	__u64 key;        /* tag << 32 | seat; 0 = vacant */
	__u64 address;    /* where the client says that it has the arena mapped; 0 = not yet */
	__u64 client;     /* its id: for the daemon, and its next run, which finds it here */
};

#define TRACE_PROCESSES 8192
struct trace_process {
	__u32 pid;        /* in the daemon's pid namespace; 0 = vacant */
	__u32 tag;
	__u64 seat;
	__u64 inode;      /* the arena's */
};

#define TRACE_STEALS 4096
#define TRACE_THREAD 0xffffu /* in place of a core: a thread that holds segments by itself */
struct trace_steal {
	__u64 key;        /* (arena's place + 1) << 32 | from << 16 | to; 0 = vacant */
	__u64 segments;
};

struct trace_desk {
	struct trace_arena arenas[TRACE_ARENAS];
	struct trace_seat seats[TRACE_SEATS];
	struct trace_process processes[TRACE_PROCESSES];
	struct trace_steal steals[TRACE_STEALS];
	__u64 lost_events;    /* the ring was full */
	__u64 lost_steals;    /* no place in the table */
	__u64 strangers;      /* probes of arenas or seats that the daemon has not entered */
	__u64 exits_seen;     /* of processes in the table, */
	__u64 exits_told;     /* of these, those that nobody shared anything with */
};

enum trace_message_type {
	TRACE_SAYS_EXHAUSTED = 1,
	TRACE_SAYS_LONG_WAIT,
	TRACE_SAYS_RECLAIM,
	TRACE_SAYS_EXIT,      /* nobody can touch the arena in this client's name any more */
};

struct trace_message {
	__u32 type;           /* enum trace_message_type */
	__u32 tag, seat, class_;
	__u64 pid_tid;        /* of the kernel's first pid namespace; 0 for EXIT: */
	__u64 value;          /* ns waited; leases reclaimed; EXIT: the client's id << 32 |
	                         the pid in the daemon's namespace */
	__u64 monotonic_ns;
	__u64 client;         /* its id at that moment, 0 = none, or not known */
};

#define TRACE_RING_BYTES (256 * 1024)
#define TRACE_LONG_WAIT_NS 100000000ull
#define TRACE_TELL_EXHAUSTED_NS 1000000000ull

static inline __u32 trace_hash_seat(__u64 key)
{
	return (__u32)((key * 0x9e3779b97f4a7c15ull) >> 40) % TRACE_SEATS;
}

static inline __u64 trace_seat_key(__u32 tag, __u64 seat)
{
	return (__u64)tag << 32 | seat;
}

static inline __u32 trace_hash_pid(__u32 pid)
{
	return pid % TRACE_PROCESSES;
}

static inline __u32 trace_hash_steal(__u64 key)
{
	return (__u32)((key * 0x9e3779b97f4a7c15ull) >> 40) % TRACE_STEALS;
}

#endif
