/* SPDX-License-Identifier: MIT */
#ifndef SHM_ABI_H
#define SHM_ABI_H

/*
 * The shared pages, byte by byte. Two memfds make an arena:
 *
 *   the arena   mapped read-write by the daemon and by every client:
 *
 *       control | seats[] | per class: cores[] waits[] segments[] senders[] | data of 0 | 1 | ...
 *
 *   the board   mapped read-only by clients, who get a descriptor that cannot be written to:
 *
 *       board (name, geometry, figures) | roster[]
 *
 * Every field says who writes it, who reads it, and in which order; [P1] to [P7] are the pairings
 * of shm/atomics.h. "hint" means that any value at all is safe. Offsets, never pointers. Words that
 * different cores write lie on lines of their own, 128 bytes, because x86-64 fetches its 64-byte
 * lines in pairs and arm64 has lines of 128.
 *
 * Whoever changes a size, an offset or a meaning here raises THR_ABI.
 */

#include <stdint.h>
#include "shm/mask.h"

#define THR_ABI 4u

#define THR_LINE 128u
#define THR_PAGE 4096u
#define THR_SEGMENT_SLOTS MASK_BITS
#define THR_CLASSES_MAX 16u
#define THR_CORES_MAX 4096u
#define THR_SEATS_MAX 65535u
#define THR_NAME_MAX 64u /* with the terminating 0 */

#define THR_BOARD_MAGIC 0x647261426e757254ull
#define THR_CONTROL_MAGIC 0x416e657241757254ull

#define THR_ALIGNED_LINE __attribute__((aligned(THR_LINE)))

/*
 * 64 slots of a class, or fewer in its last segment. Seven lines: an odd number, so that the same
 * word of neighbouring segments falls into different cache sets.
 */
struct thr_segment {
	/*
	 * The holder's line.
	 * mask: bit set = slot takeable; a subset of the uncovered FREE slots. Written only by
	 * threads that run on the core that holds the segment, inside the restartable sequences of
	 * shm/section.h. 0 while no core holds it, and in classes that are claimed openly.
	 */
	uint64_t mask THR_ALIGNED_LINE;

	/*
	 * The line that hardly ever changes.
	 * holder: who alone claims here, and a version (shm/holder.h). Written by CAS (acq_rel
	 * [P7]) on adopting and revoking, by the core that holds it with a release store on
	 * relinquishing; read by every return. 0 in classes that are claimed openly.
	 */
	uint64_t holder THR_ALIGNED_LINE;

	/*
	 * The others' line.
	 * returned: not 0 = a walk over the records may pay. Stored by remote returns, by the
	 * daemon and by who relinquishes; cleared before a walk; a hint. 1 at the start, since a
	 * first walk pays. Not looked at in classes that are claimed openly.
	 */
	uint32_t returned THR_ALIGNED_LINE;

	/*
	 * The truth, shm/record.h. Claimed by the holder core with a plain store, by a thread that
	 * holds and in open classes by CAS (acquire [P1]); returned, handed over (release [P1],
	 * [P2]) by the owner; accepted, reclaimed and stamped by CAS. Read by anybody.
	 */
	uint64_t record[THR_SEGMENT_SLOTS] THR_ALIGNED_LINE;
};

_Static_assert(sizeof(struct thr_segment) == 7 * THR_LINE, "a segment is seven lines");
_Static_assert(__builtin_offsetof(struct thr_segment, mask) == 0, "ABI");
_Static_assert(__builtin_offsetof(struct thr_segment, holder) == 128, "ABI");
_Static_assert(__builtin_offsetof(struct thr_segment, returned) == 256, "ABI");
_Static_assert(__builtin_offsetof(struct thr_segment, record) == 384, "ABI");

/*
 * Counted per core and class, listed once: X(name, what it counts). Each is added to by whoever
 * runs on the core: the first two inside the restartable sequences, so that one that was restarted
 * after it had counted counts again; the others by relaxed adds.
 */
