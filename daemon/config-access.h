/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CONFIG_ACCESS_H
#define DAEMON_CONFIG_ACCESS_H

/* The part of the configuration that says who may. */

#include "daemon/access.h"
#include "daemon/form.h"

/* Who may attach if nothing is said about it. */
struct access config_clients(void);

/* Likewise who sees everything; root and the daemon's own user do in any case. */
struct access config_admins(void);

/* Read {"users": [...], "groups": [...]}, which is at `path`; without it, what `otherwise` says. */
void config_read_access(struct form *form, const char *path, json_t *object,
	struct access (*otherwise)(void), struct access *ret);

#endif
