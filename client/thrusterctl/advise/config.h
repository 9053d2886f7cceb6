/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_ADVISE_CONFIG_H
#define CLIENT_THRUSTERCTL_ADVISE_CONFIG_H

/* What is advised, as a configuration of thrusterd. */

#include "client/thrusterctl/advise/arena.h"

/*
 * A configuration of these arenas, made from nothing but the statistics; the caller's. What is not
 * in them is missing: advise_config_told is what to say about it.
 */
json_t *advise_config_new(const struct advise_arena *arenas, size_t n);
extern const char advise_config_told[];

/* Read a configuration file; NULL after saying what is wrong with it. */
json_t *advise_config_load(const char *path);

/*
 * Change in a configuration what is advised, and nothing else. What does not fit together is told
 * to `notes`, a line each.
 */
void advise_config_change(
	json_t *config, const struct advise_arena *arenas, size_t n, FILE *notes);

#endif
