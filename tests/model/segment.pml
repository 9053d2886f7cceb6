/* SPDX-License-Identifier: MIT */
/*
 * One segment, its cores and its threads: rent, return, runs, bulk, refill, adopt, relinquish,
 * steal, thread-holders and their revocation, a core that goes offline, and the daemon that
 * reclaims. Clients die anywhere, sections are restarted anywhere, and the daemon too is killed and
 * begins anew anywhere. (The daemon's helper that visits a core to relinquish there does what a
 * client does, so it is a client here.)
 *
 * What must hold:
 *
 *   two_owners      nobody is given a slot that somebody else knows to be his
 *   mask_wrong      the mask is a subset of the FREE and uncovered slots, and 0 if no core holds
 *   current_unheld  a core's current segment is held by that core
 *   slot_lost       when all is quiet and the dead are reclaimed, a slot whose record is LEASED is
 *                   known to the living owner that the record names; all others are takeable, since
 *                   a refill goes by the records alone
 *   lease_lost      then too, a slot that somebody knows to be his is his by the record
 *
 * One segment is enough: a core without a current segment holds one that is not current. Left out,
 * since nothing here depends on it: counters; `returned`, which hints where a walk may pay (here a
 * refill always walks); the waking of waiters. Nobody but a lane compares a record with an older
 * FREE one, so without threads records have no sequence.
 *
 * A configuration is a set of macros; tests/model/model.py has them, and the mutations, each the
 * protocol with one mistake. HARM_ONLY switches off the judges of mask and current, whose faults
 * are causes, so that a mutation must show the harm itself.
 */

#include "steps.pml"

#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef CORES
#define CORES 2
#endif
#ifndef CLIENTS
#define CLIENTS 3
#endif

#define NOBODY 0
#define CORE(core) (1 + (core))
#define THREAD(client) (4 + (client))
#define REVOKED 8
#define BURIED 9
#define IS_CORE(who) ((who) >= 1 && (who) <= CORES)
#define IS_THREAD(who) ((who) >= 5 && (who) <= 7)

/* A record: 0 is FREE, else the owner, and whether the lease covers the next slot too. */
#define PAIR 4
#define OWNER(r) ((r) & 3)
#define IS_PAIR(r) (((r) & PAIR) != 0)

/* The shared words. */
byte record[SLOTS];
byte mask;
byte holder;
byte holder_seen;          /* by whom the present word was seen */
bit current[CORES];        /* 1: the segment; 0: none */
byte current_seen[CORES];
#ifdef STEAL
byte asked[CORES];
#endif
#ifdef THREADS
byte record_seen[SLOTS];
byte taken_seen;           /* the holder word by which a lane has its mask is the present one */
#endif

/* Not in memory: what clients know, who is inside a section, who is dead, who is not idle. */
byte knows[SLOTS];
byte inside[CORES];
byte dead;
byte busy;

bit two_owners, mask_wrong, current_unheld, slot_lost, lease_lost;

#define COVERED(s) ((s) > 0 && IS_PAIR(record[(s) - 1]))
#define TAKEABLE(s) (record[s] == FREE && !COVERED(s))
#define BIT(s) (1 << (s))
#define HAS(bits, s) (((bits) & BIT(s)) != 0)
#define LOWEST(bits) (HAS(bits, 0) -> 0 : (HAS(bits, 1) -> 1 : 2))

#define BAD_BIT(s) (HAS(mask, s) && !TAKEABLE(s))
#define OWNER_OF(s) (COVERED(s) -> OWNER(record[(s) - 1]) : OWNER(record[s]))
#define LOST(s) (OWNER_OF(s) != 0 && knows[s] != OWNER_OF(s))
#define ROBBED(s) (knows[s] != 0 && knows[s] != OWNER_OF(s))

#if SLOTS == 2
#define ANY(what) (what(0) || what(1))
#else
#define ANY(what) (what(0) || what(1) || what(2))
#endif

/* After each store to a record, the mask, the holder or a core's current segment. */
#if CORES == 2
#define IS_UNHELD(core) (current[core] && holder != CORE(core) && holder != BURIED)
#define CURRENT_UNHELD (IS_UNHELD(0) || IS_UNHELD(1))
#else
#define CURRENT_UNHELD (current[0] && holder != CORE(0))
#endif
#ifdef HARM_ONLY
#define JUDGE skip
#else
#define JUDGE \
	mask_wrong = ANY(BAD_BIT) || \
		(mask != 0 && !IS_CORE(holder) && holder != BURIED); \
	assert(!mask_wrong); \
	current_unheld = CURRENT_UNHELD; \
	assert(!current_unheld)
#endif

/* Whenever a client becomes idle, and is the last. */
#define JUDGE_QUIET \
	if \
	:: busy == 0 -> \
		slot_lost = ANY(LOST); \
		assert(!slot_lost); \
		lease_lost = ANY(ROBBED); \
		assert(!lease_lost) \
	:: else \
	fi

#ifdef THREADS
#define CHANGE_RECORD(s) CHANGE(record_seen[s])
#define CHANGE_HOLDER CHANGE(holder_seen); CHANGE(taken_seen)
#else
#define CHANGE_RECORD(s) skip
#define CHANGE_HOLDER CHANGE(holder_seen)
#endif

/* The store that makes a lease of n slots from slot s: from here on the client knows. */
#define LEASE(s, n) \
	record[s] = me | ((n) == 2 -> PAIR : 0); \
	CHANGE_RECORD(s); \
	two_owners = knows[s] != 0 || ((n) == 2 && knows[(s) + 1] != 0); \
	assert(!two_owners); \
	knows[s] = me; \
	WHEN((n) == 2, knows[(s) + 1] = me)

