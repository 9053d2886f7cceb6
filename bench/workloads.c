/* SPDX-License-Identifier: MIT */
/*
 * The tables, and what can be asked about a row. Names have the form kind/engine/particulars; the
 * report finds a baseline's counterpart by putting its name in the engine's place.
 */

#include <string.h>
#include "bench/bodies.h"
#include "bench/stage.h"
#include "bench/workloads.h"

const struct arena arenas[] = {
	{ .name = "many", .slot_bytes = BUFFER_BYTES, .slots = 4096 },
	{ .name = "few", .slot_bytes = BUFFER_BYTES, .slots = 128 },
	{ .name = "many-paged", .slot_bytes = BUFFER_BYTES, .slots = 4096, .align_bytes = 4096 },
	{ .name = "few-paged", .slot_bytes = BUFFER_BYTES, .slots = 128, .align_bytes = 4096 },
	/* less than one segment for each of two cores, so anybody claims, with a CAS */
	{ .name = "open", .slot_bytes = BUFFER_BYTES, .slots = 64 },
};
const size_t n_arenas = sizeof(arenas) / sizeof(arenas[0]);

/* One lane on the first core. */
#define LIMIT(name_, body_)                                                                        \
	{ .name = name_, .body = body_, .engine = ENGINE_NONE, .processes = 1, .threads = 1 }
#define LOCAL(name_, body_, engine_, arena_, ...)                                                  \
	{ .name = name_, .body = body_, .engine = engine_, .arena = arena_, .processes = 1,        \
		.threads = 1, __VA_ARGS__ }
/* Two lanes on two cores. */
#define BOTH(name_, body_, engine_, arena_, processes_, ...)                                       \
	{ .name = name_, .body = body_, .engine = engine_, .arena = arena_,                        \
		.processes = processes_, .threads = 2 / processes_, .cores = 2, __VA_ARGS__ }
#define PIPE(name_, body_, engine_, arena_, processes_, ...)                                       \
	BOTH(name_, body_, engine_, arena_, processes_, .figure = FIGURE_SPAN, __VA_ARGS__)
/* Processor time, of samples long enough for the scheduler to have its say. */
#define PAID .figure = FIGURE_CPU, .stretch = 8