#define THR_CORE_COUNTERS(X)                                                                       \
	X(rents_total, "rents begun here; more than there were by at most restarts_total")         \
	X(local_returns_total, "leases returned here into a segment that the core holds")          \
	X(remote_returns_total, "leases returned here into a segment that it does not hold")       \
	X(refills_total, "walks that gave the core slots to take")                                 \
	X(adoptions_total, "segments that a search made its own")                                  \
	X(visits_total, "times that the daemon came to take segments away for somebody who waits") \
	X(restarts_total, "operations begun anew because the thread was preempted or moved")       \
	X(exhausted_total, "rents that found no free slot in this class")                          \
	X(retries_total, "claims that lost their slot to another client in the last instant")      \
	X(waits_total, "waits for a slot of this class that ended here, with one or without")      \
	X(wait_timeouts_total, "of these, the ones that ended without")

#define THR_CORE_HELD_MAX 4u

/* What one core knows of one class. */
struct thr_core {
	/*
	 * The core's own line, written by the threads that run there.
	 * current: the segment that it rents from, and a version (shm/holder.h). Written in the
	 * restartable sequences alone, and by the daemon while the core is offline.
	 */
	uint64_t current THR_ALIGNED_LINE;
#define X(name, text) uint64_t name;
	THR_CORE_COUNTERS(X)
#undef X
	/* Segments that it may hold, a ring whose next place is held_next. Hints. */
	uint32_t held[THR_CORE_HELD_MAX];
	uint32_t held_next;
	/* Where the next search begins: a segment; in open classes a slot. A hint. */
	uint32_t cursor;
	/* Open classes: the core's arc of the circle of slots (shm/circle.h), first slot and the
	 * one behind the last. Written by the daemon at the start; a hint for returns. */
	uint32_t arc_first, arc_end;

	/*
	 * The others' line.
	 * asked: 0, or the holder (shm/holder.h) who wants slots that this core holds. Stored by
	 * anybody, cleared by the core or its visitor. A hint.
	 */
	uint32_t asked THR_ALIGNED_LINE;
};

_Static_assert(sizeof(struct thr_core) == 2 * THR_LINE, "a core's state of a class is two lines");
_Static_assert(__builtin_offsetof(struct thr_core, current) == 0, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, rents_total) == 8, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, local_returns_total) == 16, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, remote_returns_total) == 24, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, refills_total) == 32, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, adoptions_total) == 40, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, visits_total) == 48, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, restarts_total) == 56, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, exhausted_total) == 64, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, retries_total) == 72, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, waits_total) == 80, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, wait_timeouts_total) == 88, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, held) == 96, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, held_next) == 112, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, cursor) == 116, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, arc_first) == 120, "ABI");
_Static_assert(__builtin_offsetof(struct thr_core, asked) == 128, "ABI");

#define THR_WAIT_BUCKETS 46u

/*
 * How long those waited whose wait for a slot of the class ended on the core. Relaxed adds by the
 * waiter when it is over, read by the daemon. Apart from struct thr_core, whose size the fast paths
 * count with.
 */
struct thr_waits {
	uint64_t ns_total;
	uint64_t ns_max;
	/* The n-th: waits of more than 2^(n-1) ns and at most 2^n; the last: longer ones too. */
	uint64_t bucket[THR_WAIT_BUCKETS];
} THR_ALIGNED_LINE;

_Static_assert(sizeof(struct thr_waits) == 3 * THR_LINE, "a core's waits are three lines");
_Static_assert(__builtin_offsetof(struct thr_waits, bucket) == 16, "ABI");

/* Counted per client on slow paths, listed once: X(name, what it counts). */
#define THR_SEAT_COUNTERS(X)                                                                       \
	X(exhausted_total, "rents that found nothing free in any class that would do")             \
	X(waits_total, "of these, the ones that began to wait")                                    \
	X(hand_overs_total, "leases passed to another client")                                     \
	X(accepts_total, "leases received from another client")                                    \
	X(refused_total, "returns and hand-overs of a lease that was not the client's")            \
	X(wait_ns_total, "how long its waits that are over were")

