/* SPDX-License-Identifier: MIT */
/*
 * The tables, and what can be asked about a row. The kinds come from where pools like ours are
 * measured: nested rents of 512 bytes (the ancestor's), the .NET set at 4096 bytes, Kestrel's pipe,
 * and what our own users do: pass buffers from core to core and from process to process.
 */

#include <string.h>
#include "bench/kinds.h"
#include "bench/stage.h"

const struct arena arenas[] = {
	{ .name = "small", .slot_bytes = 512, .slots = 4096 },
	{ .name = "many", .slot_bytes = 4096, .slots = 4096 },
	{ .name = "few", .slot_bytes = 4096, .slots = 128 },
	{ .name = "many-paged", .slot_bytes = 4096, .slots = 4096, .align_bytes = 4096 },
	{ .name = "few-paged", .slot_bytes = 4096, .slots = 128, .align_bytes = 4096 },
	/* less than one segment for each of two cores, so anybody claims, with a CAS */
	{ .name = "open", .slot_bytes = 4096, .slots = 64 },
	/* one class for each power of two up to 256 KiB, slots of each */
	{ .name = ARENA_SIZES, .slot_bytes = 64, .slots = 128 },
};
const size_t n_arenas = sizeof(arenas) / sizeof(arenas[0]);

#define LIMIT(name_, body_, what_)                                                                 \
	{ .name = name_, .what = what_, .group = GROUP_LIMIT, .body = body_, .processes = 1,       \
		.threads = 1 }
#define LIMIT_OF_TWO(name_, body_, depth_, what_)                                                  \
	{ .name = name_, .what = what_, .group = GROUP_LIMIT, .body = body_, .processes = 2,       \
		.threads = 1, .cores = 2, .depth = depth_, .figure = FIGURE_SPAN }

#define ROW(group_, processes_, threads_, name_, body_, bytes_, arena_, what_, ...)                \
	{ .name = name_, .what = what_, .group = group_, .body = body_, .bytes = bytes_,           \
		.arena = arena_, .slots = 4096, .processes = processes_, .threads = threads_,      \
		__VA_ARGS__ }
/* One lane on the first core. */
#define ONE(...) ROW(GROUP_ONE, 1, 1, __VA_ARGS__)
/* A lane on each core. */
#define THREADS(...) ROW(GROUP_ALL, 1, EACH_CORE, __VA_ARGS__, .cores = 2)
#define PROCESSES(...)                                                                             \
	ROW(GROUP_ALL, EACH_CORE, 1, __VA_ARGS__, .cores = 2)
#define SHARED_BY_ALL .needs = NEEDS_PROCESSES
/* More than there are cores, where the kernel puts them. */
#define CROWD(...)                                                                                 \
	ROW(GROUP_ALL, FOUR_A_CORE, 1, __VA_ARGS__, .place = PLACE_FREE, .figure = FIGURE_SHARE,   \
		.needs = NEEDS_PROCESSES, .stretch = 8)
#define TUNING(...) ROW(GROUP_OURS, 1, 1, __VA_ARGS__, .needs = OURS_ONLY)
/* Processor time, of samples long enough for the scheduler to have its say. */
#define PAID(processes_, threads_, ...)                                                            \
	ROW(GROUP_OURS, processes_, threads_, __VA_ARGS__, .needs = OURS_ONLY,                     \
		.figure = FIGURE_CPU, .stretch = 8)
/* Two lanes on two cores. */
#define TASKS(name_, body_, group_, arena_, slots_, depth_, what_, ...)                            \
	{ .name = name_, .what = what_, .group = group_, .body = body_, .bytes = 4096,             \
		.arena = arena_, .slots = slots_, .depth = depth_, .processes = 1, .threads = 2,   \
		.cores = 2, .figure = FIGURE_SPAN, __VA_ARGS__ }

#define PIPE(name_, group_, body_, processes_, arena_, slots_, depth_, what_, ...)                 \
	{ .name = name_, .what = what_, .group = group_, .body = body_, .bytes = 4096,             \
		.arena = arena_, .slots = slots_, .depth = depth_, .processes = processes_,        \
		.threads = 2 / processes_, .cores = 2, .figure = FIGURE_SPAN, __VA_ARGS__ }
