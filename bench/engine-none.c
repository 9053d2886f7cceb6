/* SPDX-License-Identifier: MIT */
/* No pool at all: what the machine itself takes. */

#include "bench/worker.h"

static body_f *const bodies[BODIES] = {
	[BODY_LOOP] = body_loop,
	[BODY_CALL] = body_call,
	[BODY_ADD] = body_add,
	[BODY_LOCK_ADD] = body_lock_add,
	[BODY_RSEQ] = body_rseq,
	[BODY_RING_8] = body_ring_8,
	[BODY_RING_32] = body_ring_32,
	[BODY_ROUND_TRIP] = body_round_trip,
};

const struct engine_code none_code = { "none", NULL, NULL, NULL, NULL, bodies, NULL, NULL };