/*
 * A client's own line: relaxed adds by the client's threads, read by the daemon. Zeroed by the
 * daemon before the seat is given, so what a killed waiter leaves goes with its seat.
 */
struct thr_seat {
#define X(name, text) uint64_t name;
	THR_SEAT_COUNTERS(X)
#undef X
	uint64_t wait_max_ns;
	/* Where the client has the arena mapped. Stored once, by the client. A hint. */
	uint64_t mapped_at;
	/* By class: threads that wait now, and the most that did at once. */
	uint16_t waiters[THR_CLASSES_MAX];
	uint16_t waiters_peak[THR_CLASSES_MAX];
} THR_ALIGNED_LINE;

_Static_assert(sizeof(struct thr_seat) == THR_LINE, "a seat's counters are one line");
_Static_assert(__builtin_offsetof(struct thr_seat, exhausted_total) == 0, "ABI");
_Static_assert(__builtin_offsetof(struct thr_seat, refused_total) == 32, "ABI");
_Static_assert(__builtin_offsetof(struct thr_seat, wait_ns_total) == 40, "ABI");
_Static_assert(__builtin_offsetof(struct thr_seat, wait_max_ns) == 48, "ABI");
_Static_assert(__builtin_offsetof(struct thr_seat, mapped_at) == 56, "ABI");
_Static_assert(__builtin_offsetof(struct thr_seat, waiters) == 64, "ABI");
_Static_assert(__builtin_offsetof(struct thr_seat, waiters_peak) == 96, "ABI");

/* The arena's first page. */
struct thr_control {
	/* THR_CONTROL_MAGIC. Written by the daemon at the start; clients and the judge look. */
	uint64_t magic;
	/* Not 0 = somebody may sleep in rent_wait: the wakes that he saw, made odd. Stored by
	 * waiters; taken down by whoever woke them all, by CAS from what it was before [P3]. A
	 * flag, not a count: a killed waiter leaves at most one needless wake. */
	uint32_t waiting THR_ALIGNED_LINE;
	/* The futex: raised by 2 by whoever wakes, before the wake; waiters sleep while it is as
	 * they saw it. */
	uint32_t wakes THR_ALIGNED_LINE;
	/* The futex of the daemon's visitor: raised by who has asked a core for slots. */
	uint32_t visits THR_ALIGNED_LINE;
};

_Static_assert(sizeof(struct thr_control) == 4 * THR_LINE, "ABI");
_Static_assert(__builtin_offsetof(struct thr_control, waiting) == 128, "ABI");
_Static_assert(__builtin_offsetof(struct thr_control, wakes) == 256, "ABI");
_Static_assert(__builtin_offsetof(struct thr_control, visits) == 384, "ABI");

/* How the slots of a class are claimed. A client that does not know the value does not attach. */
enum thr_claim {
	THR_CLAIM_OPEN = 0, /* by anyone, CAS on the record, single slots */
	THR_CLAIM_CORE = 1, /* by the segment's holder, runs of up to 64 slots */
};

struct thr_class_geometry {
	uint64_t slot_bytes;      /* as configured */
	uint64_t stride_bytes;    /* from slot to slot, and what a lease of one slot may use */
	uint32_t slots;
	uint32_t align_bytes;     /* as configured; 0 = spread over the cache sets */
	uint32_t segments;
	uint32_t claim;           /* enum thr_claim */
	uint64_t cores_offset;    /* struct thr_core[cores], and struct thr_waits[cores] */
	uint64_t segments_offset; /* struct thr_segment[segments] */
	uint64_t senders_offset;  /* uint16_t[segments * 64] */
	uint64_t data_offset;     /* slots * stride_bytes */
};

