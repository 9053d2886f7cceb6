/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HARNESS_PROBES_H
#define TESTS_HARNESS_PROBES_H

/*
 * A real thruster-probes for a test's daemon. Where it cannot trace (not root, a kernel without
 * eBPF), probes_can_trace() says why, and the test is skipped.
 */

#include <stdbool.h>
#include <sys/types.h>

struct host;

struct probes {
	pid_t pid;
	char log[128];
};

/* Are hosts of this program to be traced ($THRUSTER_TRACED), and cannot be? Then why. */
const char *probes_are_missed(void);

/* Does it trace here? If not, a reason in words. Needs no host. */
bool probes_can_trace(const char **ret_why);

/*
 * Start it for the daemon, with the library and the daemon of this build and further arguments (a
 * list that ends with NULL), and wait until it has told the daemon how things are. `before`, if not
 * NULL, is run in the child before the program is.
 */
void probes_start(struct probes *probes, const struct host *host, const char *const *arguments,
	void (*before)(void));

/* SIGTERM, and wait. Returns the exit status. */
int probes_stop(struct probes *probes);

#endif
