/* SPDX-License-Identifier: MIT */
/*
 * The table of engines, each configured as its own documentation advises for buffers of known sizes
 * that are rented and returned all the time.
 */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/engines.h"
#include "bench/sizes.h"

#define NO_RSEQ "glibc.pthread.rseq=0"
#define PROGRAM "thruster-bench-" /* of a rival, beside ours */

static void set_up_cas_mask(struct stage *stage, unsigned slots)
{
	cas_mask_init(&stage->cas_mask, slots / 64);
}

static void set_up_queue(struct stage *stage, unsigned slots)
{
	queue_init(&stage->queue, slots);
}

static void set_up_circle(struct stage *stage, unsigned slots)
{
	circle_init(&stage->circle, slots);
}

/* Of one size; the sizes of a whole arena if there is no stride. */
static void set_up_stacks(struct stage *stage, unsigned slots)
{
	uint64_t stride = stage->orders.stride_bytes, at = 0;
	unsigned bits;

	stage->stacks.cores = stage->orders.n_cores;
	if (stride)
		stacks_add(&stage->stacks, stride, slots, 0, stride);
	for (bits = SIZE_BITS_MIN; !stride && bits <= SIZE_BITS_MAX; bits++)
		at = stacks_add(&stage->stacks, UINT64_C(1) << bits,
			arena_find(ARENA_SIZES)->slots, at, (UINT64_C(1) << bits) + 64);
}

#define SHARED_ANCESTRY .family = FAMILY_ANCESTRY, .can = NEEDS_PROCESSES
#define PRIVATE .family = FAMILY_PRIVATE, .can = NEEDS_SIZES
#define DPDK                                                                                       \
	.family = FAMILY_SHARED, .can = NEEDS_PROCESSES | NEEDS_BULK, .program = "dpdk",           \
	.forks = true

const struct engine engines[] = {
	{ .name = "none", .what = "the machine itself", .can = NEEDS_PROCESSES },

	{ .name = "pool", .what = "Thruster", .family = FAMILY_OURS,
		.configured = "one class of the size that is rented; spread slots (the default)",
		.can = NEEDS_PROCESSES | NEEDS_BULK | NEEDS_SIZES, .keeps = true },
	{ .name = "portable", .what = "Thruster in a process without rseq", .family = FAMILY_OURS,
		.configured = "as pool; GLIBC_TUNABLES=glibc.pthread.rseq=0",
		.can = NEEDS_PROCESSES | NEEDS_BULK | NEEDS_SIZES, .keeps = true },
	{ .name = "open", .what = "Thruster, a class so small that each claim is a CAS",
		.family = FAMILY_OURS, .configured = "64 slots",
		.can = NEEDS_PROCESSES | NEEDS_BULK, .keeps = true },

	{ .name = "cas-mask", .what = "a 64-bit mask for each core, compare-and-swap (2018)",
		.configured = "as many masks as the slots need, each on lines of its own",
		SHARED_ANCESTRY, .set_up = set_up_cas_mask },
	{ .name = "circle", .what = "a circular buffer, taken back in order",
		.configured = "head, tail and marks on lines of their own", SHARED_ANCESTRY,
		.set_up = set_up_circle },
	{ .name = "stacks", .what = "a slot a thread, locked stacks a core (ArrayPool.Shared)",
		.configured = "one kept by each thread and size; a stack holds all",
		.family = FAMILY_ANCESTRY, .can = NEEDS_PROCESSES | NEEDS_SIZES,
		.set_up = set_up_stacks },
	{ .name = "queue", .what = "a concurrent queue of fixed blocks (Kestrel's slab pool)",
		.configured = "bounded, all blocks in it from the start", SHARED_ANCESTRY,
		.set_up = set_up_queue },

	{ .name = "glibc", .what = "malloc of the C library", PRIVATE,
		.configured = "as installed: a cache for each thread" },
	{ .name = "jemalloc", .what = "jemalloc", PRIVATE, .preload = "libjemalloc.so.2",
		.configured = "as installed, by LD_PRELOAD" },
	{ .name = "mimalloc", .what = "mimalloc", PRIVATE, .preload = "libmimalloc.so.2.0",
		.configured = "as installed, by LD_PRELOAD" },
	{ .name = "tcmalloc", .what = "tcmalloc (gperftools)", PRIVATE,
		.preload = "libtcmalloc_minimal.so.4",
		.configured = "as installed, by LD_PRELOAD" },

	{ .name = "dpdk", .what = "DPDK mempool", DPDK,
		.configured = "a cache for each lane, of 512 objects (the most that it allows) "
			      "or as many as all lanes can have full at once, over ring_mp_mc; "
			      "--no-huge" },
	{ .name = "dpdk-ring", .what = "DPDK mempool, no cache", DPDK,
		.configured = "the default, ring_mp_mc; --no-huge" },
	{ .name = "dpdk-stack", .what = "DPDK mempool, no cache, lock-free stack", DPDK,
		.configured = "lf_stack; --no-huge" },
	{ .name = "iceoryx", .what = "iceoryx: loans of a publisher", .family = FAMILY_SHARED,
		.can = NEEDS_PROCESSES | NEEDS_SIZES, .program = "iceoryx", .has_daemon = true,
		.held_max = 8, .depth_max = 256,
		.configured = "its C binding and shared libraries as installed; RouDi, "
			      "monitoring on (the default), 4096 chunks of 512 and of 4096 "
			      "bytes; a publisher for each lane; passed on by publish and take, "
			      "the producer waits for the consumer" },
	{ .name = "boost", .what = "Boost.Interprocess managed memory",
		.family = FAMILY_SHARED, .can = NEEDS_PROCESSES | NEEDS_SIZES, .program = "boost",
		.configured = "rbtree_best_fit with a mutex, the default; twice the memory "
			      "that can be rented; passed on by handle; NDEBUG" },
};
const size_t n_engines = sizeof(engines) / sizeof(engines[0]);

