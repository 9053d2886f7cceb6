/* SPDX-License-Identifier: MIT */
#ifndef BENCH_KINDS_H
#define BENCH_KINDS_H

/*
 * What is measured: the table of arenas that the daemon is to have, and the table of kinds. A
 * workload is a kind done by an engine. A new kind is a row, and a body if none of those that exist
 * will do.
 */

#include <stddef.h>
#include "bench/bodies.h"

enum place {
	PLACE_OWN,   /* lane i on the i-th core */
	PLACE_FIRST, /* all on the first core */
	PLACE_FREE,  /* wherever the kernel likes */
	PLACE_FLIP,  /* moved to the next core every millisecond */
};

enum figure {
	FIGURE_MEAN,  /* each lane's time by its operations, mean of the lanes */
	FIGURE_SPAN,  /* from the last start (the first can do no more than fill a ring) to the last
	                 end, by the operations of one lane */
	FIGURE_CPU,   /* processor time of all lanes by the operations of all */
	FIGURE_SHARE, /* as the mean, by the lanes that share a core: what of the machine's time an
	                 operation took */
};

enum group { GROUP_LIMIT, GROUP_ONE, GROUP_ALL, GROUP_PIPES, GROUP_SIZES, GROUP_LONG, GROUP_OURS };

/* What an engine has to be able to do for it, or enum ability's complement: who else may. */
enum need {
	NEEDS_PROCESSES = 1, /* buffers that several processes share */
	NEEDS_BULK = 2,      /* many in one call */
	NEEDS_SIZES = 4,     /* buffers of any size */
	OURS_ONLY = 8,
	AND_OPEN = 16, /* small enough for a class in which anybody claims */
};

/* As a number of threads or processes: so many for each core, or one more than twice as many. */
#define EACH_CORE (-1)
#define FOUR_A_CORE (-4)
#define OVER_CORES (-100)

/* The one that has a class for each power of two from its slot_bytes to 256 KiB. */
#define ARENA_SIZES "sizes"

struct arena {
	const char *name;
	unsigned slot_bytes, slots, align_bytes;
};

struct kind {
	const char *name, *what;
	enum group group;
	enum body body;
	const char *arena;
	unsigned bytes, slots; /* of a buffer; in the pool */
	int processes, threads; /* threads of each process; see EACH_CORE */
	enum place place;
	enum figure figure;
	unsigned needs;   /* enum need */
	unsigned cores;   /* that the machine has to have; 0: one */
	unsigned depth;   /* of the ring of a pipe */
	unsigned held;    /* leases that each lane has all the time */
	unsigned window;  /* leases that it has beside them, for a while */
	bool are_powers;  /* of two: the sizes drawn */
	unsigned stretch; /* how many times longer than usual a sample is; 0: once */
};

extern const struct arena arenas[];
extern const size_t n_arenas;
extern const struct kind kinds[];
extern const size_t n_kinds;

unsigned kind_processes(const struct kind *kind, unsigned cores);
unsigned kind_threads(const struct kind *kind, unsigned cores);
unsigned kind_lanes(const struct kind *kind, unsigned cores);

/* "nothing", "cores" or "processes": what has to be crossed by what the lanes share. */
const char *kind_crosses(const struct kind *kind);
const char *group_name(enum group group);

/* NULL: there is none of that name. */
const struct arena *arena_find(const char *name);

#endif
