/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TOP_TOP_H
#define CLIENT_THRUSTERCTL_TOP_TOP_H

/* The two ways in which `thrusterctl top` runs. */

#include <jansson.h>
#include "client/thrusterctl/verb.h"

struct top_options {
	const char *arena;    /* only this one, NULL = all */
	double interval;      /* s */
	unsigned long iterations; /* 0 = until ended */
};

/* On a terminal, until its user ends it. `first` is an answer, and becomes its own. */
enum exit_status top_live(
	const struct command *command, const struct top_options *options, json_t *first);

/* As lines of text on standard output. Likewise. */
enum exit_status top_batch(
	const struct command *command, const struct top_options *options, json_t *first);

#endif