const struct workload workloads[] = {
	LIMIT("limit/loop", body_loop),
	LIMIT("limit/call", body_call),
	LIMIT("limit/add", body_add),
	LIMIT("limit/lock-add", body_lock_add),
	LIMIT("limit/rseq", body_rseq),
	LIMIT("limit/malloc", body_malloc),
	PIPE("limit/round-trip", body_round_trip, ENGINE_NONE, NULL, 2, .depth = 1),
	PIPE("limit/ring-8", body_ring_8, ENGINE_NONE, NULL, 2, .depth = 64),
	PIPE("limit/ring-32", body_ring_32, ENGINE_NONE, NULL, 2, .depth = 64),

	LOCAL("single/pool", body_single, ENGINE_POOL, "many", 0),
	LOCAL("single/portable", body_single, ENGINE_PORTABLE, "many", 0),
	LOCAL("single/open", body_single, ENGINE_POOL, "open", 0),
	LOCAL("single/cas-mask", body_single, ENGINE_CAS_MASK, NULL, 0),
	LOCAL("single/queue", body_single, ENGINE_QUEUE, NULL, .slots = 4096),
	LOCAL("single/pool/few", body_single, ENGINE_POOL, "few", 0),
	LOCAL("single/pool/touched", body_single_touched, ENGINE_POOL, "many", 0),
	LOCAL("single/pool/unpinned", body_single, ENGINE_POOL, "many", .place = PLACE_FREE),

	LOCAL("nested-2/pool", body_nested_2, ENGINE_POOL, "many", 0),
	LOCAL("nested-2/portable", body_nested_2, ENGINE_PORTABLE, "many", 0),
	LOCAL("nested-2/pool/touched", body_nested_2_touched, ENGINE_POOL, "many", 0),
	LOCAL("nested-3/pool", body_nested_3, ENGINE_POOL, "many", 0),
	LOCAL("nested-3/portable", body_nested_3, ENGINE_PORTABLE, "many", 0),
	LOCAL("nested-3/pool/touched", body_nested_3_touched, ENGINE_POOL, "many", 0),
	LOCAL("nested-3/cas-mask", body_nested_3, ENGINE_CAS_MASK, NULL, 0),
	LOCAL("nested-3/queue", body_nested_3, ENGINE_QUEUE, NULL, .slots = 4096),

	LOCAL("batch-32/pool", body_batch_32, ENGINE_POOL, "many", 0),
	LOCAL("batch-32/portable", body_batch_32, ENGINE_PORTABLE, "many", 0),
	LOCAL("batch-32/open", body_batch_32, ENGINE_POOL, "open", 0),
	LOCAL("batch-32/cas-mask", body_batch_32, ENGINE_CAS_MASK, NULL, 0),
	LOCAL("batch-32/queue", body_batch_32, ENGINE_QUEUE, NULL, .slots = 4096),

	LOCAL("bulk-1/pool", body_bulk_1, ENGINE_POOL, "many", 0),
	LOCAL("bulk-2/pool", body_bulk_2, ENGINE_POOL, "many", 0),
	LOCAL("bulk-4/pool", body_bulk_4, ENGINE_POOL, "many", 0),
	LOCAL("bulk-8/pool", body_bulk_8, ENGINE_POOL, "many", 0),
	LOCAL("bulk-16/pool", body_bulk_16, ENGINE_POOL, "many", 0),
	LOCAL("bulk-32/pool", body_bulk_32, ENGINE_POOL, "many", 0),
	LOCAL("bulk-64/pool", body_bulk_64, ENGINE_POOL, "many", 0),
	LOCAL("bulk-32/portable", body_bulk_32, ENGINE_PORTABLE, "many", 0),
	LOCAL("bulk-32/open", body_bulk_32, ENGINE_POOL, "open", 0),

	BOTH("threads-2/pool", body_single, ENGINE_POOL, "many", 1, 0),
	BOTH("threads-2/portable", body_single, ENGINE_PORTABLE, "many", 1, 0),
	BOTH("threads-2/open", body_single, ENGINE_POOL, "open", 1, 0),
	BOTH("threads-2/cas-mask", body_single, ENGINE_CAS_MASK, NULL, 1, 0),
	BOTH("threads-2/queue", body_single, ENGINE_QUEUE, NULL, 1, .slots = 4096),
	BOTH("threads-2/pool/unpinned", body_single, ENGINE_POOL, "many", 1, .place = PLACE_FREE),
	BOTH("processes-2/pool", body_single, ENGINE_POOL, "many", 2, 0),
	BOTH("processes-2/pool/unpinned", body_single, ENGINE_POOL, "many", 2,
		.place = PLACE_FREE),
	BOTH("processes-2/portable", body_single, ENGINE_PORTABLE, "many", 2, 0),
	BOTH("processes-2/open", body_single, ENGINE_POOL, "open", 2, 0),
	BOTH("processes-2/cas-mask", body_single, ENGINE_CAS_MASK, NULL, 2, 0),
	BOTH("processes-2/queue", body_single, ENGINE_QUEUE, NULL, 2, .slots = 4096),

	/* Between processes a lease has to be handed over; between threads it is only passed on. */
	PIPE("pipe/pool/128", body_pipe, ENGINE_TICKETS, "few", 2, .depth = 64),
	PIPE("pipe/cas-mask/128", body_pipe, ENGINE_CAS_MASK, NULL, 2, .depth = 64),
	PIPE("pipe/queue/128", body_pipe, ENGINE_QUEUE, NULL, 2, .depth = 64, .slots = 128),
	PIPE("pipe/pool/4096", body_pipe, ENGINE_TICKETS, "many", 2, .depth = 64),
	PIPE("pipe/cas-mask/4096", body_pipe, ENGINE_CAS_MASK, NULL, 2, .depth = 64, .slots = 4096),
	PIPE("pipe/queue/4096", body_pipe, ENGINE_QUEUE, NULL, 2, .depth = 64, .slots = 4096),
	PIPE("pipe/open/64", body_pipe, ENGINE_TICKETS, "open", 2, .depth = 32),
	PIPE("pipe-threads/pool/128", body_pipe, ENGINE_POOL, "few", 1, .depth = 64),
	PIPE("pipe-threads/pool/4096", body_pipe, ENGINE_POOL, "many", 1, .depth = 64),
	PIPE("pipe-threads/cas-mask/128", body_pipe, ENGINE_CAS_MASK, NULL, 1, .depth = 64),
	PIPE("pipe-threads/queue/128", body_pipe, ENGINE_QUEUE, NULL, 1, .depth = 64, .slots = 128),
	PIPE("pipe-threads/queue/4096", body_pipe, ENGINE_QUEUE, NULL, 1, .depth = 64,
		.slots = 4096),
	PIPE("pipe-threads/portable/4096", body_pipe, ENGINE_PORTABLE, "many", 1, .depth = 64),

	PIPE("pipe-touched/pool/128", body_pipe_touched, ENGINE_TICKETS, "few", 2, .depth = 64),
	PIPE("pipe-touched/cas-mask/128", body_pipe_touched, ENGINE_CAS_MASK, NULL, 2, .depth = 64),
	PIPE("pipe-touched/queue/128", body_pipe_touched, ENGINE_QUEUE, NULL, 2, .depth = 64,
		.slots = 128),
	PIPE("pipe-touched/pool/4096", body_pipe_touched, ENGINE_TICKETS, "many", 2, .depth = 64),
	PIPE("pipe-touched/cas-mask/4096", body_pipe_touched, ENGINE_CAS_MASK, NULL, 2, .depth = 64,
		.slots = 4096),
	PIPE("pipe-touched/queue/4096", body_pipe_touched, ENGINE_QUEUE, NULL, 2, .depth = 64,
		.slots = 4096),
	PIPE("pipe-touched-threads/pool/128", body_pipe_touched, ENGINE_POOL, "few", 1,
		.depth = 64),
	PIPE("pipe-touched-threads/pool/4096", body_pipe_touched, ENGINE_POOL, "many", 1,
		.depth = 64),
	PIPE("pipe-touched-threads/cas-mask/128", body_pipe_touched, ENGINE_CAS_MASK, NULL, 1,
		.depth = 64),
	PIPE("pipe-touched-threads/queue/128", body_pipe_touched, ENGINE_QUEUE, NULL, 1,
		.depth = 64, .slots = 128),
	PIPE("pipe-touched-threads/queue/4096", body_pipe_touched, ENGINE_QUEUE, NULL, 1,
		.depth = 64, .slots = 4096),
	PIPE("pipe-touched/pool/128-paged", body_pipe_touched, ENGINE_TICKETS, "few-paged", 2,
		.depth = 64),
	PIPE("pipe-touched/pool/4096-paged", body_pipe_touched, ENGINE_TICKETS, "many-paged", 2,
		.depth = 64),
	PIPE("pipe-touched-threads/pool/128-paged", body_pipe_touched, ENGINE_POOL, "few-paged", 1,
		.depth = 64),
	PIPE("pipe-touched-threads/pool/4096-paged", body_pipe_touched, ENGINE_POOL, "many-paged",
		1, .depth = 64),

	PIPE("pipe/pool/4096-depth-8", body_pipe, ENGINE_TICKETS, "many", 2, .depth = 8),
	PIPE("pipe/queue/4096-depth-8", body_pipe, ENGINE_QUEUE, NULL, 2, .depth = 8,
		.slots = 4096),
	PIPE("pipe/pool/4096-depth-512", body_pipe, ENGINE_TICKETS, "many", 2, .depth = 512),
	PIPE("pipe/queue/4096-depth-512", body_pipe, ENGINE_QUEUE, NULL, 2, .depth = 512,
		.slots = 4096),
	PIPE("pipe/pool/4096-unpinned", body_pipe, ENGINE_TICKETS, "many", 2, .depth = 64,
		.place = PLACE_FREE, .stretch = 4),

	LOCAL("paid/pool", body_single, ENGINE_POOL, "many", PAID),
	LOCAL("paid/portable", body_single, ENGINE_PORTABLE, "many", PAID),
	LOCAL("flip/pool", body_single, ENGINE_POOL, "many", .cores = 2, .place = PLACE_FLIP, PAID),
	LOCAL("flip/portable", body_single, ENGINE_PORTABLE, "many", .cores = 2,
		.place = PLACE_FLIP, PAID),
	LOCAL("flip-hold-64/pool", body_hold, ENGINE_POOL, "many", .cores = 2, .held = 64,
		.place = PLACE_FLIP, PAID),
	{ .name = "crowd-pinned/pool", .body = body_single, .engine = ENGINE_POOL, .arena = "many",
		.processes = 1, .threads = LANES_OVER_CORES, PAID },
	{ .name = "crowd-free/pool", .body = body_single, .engine = ENGINE_POOL, .arena = "many",
		.processes = 1, .threads = LANES_OVER_CORES, .place = PLACE_FREE, PAID },
	{ .name = "same-core-4/pool", .body = body_single, .engine = ENGINE_POOL, .arena = "many",
		.processes = 4, .threads = 1, .place = PLACE_FIRST, PAID },
	{ .name = "same-core-4/portable", .body = body_single, .engine = ENGINE_PORTABLE,
		.arena = "many", .processes = 4, .threads = 1, .place = PLACE_FIRST, PAID },

	LOCAL("hold-16/pool", body_hold, ENGINE_POOL, "many", .held = 16),
	LOCAL("hold-64/pool", body_hold, ENGINE_POOL, "many", .held = 64),
	LOCAL("hold-256/pool", body_hold, ENGINE_POOL, "many", .held = 256),
	LOCAL("hold-256/queue", body_hold, ENGINE_QUEUE, NULL, .held = 256, .slots = 4096),
	LOCAL("hold-1024/pool", body_hold, ENGINE_POOL, "many", .held = 1024),
	BOTH("hold-256x2/pool", body_hold, ENGINE_POOL, "many", 2, .held = 256),
	BOTH("hold-1024x2/pool", body_hold, ENGINE_POOL, "many", 2, .held = 1024),
	BOTH("hold-256x2/queue", body_hold, ENGINE_QUEUE, NULL, 2, .held = 256, .slots = 4096),
};
const size_t n_workloads = sizeof(workloads) / sizeof(workloads[0]);

unsigned workload_threads(const struct workload *workload, unsigned cores)
{
	unsigned over = 2 * cores + 1;

	if (workload->threads != LANES_OVER_CORES)
		return workload->threads;
	return over < LANES_MAX ? over : LANES_MAX;
}

unsigned workload_lanes(const struct workload *workload, unsigned cores)
{
	return workload->processes * workload_threads(workload, cores);
}

const char *workload_absence(const struct workload *workload, unsigned cores)
{
	if (workload->cores > cores)
		return "needs two cores";
	if (workload->body == body_rseq && !body_rseq_is_here())
		return "no restartable sequences here";
	if (workload->arena && strcmp(workload->arena, "open") == 0 && cores < 2)
		return "one core holds the only segment, so no class is open";
	return NULL;
}

const struct workload *workload_find(const char *name)
{
	size_t i;

	for (i = 0; i < n_workloads; i++)
		if (strcmp(workloads[i].name, name) == 0)
			return &workloads[i];
	return NULL;
}