/* The store that ends it: from here on its owner does not know it any more. */
#define TAKE_BACK(s, owner) \
	WHEN(IS_PAIR(record[s]) && knows[(s) + 1] == owner, knows[(s) + 1] = 0); \
	WHEN(knows[s] == owner, knows[s] = 0); \
	record[s] = FREE; \
	CHANGE_RECORD(s)
#define UNLEASE(s) TAKE_BACK(s, me)

#define FORGET \
	c = 0; i = 0; n = 0; m = 0; x = 0; \
	UNSEE(holder_seen); \
	FORGET_CURRENT; \
	FORGET_RECORDS
#if CORES == 2
#define FORGET_CURRENT \
	UNSEE(current_seen[0]); \
	UNSEE(current_seen[1])
#else
#define FORGET_CURRENT UNSEE(current_seen[0])
#endif
#ifdef THREADS
#define FORGET_RECORDS \
	UNSEE(record_seen[0]); \
	UNSEE(record_seen[1])
#else
#define FORGET_RECORDS skip
#endif

/* A client picks an operation and a core that it takes for its own; it can be any, since threads
 * are moved, but a client that keeps to one makes a smaller model. */
#ifdef EACH_ITS_CORE
#define CORE_OF(client) ((client) - 1)
#else
#define CORE_OF(client) ((client) == 3 -> CORES - 1 : 0)
#endif

#ifdef MIGRATE
#define PICK_CORE \
	if \
	:: c = 0 \
	:: c = 1 \
	fi
#else
#define PICK_CORE c = CORE_OF(me)
#endif

#define BEGIN busy++; PICK_CORE

/* What the first and the third client are. */
#ifndef FIRST
#define FIRST client
#endif
#ifndef LAST
#define LAST client
#endif

/* A smaller model kills only one of the clients: ONE_DIES is its number. */
#ifdef ONE_DIES
#define MAY_DIE (me == ONE_DIES)
#else
#define MAY_DIE true
#endif

#define CAN_GIVE(s) (knows[s] == me && OWNER(record[s]) == me)
#define BEGIN_GIVE(s) BEGIN; i = s; n = (IS_PAIR(record[s]) -> 3 : 1); goto giving

#include "cores.pml"
#ifdef THREADS
#include "lanes.pml"
#endif
#ifdef OFFLINE
#include "offline.pml"
#endif

proctype client(byte me)
{
	unsigned c : 1, i : 2, n : 2, m : 3, x : 4;

	/* Nothing is in the registers: a client that is idle has only the leases it knows of. */
idle:
	if
	:: rent()
	:: refill()
	:: adopt()
	:: relinquish()
#ifdef STEAL
	:: ask()
	:: answer()
#endif
#ifdef RUNS
	:: run_of_two()
#endif
#ifdef THREADS
	:: revoke()
#endif
#ifdef OFFLINE
	:: exhume()
#endif
	:: atomic { CAN_GIVE(0) -> BEGIN_GIVE(0) }
	:: atomic { CAN_GIVE(1) -> BEGIN_GIVE(1) }
#if SLOTS == 3
	:: atomic { CAN_GIVE(2) -> BEGIN_GIVE(2) }
#endif
	:: atomic { MAY_DIE -> busy++; goto dying }
	fi;
giving:
	give();
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
		dead = dead | ME
	}
	atomic {
		(dead & ME) == 0 ->
		busy--;
		JUDGE_QUIET;
		goto idle
	}
}

/*
 * The daemon: takes back what the dead had, one seat after the other, and only then is the seat
 * vacant. It is killed too, between any two steps; the next daemon finds out by the seat locks who
 * is dead and begins from the first record.
 */
#define KILLED atomic { true -> p = 0; i = 0; x = 0; UNSEE(holder_seen); goto begin }
#define DAEMON(what...) \
	if \
	:: atomic { true -> what } \
	:: KILLED \
	fi

active proctype daemon()
{
	unsigned p : 2, i : 2, x : 4;
	byte me = 0;

begin:
	atomic {
		dead != 0 ->
		if
		:: (dead & 2) != 0 -> p = 1
		:: (dead & 4) != 0 -> p = 2
		:: (dead & 8) != 0 -> p = 3
		fi
	}
#ifdef VACATE_FIRST
	DAEMON(dead = dead & ~BIT(p));
#endif
	do
	:: i < SLOTS ->
		/* load record */
		DAEMON(x = record[i]);
		/* compare-and-swap record */
		DAEMON(WHEN(OWNER(x) == p && record[i] == x, TAKE_BACK(i, p); JUDGE); x = 0; i++)
	:: else -> break
	od;
#ifdef THREADS
	/* load holder */
	DAEMON(x = holder; SEE(holder_seen));
	/* compare-and-swap holder */
	DAEMON(WHEN(x == THREAD(p) && SEEN(holder_seen), holder = NOBODY; CHANGE_HOLDER);
		x = 0; UNSEE(holder_seen));
#endif
	/* the seat is vacant */
	DAEMON(dead = dead & ~BIT(p); p = 0; i = 0);
	goto begin
}

init {
	atomic {
		run FIRST(1);
#ifdef THREADS
		run lane(2);
#else
		run client(2);
#endif
#if CLIENTS == 3
		run LAST(3)
#endif
	}
}
