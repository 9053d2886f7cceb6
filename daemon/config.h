/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

/*
 * What the daemon is to serve: the JSON file of thrusterd.json(5), checked to the last field.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "daemon/access.h"
#include "shm/geometry.h"

#define CONFIG_ARENAS_MAX 64u
#define CONFIG_MAX_CLIENTS_DEFAULT 64u
#define CONFIG_GRACE_MS_DEFAULT 10000u
#define CONFIG_GRACE_MS_MAX 86400000u
#define CONFIG_QUOTA_BYTES_MAX GEOMETRY_ARENA_BYTES_MAX
#define CONFIG_QUOTA_LEASES_MAX 1073741824u /* as many slots as an arena can have */
#define CONFIG_TRIM_AFTER_S_MAX 86400u
#define CONFIG_CONNECTIONS_MAX 1048576u

struct config_arena {
	char name[THR_NAME_MAX];
	uint32_t max_clients;
	uint64_t undelivered_grace_ms;
	bool is_lazy;           /* pages of slots are allocated when they are touched first */
	uint64_t trim_after_s;  /* what was free for so long is given back; 0 = never */
	uint64_t quota_bytes, quota_leases; /* what one client may hold at once; 0 = no limit */
	struct access access;
	uint32_t n_classes;
	struct thr_class_spec classes[THR_CLASSES_MAX]; /* in ascending order of stride */
	struct thr_geometry geometry;                   /* for the cores of this machine */
};

struct config {
	int log_level;                     /* LOG_WARNING, LOG_NOTICE or LOG_DEBUG */
	struct access admins;              /* who sees everything, beside root and ourselves */
	bool is_untraced;                  /* thruster-probes is told to go */
	uint32_t max_connections_per_user; /* 0 = by the arenas that admit him (daemon/users.h) */
	size_t n_arenas;
	struct config_arena arenas[CONFIG_ARENAS_MAX];
};

/* What is wrong, for a person: "FILE:LINE:COLUMN: FIELD: what, and what is allowed". */
struct config_error {
	char text[768];
};

/* One arena, "default", for root, the daemon's own user and, if there is one, the group
 * thruster-clients. On the heap, the caller's. NULL without memory. */
struct config *config_new_default(void);

/*
 * Read a file. 0 and a config on the heap; or -EINVAL (or what reading it failed with) and the
 * error told.
 */
int config_new_from_file(struct config **ret, const char *path, struct config_error *ret_error);

/* Likewise, from a text of `length` bytes that is called `name` in errors. */
int config_new_from_text(struct config **ret, const char *name, const char *text, size_t length,
	struct config_error *ret_error);

/* Cores that arenas are laid out for: all that this machine may ever have. */
uint32_t config_cores(void);

#endif
