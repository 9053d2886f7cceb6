/* SPDX-License-Identifier: MIT */
/*
 * At the probes of libthruster-client and thrusterd (shm/probes.h): count, for the class on this
 * CPU and for the client. One program for all probes; the cookie says which. It needs no type
 * information of the kernel: arguments are in the registers of a call, and nothing else is read.
 *
 * A probe that fires in a process that is no client of ours, or lies about who it is, finds no
 * entry on the desk: an arena's tag is known to its members alone.
 */

#include "ebpf/buckets.bpf.h"
#include "ebpf/maps.bpf.h"
#include <asm/ptrace.h>

#if defined(__TARGET_ARCH_x86)
#define ARGUMENTS(ctx) { (ctx)->rdi, (ctx)->rsi, (ctx)->rdx, (ctx)->rcx, (ctx)->r8, (ctx)->r9 }
#elif defined(__TARGET_ARCH_arm64)
#define REGISTER(ctx, n) (((const volatile struct user_pt_regs *)(ctx))->regs[n])
#define ARGUMENTS(ctx)                                                                             \
	{ REGISTER(ctx, 0), REGISTER(ctx, 1), REGISTER(ctx, 2), REGISTER(ctx, 3), REGISTER(ctx, 4),\
		REGISTER(ctx, 5) }
#endif

#define CAS_TRIES 4

const volatile __u32 n_cpus = 1;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set before it is loaded */
	__type(key, __u32);
	__type(value, struct trace_cell);
} cells SEC(".maps");

struct hit {
	__u32 probe, tag, seat, class_, place; /* of the arena on the desk */
	__u64 core, first, second, client;
};

static __always_inline const struct trace_arena *find_arena(struct trace_desk *d, struct hit *hit)
{
	__u32 i;

#pragma unroll
	for (i = 0; i < TRACE_REACH; i++) {
		hit->place = (hit->tag + i) % TRACE_ARENAS;
		if (d->arenas[hit->place].tag == hit->tag)
			return &d->arenas[hit->place];
	}
	return 0;
}

static __always_inline struct trace_cell *find_class(
	const struct trace_arena *arena, const struct hit *hit)
{
	__u32 cell, cpu = bpf_get_smp_processor_id();

	/* Numbers of CPUs may have holes; there are cells for as many as there can be. */
	if (hit->class_ >= arena->n_classes || cpu >= n_cpus)
		return 0;
	cell = TRACE_SEATS + (arena->first_class + hit->class_) * n_cpus + cpu;
	return bpf_map_lookup_elem(&cells, &cell);
}

static __always_inline void count_wait(struct trace_cell *cell, __u64 ns, __u64 result)
{
	__u64 max = cell->wait_ns_max;
	__u32 bucket = bucket_of(ns), i;

	if (result)
		__sync_fetch_and_add(&cell->count[TRACE_TIMEOUT], 1);
	__sync_fetch_and_add(&cell->wait_ns_total, ns);
	if (bucket < TRACE_BUCKETS) /* as the verifier wants to see */
		__sync_fetch_and_add(&cell->wait_bucket[bucket], 1);
	for (i = 0; i < CAS_TRIES; i++) {
		if (max >= ns)
			break;
		max = __sync_val_compare_and_swap(&cell->wait_ns_max, max, ns);
	}
}

static __always_inline void count(struct trace_cell *cell, const struct hit *hit)
{
	if (!cell || hit->probe >= TRACE_PROBES_N)
		return;
	__sync_fetch_and_add(&cell->count[hit->probe], 1);
	if (hit->probe == TRACE_WAIT_END)
		count_wait(cell, hit->first, hit->second);
}

static __always_inline void count_steal(
	struct trace_desk *d, const struct hit *hit, __u64 from, __u64 to)
{
	__u64 key = (__u64)(hit->place + 1) << 32 | (from & 0xffff) << 16 | (to & 0xffff), found;
	__u32 hash = trace_hash_steal(key), place, i;

#pragma unroll
	for (i = 0; i < TRACE_REACH; i++) {
		place = (hash + i) % TRACE_STEALS;
		found = d->steals[place].key;
		if (!found)
			found = __sync_val_compare_and_swap(&d->steals[place].key, 0, key);
		if (!found || found == key) {
			__sync_fetch_and_add(&d->steals[place].segments, 1);
			return;
		}
	}
	__sync_fetch_and_add(&d->lost_steals, 1);
}

