/* SPDX-License-Identifier: MIT */
/* queue.c, as an engine. */

#include "bench/acts.h"
#include "bench/worker.h"

static int rent(struct lane *lane, size_t bytes, union item *ret)
{
	(void)bytes;
	return queue_take(&lane->stage->queue, &ret->slot);
}

static int give(struct lane *lane, union item *item)
{
	return queue_give(&lane->stage->queue, item->slot);
}

static void *data(struct lane *lane, union item *item)
{
	struct stage *stage = lane->stage;

	return &stage->buffers[item->slot * stage->orders.stride_bytes];
}

static const struct acts engine_acts = { rent, give, data, NULL, NULL, word_pack, word_unpack,
	sizeof(uint64_t), NULL, NULL };

#define ACTS engine_acts
#define ACTS_ACROSS engine_acts
#include "bench/engine-bodies.h"

const struct engine_code queue_code = { "queue", NULL, NULL, NULL, NULL, bodies, begin, end };
