/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_LEASES_MARK_H
#define CLIENT_THRUSTERCTL_LEASES_MARK_H

#include <jansson.h>

/*
 * Write into each lease of the daemon's answer whether it is a suspect ("suspect") and why ("why").
 * `stats`, or NULL, is asked for how long the clients have been there. Returns the same leases with
 * the suspects first, the caller's.
 */
json_t *leases_mark(json_t *answer, const json_t *stats);

/* The suspicion in a few words for a table; "-" for none. */
const char *leases_suspicion(const json_t *lease, char text[32]);

#endif
