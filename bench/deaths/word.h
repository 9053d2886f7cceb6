/* SPDX-License-Identifier: MIT */
#ifndef BENCH_DEATHS_WORD_H
#define BENCH_DEATHS_WORD_H

/* What the daemon says, by thrusterctl, as an operator would ask it. */

#include <jansson.h>

/* The document of `thrusterctl --json COMMAND`; NULL if there is none. */
json_t *word_of_daemon(const char *thrusterctl, const char *command);

#endif
