/* SPDX-License-Identifier: MIT */
/*
 * What it takes in memory to know who has what. The arena's own layout is measured from outside:
 * arenas that differ in one respect, and the difference. The daemon's and the clients' share is
 * what the kernel counts for them, without the arena's pages.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <thruster/client.h>
#include "bench/daemon.h"
#include "bench/deaths/crew.h"
#include "bench/deaths/footprint.h"
#include "bench/deaths/intent.h"
#include "bench/deaths/word.h"
#include "bench/fail.h"
#include "bench/machine.h"

#define ARENA "memory"
#define SEATS 64
#define SEATS_MANY 1088
#define CLIENTS 100u
#define PAGE 4096
#define CLASSES_MOST 16
#define SLOTS_FEW 64
#define SLOTS 4096
#define SLOTS_MANY 65536
#define SLOTS_MILLION 1000000
#define LOOK_NS 1000000
#define METADATA_OF_A_SLOT "metadata of a slot"

/* One arena. Metadata are whole pages, so what two layouts differ in should be whole pages too. */
struct layout {
	int slot_bytes, slots, seats, classes; /* each of so many slots, of rising sizes */
	/* Measured. */
	uint64_t mapped, metadata, resident;
	struct footprint daemon, daemon_crowded;
};

/* Shared with clients. */
static struct shared {
	uint32_t ready, failed;
	struct footprint before, after;
} *shared;

static int attach(struct thruster_pool **ret)
{
	struct thruster_attach_options options = {
		.size = sizeof(options),
		.socket_path = daemon_socket(),
		.label = "thruster-deaths",
	};

	return thruster_attach(ret, ARENA, &options);
}

static json_t *class_config(int slot_bytes, int slots)
{
	return json_pack("{s:i, s:i}", "slot_bytes", slot_bytes, "slots", slots);
}

static void start_daemon(const struct intent *intent, const struct layout *layout)
{
	json_t *classes = json_array();
	int i;

	for (i = 0; i < layout->classes; i++)
		json_array_append_new(classes,
			class_config((i + 1) * layout->slot_bytes, layout->slots));
	daemon_start(intent->thrusterd, json_pack("{s:[{s:s, s:i, s:{s:s}, s:o}]}", "arenas",
		"name", ARENA, "max_clients", layout->seats, "memory", "allocate", "on_use",
		"classes", classes));
}

static uint64_t integer(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

/* What the daemon says of the arena; returns the daemon's pid. */
static pid_t ask(const struct intent *intent, struct layout *layout)
{
	json_t *stats = word_of_daemon(intent->thrusterctl, "stats");
	const json_t *arena = json_array_get(json_object_get(stats, "arenas"), 0);
	pid_t pid = (pid_t)integer(json_object_get(stats, "daemon"), "pid");

	layout->metadata = integer(arena, "metadata_bytes");
	layout->resident = integer(json_object_get(arena, "memory"), "resident_bytes");
	json_decref(stats);
	if (pid <= 0)
		fail("thrusterctl does not say what the daemon's pid is");
	return pid;
}

/* Once before, so that reading it is not what is measured. */
static _Noreturn void be_client(void)
{
	struct thruster_lease lease;
	struct thruster_pool *pool;
	struct footprint before;

	if (!footprint_take(&before, getpid(), ARENA) ||
		!footprint_take(&before, getpid(), ARENA) || attach(&pool) < 0 ||
		thruster_rent(pool, 1, &lease) < 0 || thruster_return(pool, &lease) < 0 ||
		!footprint_take(&shared->after, getpid(), ARENA)) {
		__atomic_store_n(&shared->failed, 1, __ATOMIC_RELEASE);
		_exit(EXIT_FAILURE);
	}
	shared->before = before;
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_ACQ_REL);
	for (;;)
		pause();
}

/* One after the other: the last one's figures stay. */
static void start_clients(pid_t *ret_pids, unsigned n)
{
	unsigned i;

	*shared = (struct shared){ 0 };
	for (i = 0; i < n; i++) {
		ret_pids[i] = crew_fork();
		if (ret_pids[i] == 0)
			be_client();
		while (__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE) == i) {
			crew_sleep(LOOK_NS);
			if (__atomic_load_n(&shared->failed, __ATOMIC_ACQUIRE))
				fail("a client cannot attach, rent, or read its smaps");
		}
	}
}

static void take(struct footprint *ret, pid_t pid)
{
	if (!footprint_take(ret, pid, ARENA))
		fail("cannot read the daemon's /proc/%d/smaps", (int)pid);
}

static void measure_layout(const struct intent *intent, struct layout *layout, unsigned clients)
{
	pid_t pids[CLIENTS], pid;
	unsigned i;

	start_daemon(intent, layout);
	pid = ask(intent, layout);
	take(&layout->daemon, pid);
	start_clients(pids, clients);
	ask(intent, layout);
	take(&layout->daemon_crowded, pid);
	layout->mapped = shared->after.arenas;
	for (i = 0; i < clients; i++)
		crew_kill(pids[i]);
	daemon_stop();
}

static void add(json_t *rows, const char *engine, double bytes, const char *what)
{
	json_array_append_new(rows,
		json_pack("{s:s, s:f, s:s}", "what", what, "bytes", bytes, "engine", engine));
}

static double less(uint64_t a, uint64_t b)
{
	return (double)a - (double)b;
}

