/* SPDX-License-Identifier: MIT */
/* circle.c, as an engine. */

#include "bench/acts.h"
#include "bench/worker.h"

static int rent(struct lane *lane, size_t bytes, union item *ret)
{
	(void)bytes;
	return circle_take(&lane->stage->circle, &ret->slot);
}

static int give(struct lane *lane, union item *item)
{
	return circle_give(&lane->stage->circle, item->slot);
}

static void *data(struct lane *lane, union item *item)
{
	struct stage *stage = lane->stage;

	return &stage->buffers[item->slot % stage->circle.slots * stage->orders.stride_bytes];
}

static const struct acts engine_acts = { rent, give, data, NULL, NULL, word_pack, word_unpack,
	sizeof(uint64_t), NULL, NULL };

#define ACTS engine_acts
#define ACTS_ACROSS engine_acts
#include "bench/engine-bodies.h"

const struct engine_code circle_code = { "circle", NULL, NULL, NULL, NULL, bodies, begin, end };
