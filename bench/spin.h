/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SPIN_H
#define BENCH_SPIN_H

/* How to wait for another core, and how far apart its words have to be. */

#include <sched.h>

#define APART 128 /* two lines: the prefetcher of some x86-64 fetches pairs */
#define SPINS_BEFORE_YIELD 1024u

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* One turn of a loop that waits: whom we wait for may need this very core. */
static inline void spin(unsigned *spins)
{
	relax();
	if (++*spins % SPINS_BEFORE_YIELD == 0)
		sched_yield();
}

#endif