/* All that an arena is more than its buffers, by the slot. */
static void add_overheads(const struct intent *intent, json_t *rows)
{
	static const int sizes[] = { 64, 512, 4096, 65536 };
	char what[96];
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct layout layout = { sizes[i], SLOTS, SEATS, 1, .mapped = 0 };

		tell("memory: slots of %d bytes", sizes[i]);
		measure_layout(intent, &layout, 1);
		snprintf(what, sizeof(what), "beside each slot of %d bytes, all told", sizes[i]);
		add(rows, "pool", (less(layout.mapped, 0) - (double)sizes[i] * SLOTS) / SLOTS,
			what);
	}
}

/* Differences of layouts: parts of the metadata. */
static void add_parts(const struct intent *intent, json_t *rows, unsigned cores)
{
	struct layout base = { 512, SLOTS, SEATS, 1, .mapped = 0 };
	struct layout slots = { 512, SLOTS_MANY, SEATS, 1, .mapped = 0 };
	struct layout seats = { 512, SLOTS, SEATS_MANY, 1, .mapped = 0 };
	struct layout one = { 512, SLOTS_FEW, SEATS, 1, .mapped = 0 };
	struct layout classes = { 512, SLOTS_FEW, SEATS, CLASSES_MOST, .mapped = 0 };
	unsigned more = CLASSES_MOST - 1;
	double slot, core;
	char what[96];

	tell("memory: parts of an arena");
	measure_layout(intent, &base, 1);
	measure_layout(intent, &slots, 1);
	measure_layout(intent, &seats, 1);
	measure_layout(intent, &one, 1);
	measure_layout(intent, &classes, 1);
	slot = less(slots.metadata, base.metadata) / (SLOTS_MANY - SLOTS);
	core = (less(classes.metadata, one.metadata) - slot * SLOTS_FEW * more) / more / cores;
	add(rows, "pool", less(base.mapped, base.metadata) / SLOTS - 512,
		"space after a slot of 512 bytes, for the cache sets");
	add(rows, "pool", slot, METADATA_OF_A_SLOT);
	add(rows, "pool", 64 * slot, "metadata of a segment of 64 slots");
	snprintf(what, sizeof(what), "metadata of a core, for each class (+-%u)",
		PAGE / more / cores);
	add(rows, "pool", core, what);
	add(rows, "pool", less(seats.metadata, base.metadata) / (SEATS_MANY - SEATS),
		"metadata of a seat (max_clients)");
}

static void add_processes(const struct intent *intent, json_t *rows)
{
	struct layout base = { 512, SLOTS, SEATS_MANY, 1, .mapped = 0 };
	struct layout million = { 64, SLOTS_MILLION, SEATS_MANY, 1, .mapped = 0 };

	tell("memory: the daemon and %u clients", CLIENTS);
	measure_layout(intent, &base, CLIENTS);
	tell("memory: a million slots");
	measure_layout(intent, &million, 1);
	add(rows, "pool", less(base.daemon.rss, 0), "the daemon, with libraries: 4096 slots");
	add(rows, "pool", less(base.daemon.own, 0), "the daemon's own: 4096 slots");
	add(rows, "pool", less(base.daemon_crowded.own, 0), "the daemon's own: 100 clients");
	add(rows, "pool", less(million.daemon.own, 0), "the daemon's own: 1000000 slots");
	add(rows, "pool", less(million.daemon.own, base.daemon.own) / (SLOTS_MILLION - SLOTS),
		"the daemon's own, for each slot");
	add(rows, "pool", less(shared->after.own, shared->before.own),
		"a client's own: attached, rented, returned");
}

/* Their structs, as they are here. */
static void add_ancestry(json_t *rows, unsigned cores)
{
	add(rows, "cas-mask", sizeof(struct cas_mask_line) / 64.0, METADATA_OF_A_SLOT);
	add(rows, "circle", sizeof(uint64_t), METADATA_OF_A_SLOT);
	add(rows, "queue", sizeof(struct queue_cell), METADATA_OF_A_SLOT);
	/* A place in each core's stack. */
	add(rows, "stacks", (double)sizeof(uint32_t) * cores, METADATA_OF_A_SLOT);
}

static void print(const json_t *rows)
{
	const json_t *row;
	size_t i;

	say("Bytes of memory beside the buffers; of processes, without the arena's pages.\n\n"
	    "%-9s %12s  %s\n", "engine", "bytes", "what");
	json_array_foreach(rows, i, row) {
		double bytes = json_number_value(json_object_get(row, "bytes"));

		say("%-9s %12.*f  %s\n", json_string_value(json_object_get(row, "engine")),
			bytes < 1000 ? 1 : 0, bytes,
			json_string_value(json_object_get(row, "what")));
	}
	say("\n");
}

json_t *memory_measure(const struct intent *intent)
{
	json_t *rows = json_array();
	struct machine machine;

	if (intent_has(intent, "memory", "pool")) {
		machine_init(&machine, NULL);
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (shared == MAP_FAILED)
			fail("out of memory");
		add_overheads(intent, rows);
		add_parts(intent, rows, machine.n_configured);
		add_processes(intent, rows);
		munmap(shared, sizeof(*shared));
	}
	if (intent_has(intent, "memory", "ancestry")) {
		machine_init(&machine, NULL);
		add_ancestry(rows, machine.n_cores);
	}
	if (json_array_size(rows) > 0)
		print(rows);
	return rows;
}
