/* SPDX-License-Identifier: MIT */
/*
 * Threads that hold the segment: a lane is such a thread, with a mask of its own that nobody else
 * sees. It leases by compare-and-swap, and anybody may revoke its segment at any time, also while
 * it is stopped in the midst of a claim. The stamps on the FREE records make that claim fail.
 *
 * mine is the private mask; has says that the lane has taken the segment and has not yet noticed a
 * loss. The holder word that it took is remembered as a whole, with its version: taken_seen.
 */

#ifdef CLAIM_BY_WHO
#define STILL_HELD (holder == THREAD(me))
#else
#define STILL_HELD SEEN(taken_seen)
#endif
#ifdef CLAIM_BY_STATE
#define STILL_FREE (record[i] == FREE)
#else
#define STILL_FREE SEEN(record_seen[i])
#endif

/* Adopt the segment that nobody holds, or notice that it was given to this lane. */
inline lane_adopt()
{
	/* load holder */
	BEGIN_STEP(SEE(holder_seen);
		if
		:: holder == NOBODY
		:: holder == THREAD(me) -> SEE(taken_seen); mine = 0; has = 1; goto done
		:: else -> goto done
		fi);
	/* compare-and-swap holder */
	STEP(WHEN(!SEEN(holder_seen), goto done);
		holder = THREAD(me); CHANGE_HOLDER; SEE(taken_seen); mine = 0; has = 1; goto done);
}

/* Fill the private mask. */
inline lane_walk()
{
	/* load record 0 */
	atomic { has -> BEGIN; m = (record[0] == FREE -> 1 : 0); x = IS_PAIR(record[0]) }
	/* load record 1 */
	STEP(WHEN(record[1] == FREE && x == 0, m = m | 2); mine = m; goto done);
}

/* Lease the lowest slot of the private mask, or a run of both. */
inline lane_claim()
{
#ifdef HOLDER_FIRST
	/* load holder */
	atomic { mine != 0 -> BEGIN; WHEN(!STILL_HELD, mine = 0; has = 0; goto done) }
	/* load record */
	STEP(i = LOWEST(mine); n = 1; SEE(record_seen[i]);
		WHEN(record[i] != FREE, mine = mine & ~BIT(i); goto done));
#else
	/* load record */
	atomic {
		mine != 0 -> BEGIN; i = LOWEST(mine); n = 1;
#ifdef RUNS
		if
		:: mine == 3 -> n = 2
		:: true
		fi;
#endif
		SEE(record_seen[i]);
		WHEN(record[i] != FREE, mine = mine & ~BIT(i); goto done)
	}
	/* load holder */
	STEP(WHEN(!STILL_HELD, mine = 0; has = 0; goto done));
#endif
	/* compare-and-swap record */
	STEP(WHEN(!STILL_FREE, goto done);
		mine = mine & ~(n == 2 -> 3 : BIT(i)); LEASE(i, n); JUDGE; goto done);
}

/* Return a lease. */
inline lane_give()
{
	/* store record */
	atomic {
		if
		:: CAN_GIVE(0) -> i = 0
		:: CAN_GIVE(1) -> i = 1
		fi;
		BEGIN; n = (IS_PAIR(record[i]) -> 3 : 1); UNLEASE(i); JUDGE
	}
	/* load holder; the private mask */
	STEP(WHEN(STILL_HELD && has, mine = mine | (n << i)); goto done);
}

/* Give the segment up. */
inline lane_give_up()
{
	/* compare-and-swap holder */
	atomic { has -> BEGIN; WHEN(SEEN(taken_seen), holder = NOBODY; CHANGE_HOLDER);
		mine = 0; has = 0; goto done }
}

#define STAMP(s) \
	STEP(WHEN(record[s] == FREE, SEE(record_seen[s]))); \
	STEP(WHEN(SEEN(record_seen[s]), CHANGE_RECORD(s)))

/* Revoke the segment from a lane, whether it lives, is stopped or is dead; or finish what somebody
 * else has begun. */
inline revoke()
{
	/* load holder */
	BEGIN_STEP(x = holder; SEE(holder_seen);
		WHEN(x == REVOKED, goto revoked);
		WHEN(!IS_THREAD(x) || x == THREAD(me), goto done));
	/* compare-and-swap holder */
#ifdef REVOKE_AT_ONCE
	STEP(WHEN(!SEEN(holder_seen), goto done); holder = NOBODY; CHANGE_HOLDER);
#else
	STEP(WHEN(!SEEN(holder_seen), goto done);
		holder = REVOKED; CHANGE_HOLDER; SEE(holder_seen));
#endif
#ifdef FINISH_UNSTAMPED
	STAMP(0);
	STAMP(1);
revoked:
#else
revoked:
#ifndef REVOKE_UNSTAMPED
	/* load record 0; compare-and-swap it, then the next: FREE with the next stamp */
	STAMP(0);
	STAMP(1);
#endif
#endif
	/* compare-and-swap holder */
	STEP(WHEN(SEEN(holder_seen), holder = NOBODY; CHANGE_HOLDER); goto done);
}

proctype lane(byte me)
{
	unsigned c : 1, i : 2, n : 2, m : 3, x : 4, mine : 2;
	bit has;

idle:
	if
	:: lane_adopt()
	:: lane_walk()
	:: lane_claim()
	:: lane_give()
	:: lane_give_up()
	:: revoke()
	:: atomic { MAY_DIE -> busy++; goto dying }
	fi;
done:
	atomic {
		FORGET;
		busy--;
		JUDGE_QUIET;
		goto idle
	}
dying:
	atomic {
		FORGET;
		UNSEE(taken_seen);
		mine = 0;
		has = 0;
		dead = dead | ME
	}
	atomic {
		(dead & ME) == 0 ->
		busy--;
		JUDGE_QUIET;
		goto idle
	}
}
