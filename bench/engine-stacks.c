/* SPDX-License-Identifier: MIT */
/* stacks.c, as an engine. */

#include "bench/acts.h"
#include "bench/worker.h"

static int rent(struct lane *lane, size_t bytes, union item *ret)
{
	return stacks_take(&lane->stage->stacks, lane->own, bytes, &ret->slot);
}

static int give(struct lane *lane, union item *item)
{
	return stacks_give(&lane->stage->stacks, lane->own, item->slot);
}

static void *data(struct lane *lane, union item *item)
{
	return &lane->stage->buffers[stacks_offset(&lane->stage->stacks, item->slot)];
}

static const struct acts engine_acts = { rent, give, data, NULL, NULL, word_pack, word_unpack,
	sizeof(uint64_t), NULL, NULL };

#define ACTS engine_acts
#define ACTS_ACROSS engine_acts
#include "bench/engine-bodies.h"

static int enter_lane(struct lane *lane)
{
	lane->own = &lane->stage->stacks.thread[lane->index];
	return 0;
}

const struct engine_code stacks_code = { "stacks", NULL, NULL, enter_lane, NULL, bodies, begin,
	end };