const char *family_name(enum family family)
{
	static const char *const names[] = {
		[FAMILY_OURS] = "ours",
		[FAMILY_ANCESTRY] = "ancestry",
		[FAMILY_PRIVATE] = "private",
		[FAMILY_SHARED] = "shared",
	};

	return names[family];
}

static bool is_pipe(const struct kind *kind)
{
	return kind->depth > 0;
}

const char *engine_refusal(const struct engine *engine, const struct kind *kind)
{
	static char text[96];
	unsigned lacks = kind->needs & ~engine->can;

	if ((kind->group == GROUP_LIMIT) != (engine == &engines[0]))
		return "";
	if (kind->needs & OURS_ONLY && engine->family != FAMILY_OURS)
		return "";
	if (strcmp(engine->name, "open") == 0 && !(kind->needs & AND_OPEN))
		return "";
	if (lacks & NEEDS_PROCESSES)
		return "the memory of one process";
	if (lacks & NEEDS_BULK)
		return "one at a time";
	if (lacks & NEEDS_SIZES)
		return "one size only";
	if (engine->held_max && kind->held + kind->window > engine->held_max) {
		snprintf(text, sizeof(text), "a publisher has %u loans at most", engine->held_max);
		return text;
	}
	if (engine->depth_max && kind->body == BODY_KESTREL_TASKS)
		return "only the publisher can release a loan";
	if (engine->held_max && kind->body == BODY_BATCH_32)
		return "a publisher has 8 loans at most";
	if (engine->depth_max && is_pipe(kind) && kind->depth > engine->depth_max) {
		snprintf(text, sizeof(text), "its queue holds %u at most", engine->depth_max);
		return text;
	}
	return NULL;
}

const char *engine_arena(const struct engine *engine, const struct kind *kind)
{
	if (engine->family != FAMILY_OURS || engine == &engines[0])
		return NULL;
	return strcmp(engine->name, "open") == 0 ? "open" : kind->arena;
}

/* The library's constructors are to run in no process of ours. One that cannot be loaded late, for
 * want of room for its thread-local variables, is there all the same. */
static bool is_installed(const char *library)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(!dlopen(library, RTLD_LAZY | RTLD_LOCAL) && !strstr(dlerror(), "TLS"));
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* A process without rseq is one whose libc was told not to register it. */
static void forgo_rseq(void)
{
	const char *tunables = getenv("GLIBC_TUNABLES");
	char text[512];

	snprintf(text, sizeof(text), "%s%s" NO_RSEQ, tunables ? tunables : "",
		tunables && *tunables ? ":" : "");
	setenv("GLIBC_TUNABLES", text, 1);
}

void engine_settle(const struct engine *engine)
{
	if (engine->preload)
		setenv("LD_PRELOAD", engine->preload, 1);
	if (strcmp(engine->name, "portable") == 0)
		forgo_rseq();
}

bool engine_program(const struct engine *engine, char *ret_path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", ret_path, size - 1);
	size_t used = n > 0 ? (size_t)n : 0;

	ret_path[used] = 0;
	if (!engine->program)
		return used > 0;
	while (used > 0 && ret_path[used - 1] != '/')
		used--;
	return snprintf(ret_path + used, size - used, PROGRAM "%s", engine->program) <
		       (int)(size - used) &&
		access(ret_path, X_OK) == 0;
}

const char *engine_absence(const struct engine *engine)
{
	char path[4096];

	if (engine->preload && !is_installed(engine->preload))
		return "not installed";
	if (!engine_program(engine, path, sizeof(path)))
		return "not built: its library was not there";
	return NULL;
}
