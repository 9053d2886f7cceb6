/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTER_PROBES_PROCESSES_H
#define CLIENT_THRUSTER_PROBES_PROCESSES_H

/* The daemon's clients, by their process ids. */

#include <jansson.h>

/* A connection for that alone, the caller's; or -errno after saying why not on standard error. */
int processes_connect(const char *socket_path);

/* An array of numbers, the caller's; NULL if the daemon does not say. */
json_t *processes_get(int fd);

#endif
