/* SPDX-License-Identifier: MIT */
#ifndef SHM_FIGURES_H
#define SHM_FIGURES_H

/*
 * The figures on the board: one writer, the daemon; any number of readers, who take a copy that is
 * all of one moment (thrusterctl reads them when the daemon does not answer). A sequence
 * lock after Boehm, "Can seqlocks get along with programming language memory models?" (2012):
 * relaxed words between an odd and an even sequence [P6].
 */

#include <stddef.h>
#include "shm/abi.h"
#include "shm/atomics.h"

#define FIGURES_FIRST_WORD (offsetof(struct thr_figures, sampled_monotonic_ns) / sizeof(uint64_t))
#define FIGURES_WORDS (sizeof(struct thr_figures) / sizeof(uint64_t))
#define FIGURES_TRIES 1000u

/* Publish *values; its own sequence is ignored. By the one writer. */
static inline void figures_publish(struct thr_figures *board, const struct thr_figures *values)
{
	uint64_t *to = (uint64_t *)board, sequence = load_relaxed(&board->sequence) | 1;
	const uint64_t *from = (const uint64_t *)values;
	size_t i;

	store_relaxed(&board->sequence, sequence);
	fence_release();
	for (i = FIGURES_FIRST_WORD; i < FIGURES_WORDS; i++)
		store_relaxed(&to[i], from[i]);
	store_release(&board->sequence, sequence + 1);
}

/* Copy the figures. False if none were published yet, or the writer died while it wrote. */
static inline bool figures_read(const struct thr_figures *board, struct thr_figures *ret)
{
	const uint64_t *from = (const uint64_t *)board;
	struct thr_figures copy;
	uint64_t *to = (uint64_t *)&copy;
	unsigned tries;
	size_t i;

	for (tries = 0; tries < FIGURES_TRIES; tries++) {
		copy.sequence = load_acquire(&board->sequence);
		for (i = FIGURES_FIRST_WORD; i < FIGURES_WORDS; i++)
			to[i] = load_relaxed(&from[i]);
		fence_acquire();
		if (copy.sequence != 0 && copy.sequence % 2 == 0 &&
			load_relaxed(&board->sequence) == copy.sequence) {
			*ret = copy;
			return true;
		}
	}
	return false;
}

#endif
