/* SPDX-License-Identifier: MIT */
#ifndef SHM_SECTION_H
#define SHM_SECTION_H

/*
 * The restartable sequences: what a thread does as the holder core of a segment. The kernel sends a
 * thread that is preempted, moved to another core or signalled inside one of them to its abort
 * handler (rseq(2), Linux 4.18), so on one core each runs whole or up to some instruction and no
 * further, and threads of any process share a core's masks without a lock prefix. The technique is
 * Paul Turner's and Andrew Hunter's (2013), the kernel's part Mathieu Desnoyers'; the registration
 * is glibc's (2.35), and so is the signature before each abort handler.
 *
 * These seven are all there are; one file for each architecture, section-none.h where there is
 * none.
 *
 *   rent        take the lowest takeable slot of the core's current segment and lease it
 *   reserve     take given slots out of the current segment's mask
 *   put         store a word, if the core's current segment is still the one expected
 *   give        end a lease of one slot of a segment that the core holds; the slot is takeable
 *   give_all    the same for many leases of one segment, of any length
 *   switch      make slots of a segment takeable and the segment the core's current one
 *   relinquish  stop holding a segment
 *
 * Each begins by checking that the thread runs on `core`, and ends with one store, the commit. What
 * each leaves behind when it is cut short, by a restart or by death, is said where it is written.
 * In all of them the reader of the memory finds every slot either leased or FREE; slots that are
 * FREE and in no mask are found by the next walk over the records.
 *
 * x86-64 keeps the order of stores as seen by others; on other architectures the commits are
 * release stores where another core acts on them.
 */

#include <stddef.h>
#include <stdint.h>
#include "shm/abi.h"
#include "shm/atomics.h"
#include "shm/holder.h"
#include "shm/id.h"
#include "shm/record.h"

enum section {
	SECTION_DONE,    /* committed */
	SECTION_MOVED,   /* cut short, or on another core: nothing was committed */
	SECTION_CHANGED, /* something was not as expected: nothing was committed */
};

/* Where this process' threads find their struct rseq: from the thread pointer. */
struct section_self {
	ptrdiff_t rseq;
};

#if !defined(THR_NO_RSEQ) && !THR_THREAD_SANITIZER && __has_include(<sys/rseq.h>)
#if defined(__x86_64__) && defined(__LP64__)
#include "shm/section-x86_64.h"
#elif defined(__aarch64__)
#include "shm/section-aarch64.h"
#endif
#endif
#ifndef SECTION_IS_THERE
#include "shm/section-none.h"
#endif

#endif
