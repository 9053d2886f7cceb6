/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CRASH_WORKER_H
#define TESTS_CRASH_WORKER_H

/* One process of a storm: rents, alone, in runs and in bulk, waits, stamps, verifies, hands over,
 * accepts, returns and moves from core to core, at random. */

#include "tests/crash/oracle.h"

#define WORKERS_MAX 64
#define HELD_MAX 24

enum stage {
	STAGE_WORK,   /* go on */
	STAGE_SETTLE, /* send nothing more, take what is on its way, give everything back */
	STAGE_LEAVE,  /* detach and exit */
};

/* Shared by all processes of a storm. */
struct storm {
	_Atomic int stage;
	_Atomic unsigned n_silent;              /* workers that will send nothing more */
	_Atomic unsigned n_settled;             /* workers that hold nothing any more */
	_Atomic uint64_t present[WORKERS_MAX];  /* instance << 32 | client id, 0 = not attached */
	_Atomic uint64_t second_owners, broken_stamps, wrong_errors;
	_Atomic uint64_t rents, returns, hand_overs, accepts, runs, waits;
	_Atomic uint64_t as_threads;            /* workers that had no restartable sequences */
	unsigned n_workers;
	int inbox[WORKERS_MAX], outbox[WORKERS_MAX]; /* SEQPACKET pairs, one for each place */
	struct oracle oracle;
};

/* The life of the worker at `place`; does not return. */
void worker_run(struct storm *storm, unsigned place, instance_t me) __attribute__((noreturn));

#endif
