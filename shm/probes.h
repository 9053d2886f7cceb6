/* SPDX-License-Identifier: MIT */
#ifndef SHM_PROBES_H
#define SHM_PROBES_H

/*
 * Probes for bpftrace, perf and thruster-probes: static tracepoints of user space (USDT, as of
 * SystemTap's sys/sdt.h), provider "thruster", on slow paths only. docs/contention.md lists them as
 * a stable interface. Nobody traces: one load and one branch, on a path that has just failed. Each
 * has a semaphore, which the kernel raises while somebody is attached, and one site in the file,
 * in a function of its own, with its arguments in the registers of a call. So who attaches needs
 * no debug information and no parser of operands.
 *
 * All have four arguments in common:
 *
 *   arena   a number that all processes of the arena share (view_tag())
 *   seat    of the client whose thread it is; 0: the daemon's visitor
 *   class   index in the arena
 *   core    that it happened on
 *
 * and one or two of their own. Where sys/sdt.h was missing when this was built there are none.
 */

#include <stdint.h>
#include "shm/atomics.h"
#include "shm/id.h"
#include "shm/view.h"

#ifndef THR_HAS_PROBES /* the build says, if it has looked for sys/sdt.h */
#define THR_HAS_PROBES 0
#endif

/* X(name, its own arguments, when it fires) */
#define THR_PROBES(X)                                                                              \
	X(attach, "address, bytes", "a client has attached, and mapped the arena there")           \
	X(refill, "slots, segment", "a walk over a segment's records gave the core slots to take") \
	X(adopt, "segment, from", "a search made a segment the core's own, or a thread's")         \
	X(ask, "core, segment", "another core was asked for a segment that has something free")    \
	X(yield, "to, segment", "a core gave a segment to whoever had asked it, or took one from " \
		"a thread")                                                                        \
	X(visit, "0, 0", "the daemon came to a core, for somebody who waits")                      \
	X(retry, "slot, 0", "a claim in an open class lost its slot in the last instant")          \
	X(restart, "0, 0", "an operation began anew: its thread was preempted, moved, signalled")  \
	X(exhausted, "0, 0", "a rent of one slot found none free in the class")                    \
	X(wait_begin, "0, 0", "a rent found nothing and begins to wait")                           \
	X(wait_end, "ns, result", "it is over; result is 0, or a negative errno")                  \
	X(wake, "slots, 0", "a return wakes who waits")                                            \
	X(reclaim, "leases, ns", "the daemon took back what a client had that is gone")

#if THR_HAS_PROBES
#define X(name, arguments, text)                                                                   \
	extern volatile unsigned short thruster_##name##_semaphore                                 \
		__attribute__((visibility("hidden")));                                             \
	void thr_probe_##name(uint64_t arena, uint64_t seat, uint64_t class_, uint64_t core,       \
		uint64_t first, uint64_t second);
THR_PROBES(X)
#undef X

#define PROBE(name, class_, seat, core, first, second)                                             \
	do {                                                                                       \
		if (__builtin_expect(thruster_##name##_semaphore, 0))                              \
			thr_probe_##name((class_)->arena, (seat).n, (class_)->index, (core).n,     \
				(uint64_t)(first), (uint64_t)(second));                            \
	} while (0)
#else
#define PROBE(name, class_, seat, core, first, second)                                             \
	((void)(class_), (void)(seat), (void)(core), (void)(first), (void)(second))
#endif

#endif
