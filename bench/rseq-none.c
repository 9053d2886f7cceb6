/* SPDX-License-Identifier: MIT */
/* Where nobody wrote a restartable section for the processor: the limit is not measured. */

#include "bench/bodies.h"

bool body_rseq_is_here(void)
{
	return false;
}

void body_rseq(struct lane *lane, uint64_t ops)
{
	(void)lane;
	(void)ops;
}
