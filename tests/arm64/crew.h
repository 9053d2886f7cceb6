/* SPDX-License-Identifier: MIT */
#ifndef TESTS_ARM64_CREW_H
#define TESTS_ARM64_CREW_H

/*
 * An arena without a daemon, and a crew of processes with several threads each that are its
 * clients. It needs nothing but the kernel: a static program of it runs under an emulator, and as
 * the only process of a virtual machine. Everything here is shared by all of them and lies at the
 * same address in all.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "client/include/thruster/client.h"
#include "shm/view.h"

#define CREW_PROCESSES_MAX 32u
#define CREW_THREADS_MAX 16u
#define CREW_BOX_LETTERS 64u
#define CREW_HELD_MAX 256u

/* One process, once: a process that was killed and replaced has the seat, and not the number. */
typedef uint32_t instance_t;

enum crew_engine {
	CREW_CORES,   /* the restartable sequences, if there are any */
	CREW_THREADS, /* never */
	CREW_MIXED,   /* every other process */
};

enum crew_stage {
	CREW_WORK,
	CREW_SETTLE, /* send nothing more, take what is on its way, give everything back */
};

/* What a process writes to another: a buffer, and what is written in it. */
struct letter {
	/* LETTER_EMPTY, LETTER_FULL, or who writes or reads it: letter_busy(). */
	_Atomic uint32_t state;
	instance_t from;
	uint64_t key;
	struct thruster_ticket ticket;
};

#define LETTER_EMPTY 0u
#define LETTER_FULL 1u

static inline uint32_t letter_busy(instance_t who)
{
	return who << 1 | LETTER_FULL; /* never one of the two: instances are counted from 1 */
}

/* Counted by all, listed once: X(name, what it is). */
#define CREW_COUNTERS(X)                                                                           \
	X(rents, "leases of one slot")                                                             \
	X(runs, "leases of several slots in a row")                                                \
	X(bulks, "leases rented in bulk")                                                          \
	X(bursts, "quick rows of 64 rents and returns")                                            \
	X(waits, "rents that waited for a slot")                                                   \
	X(dry, "rents that found nothing")                                                         \
	X(returns, "leases returned")                                                              \
	X(foreign, "of these, by another thread than had rented them")                             \
	X(hand_overs, "leases handed over")                                                        \
	X(accepts, "leases accepted")                                                              \
	X(visits, "cores visited for segments")                                                    \
	X(judged, "verdicts while they work")

struct crew {
	struct thr_view view;
	const uint64_t *visitable;
	uint32_t claims[THR_CLASSES_MAX];
	enum crew_engine engine;
	unsigned n_processes, n_threads, held_max;
	unsigned disturb_us; /* disturb_me(), each thread */
	size_t size_max;

	_Atomic int stage;
	_Atomic unsigned n_silent; /* threads that will send nothing more */
	uint32_t roster[CREW_PROCESSES_MAX + 1];
	instance_t instance[CREW_PROCESSES_MAX + 1]; /* in each seat */
	_Atomic uint8_t *is_dead;                    /* by instance */
	/* By slot: 0, or its owner's instance << 32, and below it that of whom it is sent to. */
	_Atomic uint64_t *owner[THR_CLASSES_MAX];
	struct letter box[CREW_PROCESSES_MAX + 1][CREW_BOX_LETTERS];
	_Atomic uint64_t second_owners, broken_stamps, wrong_errors;
#define X(name, text) _Atomic uint64_t name;
	CREW_COUNTERS(X)
#undef X
};

/* The life of a process in a seat: its threads work until the stage changes. Exit status. */
int mate_run(struct crew *crew, uint16_t seat);

/* A client of the arena, set up as thruster_attach() does it. NULL if there is no memory. */
struct thruster_pool *crew_attach(struct crew *crew, uint16_t seat, bool as_cores);

#endif
