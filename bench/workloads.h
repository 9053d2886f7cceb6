/* SPDX-License-Identifier: MIT */
#ifndef BENCH_WORKLOADS_H
#define BENCH_WORKLOADS_H

/*
 * What is measured: the table of arenas that the daemon is to have, and the table of workloads. A
 * new workload is a row there, and a body if none of those that exist will do.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lane;

enum engine_kind {
	ENGINE_NONE,
	ENGINE_POOL,     /* thruster, as a program gets it */
	ENGINE_PORTABLE, /* thruster in a process that has no rseq */
	ENGINE_TICKETS,  /* thruster; what is passed on is handed over to another client */
	ENGINE_CAS_MASK,
	ENGINE_QUEUE,
};

enum place {
	PLACE_OWN,   /* lane i on the i-th core */
	PLACE_FIRST, /* all on the first core */
	PLACE_FREE,  /* wherever the kernel likes */
	PLACE_FLIP,  /* moved to the next core every millisecond */
};

enum figure {
	FIGURE_MEAN, /* each lane's time by its operations, mean of the lanes */
	FIGURE_SPAN, /* from the last start (the first can do no more than fill a ring) to the last
	                end, by the operations of one lane */
	FIGURE_CPU,  /* processor time of all lanes by the operations of all */
};

#define LANES_OVER_CORES 0u /* as `threads`: more than there are cores */

struct arena {
	const char *name;
	unsigned slot_bytes, slots, align_bytes;
};

struct workload {
	const char *name; /* kind/engine, and what is particular */
	void (*body)(struct lane *lane, uint64_t ops);
	enum engine_kind engine;
	const char *arena; /* NULL: needs no daemon */
	unsigned processes, threads; /* threads of each process */
	enum place place;
	enum figure figure;
	unsigned cores;   /* that it needs; 0: one */
	unsigned slots;   /* of a baseline; 0 for ENGINE_CAS_MASK: one mask for each core */
	unsigned depth;   /* of the ring of a pipe */
	unsigned held;    /* leases that each lane has all the time */
	unsigned stretch; /* how many times longer than usual a sample is; 0: once */
};

extern const struct arena arenas[];
extern const size_t n_arenas;
extern const struct workload workloads[];
extern const size_t n_workloads;

unsigned workload_threads(const struct workload *workload, unsigned cores);
unsigned workload_lanes(const struct workload *workload, unsigned cores);

/* Why it cannot be measured here; NULL if it can. */
const char *workload_absence(const struct workload *workload, unsigned cores);

/* NULL: there is none of that name. */
const struct workload *workload_find(const char *name);

#endif