/* Between threads and between processes, untouched and touched. */
#define PIPES(arena_, slots_, depth_)                                                              \
	PIPE("pipe-threads-" #slots_ "-depth-" #depth_, GROUP_PIPES, BODY_PIPE, 1, arena_, slots_, \
		depth_, "threads, a pool of " #slots_ ", a queue of " #depth_, 0),                 \
		PIPE("pipe-threads-" #slots_ "-depth-" #depth_ "-touched", GROUP_PIPES,            \
			BODY_PIPE_TOUCHED, 1, arena_, slots_, depth_,                              \
			"threads, a pool of " #slots_ ", a queue of " #depth_ ", touched", 0),     \
		PIPE("pipe-processes-" #slots_ "-depth-" #depth_, GROUP_PIPES, BODY_PIPE_ACROSS,   \
			2, arena_, slots_, depth_,                                                 \
			"processes, a pool of " #slots_ ", a queue of " #depth_,                   \
			.needs = NEEDS_PROCESSES),                                                 \
		PIPE("pipe-processes-" #slots_ "-depth-" #depth_ "-touched", GROUP_PIPES,          \
			BODY_PIPE_ACROSS_TOUCHED, 2, arena_, slots_, depth_,                       \
			"processes, a pool of " #slots_ ", a queue of " #depth_ ", touched",       \
			.needs = NEEDS_PROCESSES)

#define SIZES(name_, body_, powers_, what_)                                                        \
	{ .name = name_, .what = what_, .group = GROUP_SIZES, .body = body_, .arena = ARENA_SIZES, \
		.slots = 4096, .processes = 1, .threads = 1, .needs = NEEDS_SIZES, .held = 64,     \
		.are_powers = powers_ }

#define LONG(percent_, held_)                                                                      \
	ROW(GROUP_LONG, 1, 1, "long-" #percent_, BODY_LONG, 4096, "many",                          \
		#percent_ " % of the pool held for long, 8 buffers beside them", .held = held_,    \
		.window = 8),                                                                      \
		ROW(GROUP_LONG, 1, 1, "long-" #percent_ "-touched", BODY_LONG_TOUCHED, 4096,       \
			"many",                                                                    \
			#percent_ " % of the pool held for long, 8 buffers beside them, touched",  \
			.held = held_, .window = 8)

#define OURS .needs = OURS_ONLY
#define BULK(n_) TUNING("bulk-" #n_, BODY_BULK_##n_, 4096, "many", #n_ " in one call")

const struct kind kinds[] = {
	LIMIT("loop", BODY_LOOP, "the loop itself, which is in every figure"),
	LIMIT("call", BODY_CALL, "a call into a shared library"),
	LIMIT("add", BODY_ADD, "an addition to memory"),
	LIMIT("lock-add", BODY_LOCK_ADD, "the same with a lock prefix"),
	LIMIT("rseq", BODY_RSEQ, "a restartable section that commits one store"),
	LIMIT_OF_TWO("round-trip", BODY_ROUND_TRIP, 1, "a cache line to another core and back"),
	LIMIT_OF_TWO("ring-8", BODY_RING_8, 64, "a pipe's ring alone, 8 bytes an entry"),
	LIMIT_OF_TWO("ring-32", BODY_RING_32, 64, "a pipe's ring alone, 32 bytes an entry"),

	ONE("nested-1", BODY_NEST_1, 512, "small", "512 bytes"),
	ONE("nested-1-touched", BODY_NEST_1_TOUCHED, 512, "small", "512 bytes, touched"),
	ONE("nested-2", BODY_NEST_2, 512, "small", "512 bytes, 2 held"),
	ONE("nested-2-touched", BODY_NEST_2_TOUCHED, 512, "small", "512 bytes, 2 held, touched"),
	ONE("nested-3", BODY_NEST_3, 512, "small", "512 bytes, 3 held"),
	ONE("nested-3-touched", BODY_NEST_3_TOUCHED, 512, "small", "512 bytes, 3 held, touched"),
	ONE("serial", BODY_NEST_1, 4096, "many", "4096 bytes", .needs = AND_OPEN),
	ONE("serial-whole", BODY_NEST_1_WHOLE, 4096, "many", "4096 bytes, all cleared and read"),
	ONE("held-8", BODY_NEST_8, 4096, "many", "8 held, returned in reverse"),
	ONE("held-8-whole", BODY_NEST_8_WHOLE, 4096, "many", "8 held, all cleared and read"),
	ONE("batch-32", BODY_BATCH_32, 4096, "many", "32 rents, then 32 returns",
		.needs = AND_OPEN),
	ONE("bulk-32", BODY_BULK_32, 4096, "many", "32 in one call",
		.needs = NEEDS_BULK | AND_OPEN),
	ONE("random-256", BODY_SHUFFLE, 4096, "many", "256 held, any of them exchanged",
		.held = 256),
	ONE("kestrel-inline", BODY_KESTREL_INLINE, 4096, "many",
		"Kestrel's pipe, one thread: a message"),

	THREADS("threads", BODY_NEST_1, 512, "small", "512 bytes, threads"),
	THREADS("threads-touched", BODY_NEST_1_TOUCHED, 512, "small",
		"512 bytes, threads, touched"),
	PROCESSES("processes", BODY_NEST_1, 512, "small", "512 bytes, processes", SHARED_BY_ALL),
	PROCESSES("processes-touched", BODY_NEST_1_TOUCHED, 512, "small",
		"512 bytes, processes, touched", SHARED_BY_ALL),
	THREADS("parallel", BODY_NEST_1, 4096, "many", "4096 bytes, threads", .needs = AND_OPEN),
	THREADS("parallel-whole", BODY_NEST_1_WHOLE, 4096, "many",
		"4096 bytes, threads, all cleared and read"),
	PROCESSES("parallel-processes", BODY_NEST_1, 4096, "many", "4096 bytes, processes",
		.needs = NEEDS_PROCESSES | AND_OPEN),
	PROCESSES("held-256-processes", BODY_HOLD, 4096, "many",
		"256 held by each process, the oldest exchanged", SHARED_BY_ALL, .held = 256),
	TASKS("handoff", BODY_PIPE, GROUP_ALL, "many", 4096, 1,
		"producer and consumer, a queue of one", 0),
	TASKS("handoff-whole", BODY_PIPE_WHOLE, GROUP_ALL, "many", 4096, 1,
		"producer and consumer, a queue of one, all cleared and read", 0),
	TASKS("kestrel-tasks", BODY_KESTREL_TASKS, GROUP_ALL, "many", 4096, 1,
		"Kestrel's pipe, two threads: a message", 0),
	CROWD("crowd", BODY_NEST_1, 512, "small", "4 processes a core, where the kernel puts them"),
	CROWD("crowd-held-16", BODY_HOLD, 512, "small", "4 processes a core, each holds 16",
		.held = 16),

	/* Between processes a lease has to be handed over; between threads it is only passed on. */
	PIPES("few", 128, 1),
	PIPES("few", 128, 8),
	PIPES("few", 128, 64),
	PIPES("few", 128, 1024),
	PIPES("many", 4096, 1),
	PIPES("many", 4096, 8),
	PIPES("many", 4096, 64),
	PIPES("many", 4096, 1024),

	SIZES("sizes-powers", BODY_SIZES, true, "powers of two from 64 bytes to 256 KiB"),
	SIZES("sizes-powers-touched", BODY_SIZES_TOUCHED, true,
		"powers of two from 64 bytes to 256 KiB, touched"),
	SIZES("sizes-any", BODY_SIZES, false, "log-uniform from 64 bytes to 256 KiB"),
	SIZES("sizes-any-touched", BODY_SIZES_TOUCHED, false,
		"log-uniform from 64 bytes to 256 KiB, touched"),

	LONG(25, 1024),
	LONG(50, 2048),
	LONG(75, 3072),
	LONG(95, 3891),

	TUNING("few", BODY_NEST_1, 4096, "few", "a pool of 128"),
	TUNING("unpinned", BODY_NEST_1, 4096, "many", "where the kernel puts it",
		.place = PLACE_FREE),
	ROW(GROUP_OURS, EACH_CORE, 1, "parallel-unpinned", BODY_NEST_1, 4096, "many",
		"processes, where the kernel puts them", .place = PLACE_FREE, OURS, .cores = 2),
	BULK(1),
	BULK(2),
	BULK(4),
	BULK(8),
	BULK(16),
	BULK(64),
	/* Slots on page boundaries. */
	PIPE("paged-threads-128", GROUP_OURS, BODY_PIPE_TOUCHED, 1, "few-paged", 128, 64,
		"a pipe of page-aligned slots, threads, 128, touched", OURS),
	PIPE("paged-threads-4096", GROUP_OURS, BODY_PIPE_TOUCHED, 1, "many-paged", 4096, 64,
		"a pipe of page-aligned slots, threads, 4096, touched", OURS),
	PIPE("paged-processes-128", GROUP_OURS, BODY_PIPE_ACROSS_TOUCHED, 2, "few-paged", 128, 64,
		"a pipe of page-aligned slots, processes, 128, touched", OURS),
	PIPE("paged-processes-4096", GROUP_OURS, BODY_PIPE_ACROSS_TOUCHED, 2, "many-paged", 4096,
		64, "a pipe of page-aligned slots, processes, 4096, touched", OURS),
	PIPE("pipe-unpinned", GROUP_OURS, BODY_PIPE_ACROSS, 2, "many", 4096, 64,
		"a pipe of processes, where the kernel puts them", OURS, .place = PLACE_FREE,
		.stretch = 4),
	PAID(1, 1, "paid", BODY_NEST_1, 4096, "many", "processor time of one process"),
	PAID(1, 1, "flip", BODY_NEST_1, 4096, "many", "moved to the next core every millisecond",
		.cores = 2, .place = PLACE_FLIP),
	PAID(1, 1, "flip-held-64", BODY_HOLD, 4096, "many", "the same, holding 64", .cores = 2,
		.held = 64, .place = PLACE_FLIP),
	PAID(1, OVER_CORES, "over-pinned", BODY_NEST_1, 4096, "many",
		"2 n + 1 threads on n cores, pinned"),
	PAID(1, OVER_CORES, "over-free", BODY_NEST_1, 4096, "many",
		"2 n + 1 threads on n cores, where the kernel puts them", .place = PLACE_FREE),
	PAID(4, 1, "same-core-4", BODY_NEST_1, 4096, "many", "4 processes on one core",
		.place = PLACE_FIRST),
};
const size_t n_kinds = sizeof(kinds) / sizeof(kinds[0]);

static unsigned number(int n, unsigned cores)
{
	switch (n) {
	case EACH_CORE:
		return cores;
	case FOUR_A_CORE:
		return 4 * cores < LANES_MAX ? 4 * cores : LANES_MAX;
	case OVER_CORES:
		return 2 * cores + 1 < LANES_MAX ? 2 * cores + 1 : LANES_MAX;
	default:
		return (unsigned)n;
	}
}

unsigned kind_processes(const struct kind *kind, unsigned cores)
{
	return number(kind->processes, cores);
}

unsigned kind_threads(const struct kind *kind, unsigned cores)
{
	return number(kind->threads, cores);
}

unsigned kind_lanes(const struct kind *kind, unsigned cores)
{
	return kind_processes(kind, cores) * kind_threads(kind, cores);
}

const char *kind_crosses(const struct kind *kind)
{
	if (kind->processes != 1)
		return "processes";
	return kind->threads != 1 ? "cores" : "nothing";
}

const char *group_name(enum group group)
{
	static const char *const names[] = {
		[GROUP_LIMIT] = "limits",
		[GROUP_ONE] = "one core",
		[GROUP_ALL] = "all cores",
		[GROUP_PIPES] = "pipes",
		[GROUP_SIZES] = "sizes",
		[GROUP_LONG] = "long leases",
		[GROUP_OURS] = "ours only",
	};

	return names[group];
}

const struct arena *arena_find(const char *name)
{
	size_t i;

	for (i = 0; i < n_arenas; i++)
		if (strcmp(arenas[i].name, name) == 0)
			return &arenas[i];
	return NULL;
}