/* Where everything is. Written by the daemon before the first client; constant. */
struct thr_geometry {
	uint32_t cores;
	uint32_t seats;           /* seats 1 .. seats; entry 0 of seats[] and roster[] is unused */
	uint32_t classes;
	uint32_t map_align_bytes; /* alignment that the mapping of the arena needs */
	uint64_t seats_offset;    /* struct thr_seat[seats + 1] */
	uint64_t metadata_bytes;  /* all before the first buffer */
	uint64_t arena_bytes;
	uint64_t roster_offset;   /* in the board: uint32_t[seats + 1] */
	uint64_t board_bytes;
	uint64_t page_bytes;      /* of the memory: THR_PAGE, or huge pages of that size */
	struct thr_class_geometry class_[THR_CLASSES_MAX];
};

_Static_assert(sizeof(struct thr_class_geometry) == 64, "ABI");
_Static_assert(sizeof(struct thr_geometry) == 64 + 64 * THR_CLASSES_MAX, "ABI");

/* Published per class, listed once: X(name, what it is). All in slots or leases. */
#define THR_CLASS_FIGURES(X)                                                                       \
	X(free, "slots free at the last sample")                                                   \
	X(free_min, "fewest slots free at any sample; 0 also if a rent found the class exhausted") \
	X(leased, "slots leased at the last sample")                                               \
	X(leased_peak, "most slots leased at any sample; all if a rent found the class exhausted") \
	X(rents_total, "leases begun")                                                             \
	X(returns_total, "leases ended by their owner")                                            \
	X(reclaimed_total, "leases ended by the daemon because their owner was gone")              \
	X(takeable, "slots free and in the mask of a core, at the last sample")                    \
	X(unheld, "slots free in segments that nobody holds, at the last sample")                  \
	X(exhausted_total, "rents that found no free slot in this class")                          \
	X(retries_total, "claims that lost their slot to another client in the last instant")      \
	X(waits_total, "waits that ended, with a slot or without")                                 \
	X(wait_timeouts_total, "of these, the ones that ended without")                            \
	X(wait_ns_total, "how long all of these were")                                             \
	X(waiters, "threads that waited at the last sample")                                       \
	X(waiters_peak, "most threads that can have waited at once: the sum of each client's most")

struct thr_class_figures {
#define X(name, text) uint64_t name;
	THR_CLASS_FIGURES(X)
#undef X
};

/*
 * Published about once a second. Written by the daemon alone; sequence is odd while it writes [P6].
 */
struct thr_figures {
	uint64_t sequence;
	uint64_t sampled_monotonic_ns;
	uint64_t clients;
	struct thr_class_figures class_[THR_CLASSES_MAX];
};

/* Written by the daemon alone. Clients map it read-only and cannot reopen it for writing. */
struct thr_board {
	uint64_t magic;                 /* THR_BOARD_MAGIC; constant */
	uint32_t abi;                   /* THR_ABI; constant */
	uint32_t fenced;                /* not 0: no membarrier here, so [P3] and [P4] need a full
	                                   fence in every client; constant */
	uint64_t nonce; /* random, tells this arena's tokens from others'; constant */
	/* Which run of the daemon serves the arena, from 1. Stored with release when it can be
	 * connected to; clients look on their slow paths and connect anew if it has changed. */
	uint64_t run;
	/* What one client may hold at once; 0 = no limit. Stored relaxed by the daemon, also
	 * while clients are attached; those who attached while both were 0 never look. */
	uint64_t quota_bytes;
	uint64_t quota_leases;
	/* Bit set: a core that the daemon can visit, and that may therefore hold segments. Stored
	 * relaxed by the daemon, which may find out later; read on adopting. */
	uint64_t visitable[THR_CORES_MAX / 64];
	char name[THR_NAME_MAX];        /* constant */
	struct thr_geometry geometry;   /* constant */
	struct thr_figures figures THR_ALIGNED_LINE;
	/* At geometry.roster_offset: uint32_t roster[seats + 1], the client id of each seat's
	 * tenant, 0 = vacant. Stored with release by the daemon [P5], [P4]; read by hand-over. */
};

_Static_assert(__builtin_offsetof(struct thr_board, geometry) == 624, "ABI");
_Static_assert(sizeof(struct thr_board) % THR_LINE == 0, "ABI");

#endif
