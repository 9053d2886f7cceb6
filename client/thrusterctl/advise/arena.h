/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_ADVISE_ARENA_H
#define CLIENT_THRUSTERCTL_ADVISE_ARENA_H

/* What is advised for one arena of the daemon's statistics. */

#include <jansson.h>
#include "client/thrusterctl/advise/class.h"
#include "shm/abi.h"

struct advise_arena {
	const json_t *arena; /* of the statistics, which must outlive this */
	uint32_t n_classes;
	struct advise_figures figures[THR_CLASSES_MAX];
	struct advise class_[THR_CLASSES_MAX];
	uint64_t clients, max_clients, advised_clients;
	bool is_possible;    /* there can be such an arena */
	uint64_t size_bytes; /* of it, if so */
};

/* `seconds`: how long the run was. */
struct advise_arena advise_arena(
	const json_t *arena, uint64_t seconds, const struct advise_terms *terms);

/* As a table with the reasons below. */
void advise_arena_print(const struct advise_arena *arena, const struct advise_terms *terms);

#endif
