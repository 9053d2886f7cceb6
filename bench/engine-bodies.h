/* SPDX-License-Identifier: MIT */
/*
 * Included once by each engine, after ACTS (and ACTS_ACROSS, how it passes on between processes)
 * has been defined as the name of a `static const struct acts`: all bodies, compiled for it, in the
 * table `bodies`, and how its lanes begin and end.
 */

#include "bench/loops-held.h"
#include "bench/loops-kestrel.h"
#include "bench/loops-local.h"
#include "bench/loops-pipe.h"
#include "bench/loops-storm.h"
#include "bench/worker.h"

#define BODY(name, loop, ...)                                                                      \
	static void name(struct lane *lane, uint64_t ops)                                          \
	{                                                                                          \
		loop(lane, ops, __VA_ARGS__);                                                      \
	}

BODY(nest_1, nest, 1, TOUCH_NOTHING, &ACTS)
BODY(nest_1_touched, nest, 1, TOUCH_BYTE, &ACTS)
BODY(nest_1_whole, nest, 1, TOUCH_WHOLE, &ACTS)
BODY(nest_2, nest, 2, TOUCH_NOTHING, &ACTS)
BODY(nest_2_touched, nest, 2, TOUCH_BYTE, &ACTS)
BODY(nest_3, nest, 3, TOUCH_NOTHING, &ACTS)
BODY(nest_3_touched, nest, 3, TOUCH_BYTE, &ACTS)
BODY(nest_8, nest, 8, TOUCH_NOTHING, &ACTS)
BODY(nest_8_whole, nest, 8, TOUCH_WHOLE, &ACTS)
BODY(batch_32, batch, &ACTS)
BODY(hold, move_on, &ACTS)
BODY(at_random, shuffle, &ACTS)
BODY(beside_others, churn, TOUCH_NOTHING, &ACTS)
BODY(beside_others_touched, churn, TOUCH_BYTE, &ACTS)
BODY(sizes, vary, TOUCH_NOTHING, &ACTS)
BODY(sizes_touched, vary, TOUCH_BYTE, &ACTS)
BODY(pipe_, pass_on, TOUCH_NOTHING, &ACTS)
BODY(pipe_touched, pass_on, TOUCH_BYTE, &ACTS)
BODY(pipe_whole, pass_on, TOUCH_WHOLE, &ACTS)
BODY(pipe_across, pass_on, TOUCH_NOTHING, &ACTS_ACROSS)
BODY(pipe_across_touched, pass_on, TOUCH_BYTE, &ACTS_ACROSS)
BODY(inline_, kestrel_inline, &ACTS)
BODY(tasks, kestrel_tasks, &ACTS)
BODY(vouched, vouch, &ACTS)
BODY(all, drain, &ACTS)

#ifdef HAS_BULK
BODY(bulk_1, bulk, 1, &ACTS)
BODY(bulk_2, bulk, 2, &ACTS)
BODY(bulk_4, bulk, 4, &ACTS)
BODY(bulk_8, bulk, 8, &ACTS)
BODY(bulk_16, bulk, 16, &ACTS)
BODY(bulk_32, bulk, 32, &ACTS)
BODY(bulk_64, bulk, 64, &ACTS)
#endif

static body_f *const bodies[BODIES] = {
	[BODY_NEST_1] = nest_1,
	[BODY_NEST_1_TOUCHED] = nest_1_touched,
	[BODY_NEST_1_WHOLE] = nest_1_whole,
	[BODY_NEST_2] = nest_2,
	[BODY_NEST_2_TOUCHED] = nest_2_touched,
	[BODY_NEST_3] = nest_3,
	[BODY_NEST_3_TOUCHED] = nest_3_touched,
	[BODY_NEST_8] = nest_8,
	[BODY_NEST_8_WHOLE] = nest_8_whole,
	[BODY_BATCH_32] = batch_32,
	[BODY_HOLD] = hold,
	[BODY_SHUFFLE] = at_random,
	[BODY_LONG] = beside_others,
	[BODY_LONG_TOUCHED] = beside_others_touched,
	[BODY_SIZES] = sizes,
	[BODY_SIZES_TOUCHED] = sizes_touched,
	[BODY_PIPE] = pipe_,
	[BODY_PIPE_TOUCHED] = pipe_touched,
	[BODY_PIPE_WHOLE] = pipe_whole,
	[BODY_PIPE_ACROSS] = pipe_across,
	[BODY_PIPE_ACROSS_TOUCHED] = pipe_across_touched,
	[BODY_KESTREL_INLINE] = inline_,
	[BODY_KESTREL_TASKS] = tasks,
	[BODY_VOUCH] = vouched,
	[BODY_DRAIN] = all,
#ifdef HAS_BULK
	[BODY_BULK_1] = bulk_1,
	[BODY_BULK_2] = bulk_2,
	[BODY_BULK_4] = bulk_4,
	[BODY_BULK_8] = bulk_8,
	[BODY_BULK_16] = bulk_16,
	[BODY_BULK_32] = bulk_32,
	[BODY_BULK_64] = bulk_64,
#endif
};

static void begin(struct lane *lane)
{
	settle(lane, &ACTS);
}

static void end(struct lane *lane)
{
	unsettle(lane, &ACTS);
}
