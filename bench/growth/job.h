/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GROWTH_JOB_H
#define BENCH_GROWTH_JOB_H

/*
 * What is measured is done in a process of its own, on the first core, so that each sample has
 * fresh pages and a client that has seen nothing. It shares one page or so with the program, for
 * what it is to do and what came of it.
 */

#include <stddef.h>
#include <stdint.h>
#include <thruster/client.h>

#define JOB_LEAVE UINT32_MAX

struct job {
	void (*body)(struct job *job); /* in the process */
	const char *name, *arena, *socket;
	size_t size;       /* what to rent */
	unsigned slots;    /* of the arena's class, where it matters */
	unsigned held;     /* leases that it holds all the time, or percent, as the body says */
	unsigned clients;  /* that it is */
	double sample_ms;
	int second_core;   /* where others go */

	double value;      /* the result */
	uint32_t wanted, reached; /* how far it is to go, and is; see job_reach() */
	char error[160];
	int core;
	int pid;
};

/* Blocks the signals that are waited for, and chooses the cores. */
void jobs_prepare(void);

/* Start a process that does `job`, which is copied. Returns what is shared with it. */
struct job *job_start(const struct job *job);

/* Have it go to step `wanted`, and wait until it is there. */
void job_reach(struct job *job, uint32_t wanted);

/* Have it leave, and wait for that; what it shared is gone then. Returns the result. fail()s if it
 * failed. */
double job_end(struct job *job);

/* A job that goes through by itself. */
double job_run(const struct job *job);

/* In the process: leave word and exit. */
_Noreturn void job_fail(struct job *job, const char *what, int r);
void job_attach(struct job *job, struct thruster_pool **ret_pool);
void job_detach(struct job *job, struct thruster_pool *pool);
/* Say that step is reached, and wait until more is wanted. Returns what. */
uint32_t job_await(struct job *job, uint32_t reached);
void job_go_to(struct job *job, int core);

#endif
