/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MACHINE_MACHINE_H
#define TESTS_MACHINE_MACHINE_H

/*
 * A daemon on a machine with many cores, which may be taken away by who is root there. Its arena
 * has two classes with a segment for every core, and one more with few slots.
 */

#include "tests/harness/harness.h"

struct machine {
	struct host host;
	unsigned n_cores;
	uint32_t slots; /* of each class */
};

void machine_init(struct machine *m);

/* Put a process (0: the calling thread) on a core. */
void machine_go_to(pid_t pid, unsigned core);

/* False if it could not be done. */
bool machine_set_online(unsigned core, bool is_online);

/* Print a line of TAP; and the plan, when all is done: exit status. */
void machine_check(bool ok, const char *what, uint64_t n);
int machine_done(void);

/* Every slot can be had by a new client, on one core, that waits for each; and is given back. */
void machine_rent_all(const struct machine *m, unsigned core, const char *what);

/* The judge finds the arena sound. */
void machine_judge(const struct machine *m);

/* What the statistics say of each core. */
void machine_print_cores(const struct machine *m);

#endif
