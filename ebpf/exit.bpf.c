/* SPDX-License-Identifier: MIT */
/*
 * When the last thread of a client begins to end: tell the daemon, before the kernel tears its
 * memory down, which takes a large process tens of milliseconds, and releases the seat lock only
 * then. Told is what the lock would say later, and nothing less:
 *
 *   - it is the last thread, and no other task has the address space (vfork, CLONE_VM, a debugger);
 *   - the arena's file is mapped where the client said, by one mapping, and nobody else has that
 *     open file description: no descriptor in a message, no mapping that a fork inherited. It is
 *     the description that the daemon made for the seat: it has the client's id for its position;
 *   - no asynchronous I/O of the kernel's own (io_setup) may still write, and no robust mutex is
 *     left to be marked as its dead owner's.
 *
 * If any of it does not hold, or cannot be found out, nothing is told, and the lock decides.
 *
 * The structures are declared here with what is used of them; the loader finds where the running
 * kernel has it (CO-RE), so no headers of a kernel are needed.
 */

#include "ebpf/maps.bpf.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define LEVELS_MAX 8

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic64_t;

struct inode {
	unsigned long i_ino;
};

typedef struct {
	atomic64_t refcnt;
} file_ref_t;

struct file {
	struct inode *f_inode;
	__s64 f_pos;
};

/* Linux 6.13 and later: counts from 0. */
struct file___counted_from_0 {
	file_ref_t f_ref;
};

struct file___counted_from_1 {
	atomic64_t f_count;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	struct file *vm_file;
};

struct kioctx_table;

struct mm_struct {
	atomic_t mm_users;
	struct kioctx_table *ioctx_table;
};

struct signal_struct {
	atomic_t live;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[LEVELS_MAX];
};

struct robust_list_head;
struct compat_robust_list_head;

struct task_struct {
	struct robust_list_head *robust_list;
	struct compat_robust_list_head *compat_robust_list;
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct task_struct *group_leader;
	struct pid *thread_pid;
};

#pragma clang attribute pop

/* The daemon's pid namespace: numbers of others mean other processes. */
const volatile __u32 pid_namespace;

/* The process as the daemon numbers it; 0 if it cannot see it. */
static __always_inline __u32 pid_of(struct task_struct *leader)
{
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level), i, inum;
	struct upid *number;

	for (i = 0; i < LEVELS_MAX; i++) {
		if (i > level)
			break;
		number = &pid->numbers[i];
		inum = BPF_CORE_READ(number, ns, ns.inum);
		if (inum == pid_namespace)
			return BPF_CORE_READ(number, nr);
	}
	return 0;
}

/* As user space has it: struct robust_list_head of linux/futex.h. */
struct robust_mutexes {
	__u64 next;
	__s64 offset;
	__u64 pending;
};

/* Of the thread that ends; of others it is empty once they have let go of the address space. */
static __always_inline int has_robust_mutexes(struct task_struct *task)
{
	struct robust_mutexes head = { 0 };
	__u64 at;

	if (!bpf_core_field_exists(task->robust_list) ||
		(bpf_core_field_exists(task->compat_robust_list) &&
			BPF_CORE_READ(task, compat_robust_list)))
		return 1;
	at = (__u64)BPF_CORE_READ(task, robust_list);
	if (!at)
		return 0;
	return bpf_probe_read_user(&head, sizeof(head), (void *)at) < 0 || head.next != at ||
	       head.pending;
}

struct search {
	__u64 inode, client;
	__u32 is_alone;
};

static __always_inline int is_referred_to_once(struct file *file)
{
	struct file___counted_from_0 *new = (void *)file;
	struct file___counted_from_1 *old = (void *)file;

	if (bpf_core_field_exists(new->f_ref))
		return BPF_CORE_READ(new, f_ref.refcnt.counter) == 0;
	return BPF_CORE_READ(old, f_count.counter) == 1;
}

static long on_mapping(struct task_struct *task, struct vm_area_struct *vma, struct search *search)
{
	struct file *file = BPF_CORE_READ(vma, vm_file);

	search->is_alone = file && BPF_CORE_READ(file, f_inode, i_ino) == search->inode &&
			   (__u64)BPF_CORE_READ(file, f_pos) == search->client &&
			   is_referred_to_once(file);
	return 0;
}

static __always_inline void look(struct task_struct *task, struct trace_desk *d,
	const struct trace_process *p, __u32 pid)
{
	struct trace_message message = {
		.type = TRACE_SAYS_EXIT,
		.tag = p->tag,
		.seat = p->seat,
		.value = pid,
	};
	struct search search = { .inode = p->inode };
	__u32 place = find_seat(d, trace_seat_key(p->tag, p->seat));
	__u64 address;

	__sync_fetch_and_add(&d->exits_seen, 1);
	if (place >= TRACE_SEATS)
		return;
	address = d->seats[place].address;
	search.client = d->seats[place].client;
	message.value |= search.client << 32;
	if (!address || bpf_find_vma(task, address, on_mapping, &search, 0) < 0 ||
		!search.is_alone)
		return;
	message.monotonic_ns = bpf_ktime_get_ns();
	if (tell(d, &message))
		__sync_fetch_and_add(&d->exits_told, 1);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct trace_desk *d = desk_get();
	__u32 pid, hash, place, i;
	struct mm_struct *mm;

	/* Cheapest first: this is run for every thread of the machine that ends. */
	if (!d || BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	mm = BPF_CORE_READ(task, mm);
	if (!mm || BPF_CORE_READ(mm, mm_users.counter) != 1)
		return 0;
	pid = pid_of(BPF_CORE_READ(task, group_leader));
	if (!pid)
		return 0;
	if ((bpf_core_field_exists(mm->ioctx_table) && BPF_CORE_READ(mm, ioctx_table)) ||
		has_robust_mutexes(task))
		return 0;
	hash = trace_hash_pid(pid);
	for (i = 0; i < TRACE_REACH; i++) {
		place = (hash + i) % TRACE_PROCESSES;
		if (d->processes[place].pid == pid)
			look(bpf_get_current_task_btf(), d, &d->processes[place], pid);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
