/* SPDX-License-Identifier: MIT */
#ifndef EBPF_BUCKETS_BPF_H
#define EBPF_BUCKETS_BPF_H

/* Histograms in BPF programs: the bucket of a time, found without a loop. */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "ebpf/record.h"

/* The least n with ns <= 2^n, or the last. */
static __always_inline __u32 bucket_of(__u64 ns)
{
	__u64 rest = ns ? ns - 1 : 0;
	__u32 n = 0;

	if (rest >> 32) {
		n += 32;
		rest >>= 32;
	}
	if (rest >> 16) {
		n += 16;
		rest >>= 16;
	}
	if (rest >> 8) {
		n += 8;
		rest >>= 8;
	}
	if (rest >> 4) {
		n += 4;
		rest >>= 4;
	}
	if (rest >> 2) {
		n += 2;
		rest >>= 2;
	}
	if (rest >> 1) {
		n += 1;
		rest >>= 1;
	}
	n += rest;
	return n < TRACE_BUCKETS ? n : TRACE_BUCKETS - 1;
}

#endif
