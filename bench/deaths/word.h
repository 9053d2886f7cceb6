/* SPDX-License-Identifier: MIT */
#ifndef BENCH_DEATHS_WORD_H
#define BENCH_DEATHS_WORD_H

/* What the daemon says, by thrusterctl, as an operator would ask it. */

#include <jansson.h>
#include <stdbool.h>

/* The document of `thrusterctl --json COMMAND`; NULL if there is none. */
json_t *word_of_daemon(const char *thrusterctl, const char *command);

/* Of its first arena, when all its clients have been killed: no lease is left, every rule holds,
 * and it has seen at least as many deaths as object's `kills` says. Sets what it says there. */
bool word_is_good(const char *thrusterctl, json_t *object);

#endif
