/* SPDX-License-Identifier: MIT */
/*
 * The restartable sections of a core, and the plain C around them. c is the core that the client
 * took for its own when it began; the registers are i (a slot), n (what a lease covers, as bits
 * from bit 0), m and x (bits of a mask).
 *
 * An or to a word in memory is one instruction on x86-64; on arm64 it is a load and a store, as
 * rent has them here.
 *
 * `goto done` ends an operation whatever came of it; a client that wanted a slot begins anew.
 */

#ifdef IGNORE_COVER
#define UNDER false
#else
#define UNDER (x != 0)
#endif
#ifdef SWITCH_UNVERSIONED
#define SWITCH_EXPECTED (!current[c])
#else
#define SWITCH_EXPECTED SEEN(current_seen[c])
#endif
#ifdef PUT_UNCHECKED
#define PUT_EXPECTED true
#else
#define PUT_EXPECTED SEEN(current_seen[c])
#endif
#ifdef RESTART_BLIND
#define NOT_YET_RETURNED true
#else
#define NOT_YET_RETURNED (OWNER(record[i]) == me)
#endif

/* Rent: the lowest bit of the current segment's mask. */
inline rent()
{
	/* load current; if it is none, there is nothing to rent */
	BEGIN_ENTER(WHEN(!current[c], LEAVE; goto done));
	/* load mask, and find its lowest bit */
	INSIDE(m = mask; WHEN(m == 0, LEAVE; goto done); i = LOWEST(m));
#ifdef RENT_SWAPPED
	/* store record, which the client does not know of before the section has committed */
	INSIDE(record[i] = me; CHANGE_RECORD(i));
	/* commit: store mask */
	INSIDE(mask = m & ~BIT(i); knows[i] = me; LEAVE; JUDGE; goto done);
#else
	/* store mask */
	INSIDE(mask = m & ~BIT(i); JUDGE);
	/* commit: store record */
	INSIDE(LEASE(i, 1); LEAVE; JUDGE; goto done);
#endif
}

/* Return slot i: on the core that holds the segment in a section, else by one plain store. */
inline give()
{
	/* load holder; if it is not this core, the return is a remote one */
	ENTER(WHEN(holder != CORE(c), LEAVE; goto remote));
#ifdef GIVE_SWAPPED
	/* or to mask */
	INSIDE_OR(interrupted, mask = mask | (n << i); JUDGE);
	/* commit: store record */
	INSIDE_OR(interrupted, UNLEASE(i); LEAVE; JUDGE; goto done);
#else
	/* store record */
	INSIDE_OR(interrupted, UNLEASE(i); JUDGE);
	/* commit: or to mask */
	INSIDE_OR(interrupted, mask = mask | (n << i); LEAVE; JUDGE; goto done);
#endif
interrupted:
	/* load record; if it is the token no more, the return has happened */
#ifdef RESTART_IS_DONE
	STEP(WHEN(knows[i] == me, knows[i] = 0); goto done);
#else
	STEP(WHEN(NOT_YET_RETURNED, goto giving); goto done);
#endif
remote:
	/* store record */
	STEP(UNLEASE(i); JUDGE; goto done);
}

/* Refill: walk the segment while this core holds it and does not rent from it; switch to it. */
inline refill()
{
	/* load current: what is expected from here on */
	BEGIN_STEP(SEE(current_seen[c]); WHEN(!current[c], goto walk));
#ifndef WALK_CURRENT
	/* put, which parks: load current; the expected one? */
	ENTER(WHEN(!SEEN(current_seen[c]), LEAVE; goto done));
	/* commit: store current, none, its next version; that is now expected */
	INSIDE(current[c] = 0; CHANGE(current_seen[c]); SEE(current_seen[c]); LEAVE; JUDGE);
#endif
walk:
	/* load holder */
	STEP(SEE(holder_seen); WHEN(holder != CORE(c), goto done));
	/* load record 0; x says whether it covers the next slot */
	STEP(m = (record[0] == FREE -> 1 : 0); x = IS_PAIR(record[0]));
	/* load record 1 */
	STEP(WHEN(record[1] == FREE && !UNDER, m = m | 2); x = IS_PAIR(record[1]));
#if SLOTS == 3
	/* load record 2 */
	STEP(WHEN(record[2] == FREE && !UNDER, m = m | 4));
#endif
	/* load current; the expected one? */
	ENTER(x = 0; WHEN(m == 0 || !SWITCH_EXPECTED, LEAVE; goto done));
#ifndef SWITCH_UNHELD
	/* load holder; the one from before the walk? */
	INSIDE(WHEN(!SEEN(holder_seen), LEAVE; goto done));
#endif
	/* or to mask */
	INSIDE(mask = mask | m; m = 0; JUDGE);
	/* commit: store current, the segment, its next version */
	INSIDE(current[c] = 1; CHANGE(current_seen[c]); LEAVE; JUDGE; goto done);
}

