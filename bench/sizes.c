/* SPDX-License-Identifier: MIT */
/*
 * Lots, drawn before anything is timed. A power of two is as likely as another; a log-uniform size
 * is as likely to be in one octave as in another, and anything within it.
 */

#include <math.h>
#include "bench/sizes.h"

bool sizes_are_drawn(const struct kind *kind)
{
	return kind->group == GROUP_SIZES;
}

static uint32_t draw_size(const struct kind *kind, uint64_t lot)
{
	unsigned octaves = SIZE_BITS_MAX - SIZE_BITS_MIN;

	if (kind->are_powers)
		return 1u << (SIZE_BITS_MIN + lot % (octaves + 1));
	return (uint32_t)exp2(SIZE_BITS_MIN + (double)(lot >> 11) * 0x1p-53 * octaves);
}

void sizes_draw(struct lane *lane)
{
	const struct kind *kind = lane->kind;
	uint64_t state = lane->index;
	unsigned i;

	for (i = 0; i < CHOICES; i++) {
		uint64_t lot = sizes_random(&state);

		if (sizes_are_drawn(kind))
			lane->choice[i] = draw_size(kind, lot);
		else if (kind->held)
			lane->choice[i] = (uint32_t)(lot % kind->held);
	}
}
