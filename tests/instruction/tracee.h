/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSTRUCTION_TRACEE_H
#define TESTS_INSTRUCTION_TRACEE_H

/*
 * A child process and the breakpoints in its copy of a binary's text. The child is forked from the
 * harness, so the text lies where it does here, and a breakpoint in the child is in nobody else's.
 * It stops itself with tracee_pause() where the harness is to look.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "tests/instruction/listing.h"

struct tracee {
	const struct listing *listing;
	pid_t pid;
	int memory;          /* /proc/PID/mem */
	uint8_t *text;       /* what is there without breakpoints */
	uint8_t *planted;    /* the same with them */
	size_t bytes;
	unsigned call;       /* system calls so far, if they are counted */
	unsigned fail_call;  /* this one is not made, and gives... */
	long result;         /* ...this; fail_call 0: none */
};

enum tracee_event {
	TRACEE_TRAP,    /* at a breakpoint; *ret_at says which. The instruction has not run */
	TRACEE_PAUSED,  /* by tracee_pause() */
	TRACEE_ENDED,   /* exited, or died of a signal of its own */
	TRACEE_STUCK,   /* a minute without an event; it was killed */
};

void tracee_init(struct tracee *t, const struct listing *listing);

/* Fork; the child runs live(argument) and ends. Returns at its first event, which must be a pause;
 * false if there was another. */
bool tracee_start(struct tracee *t, void (*live)(void *), void *argument);

/* Breakpoints at all instructions for which wanted[i] is true, and at no other. */
void tracee_plant(struct tracee *t, const bool *wanted);
void tracee_unplant_all(struct tracee *t);
void tracee_unplant(struct tracee *t, unsigned i);

/* Let it run to its next event. */
enum tracee_event tracee_run(struct tracee *t, int *ret_at);

/* From now on count system calls, and let the nth give `result` without being made. */
void tracee_fail_call(struct tracee *t, unsigned nth, long result);

/* SIGKILL, and wait. Harmless if it has ended. */
void tracee_kill(struct tracee *t);

/* In the child: stop until the harness lets it go on. */
void tracee_pause(void);

/* Whether tracing is permitted here at all; 0 or -errno. */
int tracee_try(void);

#endif
