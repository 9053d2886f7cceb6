/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSTRUCTION_TRIAL_H
#define TESTS_INSTRUCTION_TRIAL_H

/*
 * One victim's run, and what is known of each instruction so far.
 *
 * A part is a scenario played by one kind of client: one with restartable sequences, or a plain
 * one. Some instructions are reached only in company: an abort handler after a stop inside its
 * sequence, a retry after somebody else came in between. Their way is kept: the breakpoints that
 * were met before, in order, and where an intruder came.
 */

#include "tests/instruction/scenario.h"
#include "tests/instruction/tracee.h"
#include "tests/instruction/verdict.h"

struct part {
	const struct scenario *scenario;
	bool is_plain;
	bool *seen, *killed, *restarted; /* by instruction */
};

/* Who comes in between. */
enum company {
	COMPANY_NONE,
	COMPANY_SAME_CORE, /* with restartable sequences, as the victim's */
	COMPANY_PLAIN,     /* a little by one as above, and then a plain client on that core */
	COMPANY_FAR,       /* one on another core, which goes on holding what it took from */
	COMPANY_MOVES,     /* one on another core leaves the arena and comes back */
	COMPANIES,
};

struct way {
	struct part *part;     /* NULL: never reached */
	unsigned fail_call;    /* see tracee_fail_call() */
	long result;
	enum company company;
	int company_at;
	int *trail;            /* instructions that were stopped at before this one */
	unsigned n_trail;
};

struct trial {
	struct world world;
	struct listing listing;
	struct tracee tracee;
	struct part *parts;
	unsigned n_parts;
	struct way *way;       /* by instruction */
	unsigned *kills, *restarts;
	struct way now;        /* of the run that is on */
	struct part *idle;     /* a victim of this part is alive and may be used again */
	unsigned runs, failures, failures_max;
	bool is_complete;      /* all instructions of all parts */
	const char *pass;      /* for reports */
};

/* A victim, prepared and paused, perhaps the same as before. False, and the failure is noted, if it
 * did not come so far. */
bool trial_begin(struct trial *t, struct part *part, unsigned fail_call, long result);

/* On to the next breakpoint; notes the way to an instruction that was never reached before. */
enum tracee_event trial_run(struct trial *t, int *ret_at);

/* Let somebody in while the victim stands at `at`. */
void trial_let_in(struct trial *t, enum company company, int at);

/* Kill it if it is not dead, wait until the daemon has dealt with it, and judge. */
void trial_end(struct trial *t, int at);

/* It has done its work and paused: do the beliefs of all agree? Have it give back what it holds,
 * and judge. It may be used again. */
void trial_end_alive(struct trial *t, int at);

/* Go the way to an instruction again, up to it, perhaps with a process that has done the same
 * before. False if it was not met. */
bool trial_repeat(struct trial *t, unsigned at, bool is_warm);

/* Note a failure; NULL is none. The arena is then abandoned for a new one. False if fault. */
bool trial_note(struct trial *t, const char *fault, int at);

/* Enough is known to fail. */
bool trial_is_over(const struct trial *t);

#endif
