/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_LEASES_FILTER_H
#define CLIENT_THRUSTERCTL_LEASES_FILTER_H

/* Which leases are wanted: all conditions that are given must hold. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct lease_filter {
	const char *arena; /* NULL = any */
	const char *label; /* a part of it; NULL = any */
	bool has_client, has_pid;
	uint64_t client_id, pid;
	uint64_t older_ns; /* at least */
	uint64_t larger_bytes;
};

bool lease_filter_admits(const struct lease_filter *filter, const json_t *lease);

/* Is any condition given? */
bool lease_filter_is_any(const struct lease_filter *filter);

/* "90s", "5m", "2h", "1d", or a plain number of seconds. False if it is none of these. */
bool lease_read_age(const char *text, uint64_t *ret_ns);

/* "4096", "64K", "2M", "1G", "1T", in powers of 1024. False if it is none of these. */
bool lease_read_bytes(const char *text, uint64_t *ret_bytes);

#endif
