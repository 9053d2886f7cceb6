/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TRACE_MEASURE_H
#define CLIENT_THRUSTERCTL_TRACE_MEASURE_H

/*
 * Measuring for some seconds where clients wait, by thruster-probes, which needs privileges that we
 * may not have: it is run beside, and what it prints is read.
 */

#include <jansson.h>
#include <sys/types.h>

struct measure {
	pid_t pid; /* 0 = it could not be started */
	int fd;
};

void measure_begin(struct measure *m, const char *socket_path, double seconds);

/* Wait for the end: an object with "state" and "reason", and "processes" if it was measured. The
 * caller's. */
json_t *measure_end(struct measure *m);

#endif
