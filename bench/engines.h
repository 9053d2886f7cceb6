/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ENGINES_H
#define BENCH_ENGINES_H

/*
 * Who is measured: our pool, its ancestry, and its rivals. Here is what the program has to know of
 * each; how it is used is in a file of its own, which only the worker's program has in it, so that
 * no library of a rival is anywhere but in that rival's workers.
 */

#include "bench/kinds.h"
#include "bench/stage.h"

enum family {
	FAMILY_OURS,
	FAMILY_ANCESTRY, /* pools that ours descends from, written here */
	FAMILY_PRIVATE,  /* allocators of one process */
	FAMILY_SHARED,   /* pools in shared memory */
};

struct engine {
	const char *name, *what, *configured;
	enum family family;
	unsigned can;        /* enum need, without the last two */
	unsigned held_max;   /* leases that a process may have at once; 0: any number */
	unsigned depth_max;  /* of a pipe of its own; 0: the ring's */
	const char *program; /* a worker of its own: thruster-bench-NAME; NULL: this one */
	const char *preload; /* the allocator, as LD_PRELOAD wants it */
	bool has_daemon;     /* of its own */
	bool forks;          /* its processes have to be forks of the first */
	bool keeps;          /* nothing of it is lost with a killed process, it says */
	/* Make what the workers share, before they start; NULL: they do. */
	void (*set_up)(struct stage *stage, unsigned slots);
};

extern const struct engine engines[];
extern const size_t n_engines;

const char *family_name(enum family family);

/* Why `kind` cannot be done by it, on any machine; NULL if it can. "" if it is none of its
 * business. */
const char *engine_refusal(const struct engine *engine, const struct kind *kind);

/* The arena that it wants for the kind; NULL: it needs no daemon. */
const char *engine_arena(const struct engine *engine, const struct kind *kind);

/* Why there is no such engine here, the libraries and the programs looked for; NULL if there is. */
const char *engine_absence(const struct engine *engine);

/* What its workers must find in their environment, in who is to become one. */
void engine_settle(const struct engine *engine);

/* The worker's program. False: it was not built. */
bool engine_program(const struct engine *engine, char *ret_path, size_t size);

#endif
