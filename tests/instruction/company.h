/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSTRUCTION_COMPANY_H
#define TESTS_INSTRUCTION_COMPANY_H

/*
 * The other clients. The harness itself is one, on the victim's core. `near` is another process on
 * that core, without restartable sequences; `far` is one on another core (if there is one). They
 * live as long as the arena and do what they are told.
 */

#include <sys/types.h>
#include "tests/instruction/stage.h"

enum errand {
	ERRAND_INTRUDE,     /* see intrude() */
	ERRAND_HOLD_ALL,    /* rent all there is */
	ERRAND_HOLD_FEW,    /* rent a few of each size */
	ERRAND_TAKE,        /* accept and return what was handed over */
	ERRAND_RETURN_ALL,  /* the same, and return what is held */
	ERRAND_RETURN_SOON, /* when the victim has gone to sleep, wake it in vain, then return all;
	                       answered at once */
	ERRAND_MOVE,        /* leave the arena and come back as another client */
};

struct companion {
	pid_t pid;
	int socket;
};

/* `core` < 0: as it is. With is_plain the process gives up its restartable sequences. */
void companion_start(struct companion *c, struct stage *stage, struct holding *holding,
	uint32_t *ret_id, int core, bool is_plain);
void companion_stop(struct companion *c);

/* Do it, and wait until it is done. False if it had something to complain about. */
bool companion_send(struct companion *c, enum errand errand);

/*
 * Rent a few of each size, then everything, return every other of that, and rent and return in
 * bulk. About half of all is kept. False if an answer was wrong.
 */
bool intrude(struct thruster_pool *pool, struct holding *holding);

/* Rent a long run and return it: the core has another current segment then, and the one that it had
 * is as it was. */
bool intrude_gently(struct thruster_pool *pool);

/* Accept whatever is on its way to this pool's client, and return it. */
bool take_delivery(struct thruster_pool *pool);

/* Give up the restartable sequences of the calling thread. */
void become_plain(void);

/* membarrier(2) fails in this process from now on. */
void forbid_barriers(void);

void pin_to(int core);

#endif