/* Adopt the segment that nobody holds. */
inline adopt()
{
	/* load holder */
	BEGIN_STEP(SEE(holder_seen); WHEN(holder != NOBODY, goto done));
#ifdef ADOPT_STORE
	/* store holder */
	STEP(holder = CORE(c); CHANGE_HOLDER; JUDGE; goto done);
#else
	/* compare-and-swap holder */
	STEP(WHEN(!SEEN(holder_seen), goto done);
		holder = CORE(c); CHANGE_HOLDER; JUDGE; goto done);
#endif
}

/* Relinquish, in a section that has seen that this core holds the segment: to x. */
inline relinquish_to_x()
{
#ifdef RELINQUISH_SWAPPED
	/* store holder */
	INSIDE(holder = x; CHANGE_HOLDER; JUDGE);
	/* store mask */
	INSIDE(mask = 0; JUDGE);
	/* commit: store current */
	INSIDE(WHEN(current[c], current[c] = 0; CHANGE(current_seen[c])); LEAVE; JUDGE; goto done);
#else
	/* load current; if it is this segment, store current: none, its next version */
	INSIDE(WHEN(current[c], current[c] = 0; CHANGE(current_seen[c])); JUDGE);
#ifndef RELINQUISH_KEEPS_MASK
	/* store mask */
	INSIDE(mask = 0; JUDGE);
#endif
	/* commit: store holder */
	INSIDE(holder = x; CHANGE_HOLDER; LEAVE; JUDGE; goto done);
#endif
}

/* Relinquish to nobody, or to a lane that has asked. */
inline relinquish()
{
	/* load holder */
	BEGIN_ENTER(WHEN(holder != CORE(c), LEAVE; goto done);
		if
		:: x = NOBODY
#ifdef THREADS
		:: x = THREAD(2)
#endif
		fi);
	relinquish_to_x()
}

#ifdef STEAL
/* Ask the core that holds the segment for it. */
inline ask()
{
	/* load holder */
	BEGIN_STEP(x = holder; WHEN(!IS_CORE(x) || x == CORE(c), goto done));
	/* store asked */
	STEP(asked[x - 1] = CORE(c); goto done);
}

/* Look whether somebody has asked this core; the answer is a segment. */
inline answer()
{
	/* load asked */
	BEGIN_STEP(x = asked[c]; WHEN(x == 0, goto done));
	/* store asked */
	STEP(asked[c] = 0);
	/* load holder */
	ENTER(WHEN(holder != CORE(c), LEAVE; goto done));
	relinquish_to_x()
}
#endif

#ifdef RUNS
/*
 * A run of two slots from slot i, or two slots in bulk: found outside, reserved in one section, and
 * leased by a put, or by one for each. (The put's value comes from a load of the record after the
 * reservation; it is the sequence that is loaded there, and there is none in this model.)
 */
inline run_of_two()
{
	/* load current */
	BEGIN_STEP(SEE(current_seen[c]); WHEN(!current[c], goto done));
	/* load mask, and find two bits that are set */
	STEP(m = mask;
		if
		:: (m & 3) == 3 -> i = 0
#if SLOTS == 3
		:: (m & 6) == 6 -> i = 1
#endif
		:: else -> goto done
		fi; m = 0);
	/* reserve: load current; the expected one? */
	ENTER(WHEN(!SEEN(current_seen[c]), LEAVE; goto done));
	/* load mask; are the bits still set? */
	INSIDE(m = mask; WHEN((m & (3 << i)) != (3 << i), LEAVE; goto done));
	/* commit: store mask */
	INSIDE(mask = m & ~(3 << i); m = 0; LEAVE; JUDGE);
	if
	:: n = 2
	:: n = 1
	fi;
	/* put: load current; the expected one? */
	ENTER(WHEN(!PUT_EXPECTED, LEAVE; goto done));
	/* commit: store record */
	INSIDE(LEASE(i, n); LEAVE; JUDGE; WHEN(n == 2, goto done));
	/* put the second of a bulk: load current; the expected one? */
	ENTER(WHEN(!PUT_EXPECTED, LEAVE; goto done));
	/* commit: store record */
	INSIDE(LEASE(i + 1, 1); LEAVE; JUDGE; goto done);
}
#endif
