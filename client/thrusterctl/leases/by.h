/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_LEASES_BY_H
#define CLIENT_THRUSTERCTL_LEASES_BY_H

#include <jansson.h>

/*
 * Sum up leases by client: an array, the caller's, in which who has most leases comes first. Each
 * has "arena", "client_id", "pid" and "label" as a lease has, and "leases", "leased_bytes",
 * "age_max_ns" and "suspects".
 */
json_t *leases_by_client(const json_t *leases);

/* As a table, at most so many lines. */
void leases_by_client_print(const json_t *clients, size_t limit);

#endif
