/* SPDX-License-Identifier: MIT */
/*
 * Core 1 goes offline and comes back at any moment, and the daemon buries what it holds: marks it
 * first, so that no section that begins later can use it, and releases it if the core has been
 * offline with all of it marked. Nobody is inside a section of a core that is offline, and nobody
 * enters one. A thread that finds its core back exhumes what is buried.
 */

bit online = 1;

active proctype power()
{
	do
	:: atomic { online -> online = 0; inside[1] = 0 }
	:: atomic { !online -> online = 1 }
	od
}

/* The core holds it again. */
inline exhume()
{
	/* load holder */
	BEGIN_STEP(SEE(holder_seen); WHEN(holder != BURIED || c != 1, goto done));
#ifdef EXHUME_IN_SECTION
	/* load holder; the one from before? */
	ENTER(WHEN(!SEEN(holder_seen), LEAVE; goto done); x = NOBODY);
	relinquish_to_x()
#else
	/* compare-and-swap holder: in no section, for the daemon acts from another core */
	STEP(WHEN(SEEN(holder_seen), holder = CORE(1); CHANGE_HOLDER; JUDGE); goto done)
#endif
}

#define LOOK_AGAIN \
	UNSEE(holder_seen); \
	UNSEE(current_seen[1]); \
	goto begin
#define BURY(what...) \
	if \
	:: atomic { true -> what } \
	:: atomic { true -> LOOK_AGAIN } \
	fi

active proctype undertaker()
{
	byte me = 0;

begin:
	/* ask the kernel, which says offline */
	atomic { !online };
	/* load current */
	BURY(SEE(current_seen[1]));
	/* compare-and-swap current: none, its next version, which is the mark */
	BURY(WHEN(!SEEN(current_seen[1]), LOOK_AGAIN);
		current[1] = 0; CHANGE(current_seen[1]); SEE(current_seen[1]); JUDGE);
	/* load holder */
	BURY(SEE(holder_seen); WHEN(holder != CORE(1), goto marked));
	/* compare-and-swap holder */
	BURY(WHEN(SEEN(holder_seen), holder = BURIED; CHANGE_HOLDER); JUDGE);
marked:
#ifndef BURY_UNCHECKED
	/* ask the kernel again */
	BURY(WHEN(online, LOOK_AGAIN));
	/* load current; is the mark still there? */
	BURY(WHEN(!SEEN(current_seen[1]), LOOK_AGAIN));
#endif
	/* load holder */
	BURY(SEE(holder_seen); WHEN(holder != BURIED, LOOK_AGAIN));
	/* store mask */
	BURY(mask = 0; JUDGE);
	/* compare-and-swap holder */
	BURY(WHEN(SEEN(holder_seen), holder = NOBODY; CHANGE_HOLDER); JUDGE; LOOK_AGAIN)
}
