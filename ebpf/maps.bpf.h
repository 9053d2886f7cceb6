/* SPDX-License-Identifier: MIT */
#ifndef EBPF_MAPS_BPF_H
#define EBPF_MAPS_BPF_H

/* The maps of ebpf/record.h, the same in each object: whoever loads a second one has it use those
 * of the first. */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "ebpf/record.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trace_desk);
} desk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, TRACE_RING_BYTES);
} events SEC(".maps");

static __always_inline struct trace_desk *desk_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&desk, &zero);
}

/* The place of a client, or TRACE_SEATS. */
static __always_inline __u32 find_seat(struct trace_desk *d, __u64 key)
{
	__u32 hash = trace_hash_seat(key), place, i;

	for (i = 0; i < TRACE_REACH; i++) {
		place = (hash + i) % TRACE_SEATS;
		if (d->seats[place].key == key)
			return place;
	}
	return TRACE_SEATS;
}

/* Nobody sleeps on it for a figure; who waits for an exit is woken. True if it will be heard. */
static __always_inline int tell(struct trace_desk *d, const struct trace_message *message)
{
	__u64 wake = message->type == TRACE_SAYS_EXIT ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;

	/* Figures leave room for exits: whoever may fire probes may fire them without end. */
	if ((message->type == TRACE_SAYS_EXIT ||
		    bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) < TRACE_RING_BYTES / 2) &&
		bpf_ringbuf_output(&events, (void *)message, sizeof(*message), wake) == 0)
		return 1;
	__sync_fetch_and_add(&d->lost_events, 1);
	return 0;
}

#endif