/* Holders, as shm/holder.h has them: a core's number and one; or the top bit, and a thread. */
static __always_inline __u64 holder_as_core(__u64 holder)
{
	return holder >> 31 & 1 ? TRACE_THREAD : holder - 1;
}

static __always_inline void tell_hit(struct trace_desk *d, const struct hit *hit, __u32 type,
	__u64 value, __u64 now)
{
	struct trace_message message = {
		.type = type,
		.tag = hit->tag,
		.seat = hit->seat,
		.class_ = hit->class_,
		.pid_tid = bpf_get_current_pid_tgid(),
		.value = value,
		.monotonic_ns = now,
		.client = hit->client,
	};

	tell(d, &message);
}

/* Whatever is rare enough to be told one by one. */
static __always_inline void tell_rare(
	struct trace_desk *d, const struct hit *hit, struct trace_cell *class_)
{
	__u64 now = bpf_ktime_get_ns();

	if (hit->probe == TRACE_RECLAIM)
		tell_hit(d, hit, TRACE_SAYS_RECLAIM, hit->first, now);
	else if (hit->probe == TRACE_WAIT_END && hit->first >= TRACE_LONG_WAIT_NS)
		tell_hit(d, hit, TRACE_SAYS_LONG_WAIT, hit->first, now);
	if (hit->probe != TRACE_EXHAUSTED || !class_ ||
		now - class_->count[TRACE_TOLD_NS] < TRACE_TELL_EXHAUSTED_NS)
		return;
	class_->count[TRACE_TOLD_NS] = now;
	tell_hit(d, hit, TRACE_SAYS_EXHAUSTED, 0, now);
}

static __always_inline int on_probe(struct pt_regs *ctx)
{
	const __u64 argument[] = ARGUMENTS(ctx);
	struct hit hit = {
		.probe = (__u32)bpf_get_attach_cookie(ctx),
		.tag = (__u32)argument[0],
		.seat = (__u32)argument[1],
		.class_ = (__u32)argument[2],
		.core = argument[3],
		.first = argument[4],
		.second = argument[5],
	};
	struct trace_desk *d = desk_get();
	const struct trace_arena *arena;
	struct trace_cell *class_, *client = 0;
	__u32 place, cell;

	if (!d || !hit.tag)
		return 0;
	arena = find_arena(d, &hit);
	place = hit.seat ? find_seat(d, trace_seat_key(hit.tag, hit.seat)) : TRACE_SEATS;
	if (place < TRACE_SEATS) {
		/* A copy: what has an address is on the stack, where its bounds are forgotten. */
		cell = place;
		client = bpf_map_lookup_elem(&cells, &cell);
		hit.client = d->seats[place].client;
	}
	if (!arena || (hit.seat && !client)) /* the daemon has no seat */
		__sync_fetch_and_add(&d->strangers, 1);
	if (!arena)
		return 0;
	if (hit.probe == TRACE_ATTACH && place < TRACE_SEATS)
		d->seats[place].address = hit.first;
	class_ = find_class(arena, &hit);
	count(class_, &hit);
	count(client, &hit);
	if (hit.probe == TRACE_YIELD)
		count_steal(d, &hit, hit.core, holder_as_core(hit.first));
	else if (hit.probe == TRACE_ADOPT && hit.second)
		count_steal(d, &hit, TRACE_THREAD, hit.core);
	tell_rare(d, &hit, class_);
	return 0;
}

/* Two of the same: how a program may be attached is settled when it is loaded. */
SEC("uprobe")
int on_probe_multi(struct pt_regs *ctx)
{
	return on_probe(ctx);
}

SEC("uprobe")
int on_probe_perf(struct pt_regs *ctx)
{
	return on_probe(ctx);
}

/* Helpers of tracing are for programs that say so; the text itself is MIT's. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";
