/* SPDX-License-Identifier: MIT */
/*
 * What the probes cannot see: where the threads of our clients spend their time when they do not
 * run. These programs run at every switch and every system call of the machine, so they are there
 * only while somebody asks (thrusterctl trace).
 */

#include "ebpf/buckets.bpf.h"
#include "ebpf/tracing-record.h"
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define CAS_TRIES 4

/* The numbers of the system calls futex and, Linux 6.7, futex_wait. */
#if defined(__TARGET_ARCH_x86)
#define NR_FUTEX 202
#define NR_FUTEX_WAIT 455
#elif defined(__TARGET_ARCH_arm64)
#define NR_FUTEX 98
#define NR_FUTEX_WAIT 455
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct {
	int pid, tgid;
	unsigned int __state; /* Linux 5.14; 0 = it could run on */
};

struct pt_regs;

#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TRACING_PROCESSES_MAX);
	__type(key, __u32);
	__type(value, struct tracing_process);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TRACING_THREADS_MAX);
	__type(key, __u32);
	__type(value, struct tracing_thread);
} threads SEC(".maps");

/* The thread's entry, if its process is one of those that are asked about. */
static __always_inline struct tracing_thread *thread_of(__u32 tgid, __u32 tid)
{
	struct tracing_thread none = { 0 }, *thread;

	if (!bpf_map_lookup_elem(&processes, &tgid))
		return 0;
	thread = bpf_map_lookup_elem(&threads, &tid);
	if (thread)
		return thread;
	bpf_map_update_elem(&threads, &tid, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&threads, &tid);
}

static __always_inline void add_time(__u32 tgid, __u32 which, __u64 ns)
{
	struct tracing_process *process = bpf_map_lookup_elem(&processes, &tgid);
	struct tracing_histogram *h;
	__u32 bucket = bucket_of(ns), i;
	__u64 max;

	if (!process || which >= TRACING_TIMES_N || bucket >= TRACE_BUCKETS)
		return;
	h = &process->time[which];
	__sync_fetch_and_add(&h->ns_total, ns);
	__sync_fetch_and_add(&h->bucket[bucket], 1);
	max = h->ns_max;
	for (i = 0; i < CAS_TRIES && max < ns; i++)
		max = __sync_val_compare_and_swap(&h->ns_max, max, ns);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct tracing_thread *thread = thread_of(prev->tgid, prev->pid);
	__u64 now = bpf_ktime_get_ns();

	/* `preempt` is only about switches inside the kernel. */
	if (thread) {
		thread->off_at = now;
		thread->was_preempted = prev->__state == 0;
		thread->ready_at = thread->was_preempted ? now : 0;
	}
	thread = thread_of(next->tgid, next->pid);
	if (!thread)
		return 0;
	if (thread->off_at)
		add_time(next->tgid,
			thread->was_preempted ? TRACING_PREEMPTED : TRACING_BLOCKED,
			now - thread->off_at);
	if (thread->ready_at)
		add_time(next->tgid, TRACING_QUEUED, now - thread->ready_at);
	thread->off_at = thread->ready_at = 0;
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	struct tracing_thread *thread = thread_of(task->tgid, task->pid);

	if (thread && thread->off_at && !thread->ready_at)
		thread->ready_at = bpf_ktime_get_ns();
	return 0;
}

static __always_inline struct tracing_thread *this_thread(__u32 *ret_tgid)
{
	__u64 id = bpf_get_current_pid_tgid();

	*ret_tgid = id >> 32;
	return thread_of(id >> 32, (__u32)id);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_call, struct pt_regs *registers, long number)
{
	struct tracing_thread *thread;
	__u32 tgid;

	if (number != NR_FUTEX && number != NR_FUTEX_WAIT)
		return 0;
	thread = this_thread(&tgid);
	if (thread)
		thread->futex_at = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_return, struct pt_regs *registers, long result)
{
	__u32 tgid, tid = (__u32)bpf_get_current_pid_tgid();
	struct tracing_thread *thread = bpf_map_lookup_elem(&threads, &tid);

	if (!thread || !thread->futex_at)
		return 0;
	tgid = bpf_get_current_pid_tgid() >> 32;
	add_time(tgid, TRACING_FUTEX, bpf_ktime_get_ns() - thread->futex_at);
	thread->futex_at = 0;
	return 0;
}

SEC("tp_btf/contention_begin")
int BPF_PROG(on_lock, void *lock, unsigned int flags)
{
	__u32 tgid;
	struct tracing_thread *thread = this_thread(&tgid);

	if (thread)
		thread->lock_at = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/contention_end")
int BPF_PROG(on_locked, void *lock, int result)
{
	__u32 tgid;
	struct tracing_thread *thread = this_thread(&tgid);

	if (!thread || !thread->lock_at)
		return 0;
	add_time(tgid, TRACING_KERNEL_LOCK, bpf_ktime_get_ns() - thread->lock_at);
	thread->lock_at = 0;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
