/* SPDX-License-Identifier: MIT */
/*
 * Passing a lease from client to client: hand-over, accept, take-back, return; the daemon that
 * reclaims the seats of the dead and, after a grace time, what a dead sender never delivered.
 * Clients die anywhere, the daemon too, and a seat gets new tenants. How a client comes to its
 * lease is the matter of segment.pml; here it takes a FREE slot in one step.
 *
 * What must hold:
 *
 *   two_owners   nobody is given a slot that somebody else knows to be his
 *   slot_lost    when all is quiet and the dead are reclaimed, a LEASED slot is known to the living
 *                owner that the record names; for a PENDING one he has the ticket, or its sender
 *                is dead and the note says so, so that the grace time will end it
 *   lease_lost   then too, a slot that somebody knows to be his is his by the record
 *
 * The grace time has no length: what is undelivered is taken back at any moment after its sender's
 * death was noted, also while the receiver is about to accept.
 */

#define NO_SECTIONS
#define MAY_DIE true
#define BEGIN busy++
#include "steps.pml"

#ifndef SLOTS
#define SLOTS 1
#endif
#ifndef CLIENTS
#define CLIENTS 3
#endif

#define PENDING 4
#define LEASED_BY(r) ((r) < PENDING -> (r) : 0)
#define OWNER(r) ((r) & 3)
#define IS_PENDING(r) ((r) >= PENDING)

/* The shared words: 0 is FREE, 1 to 3 LEASED, 5 to 7 PENDING; the seat of who sent it. */
byte record[SLOTS];
byte record_seen[SLOTS];
byte note[SLOTS];

/* The roster, as bits: the seat has a tenant. A client id is seen as a word is (steps.pml): the
 * sender knows the tenant whose id it has. */
byte roster = 14;
byte tenant_seen[4];

/* Not in memory: what clients know, tickets that have been delivered, who is dead, not idle. */
byte knows[SLOTS];
byte ticket[SLOTS];
byte dead;
byte busy;

bit two_owners, slot_lost, lease_lost;

#define HAS_TENANT(seat) ((roster & (1 << (seat))) != 0)
#define IS_DEAD(client) ((dead & (1 << (client))) != 0)

/* A ticket holds the record's value: it is void once the record has changed. */
#define CHANGE_RECORD(s) CHANGE(record_seen[s]); ticket[s] = 0

#define LEASE(s) \
	record[s] = me; \
	CHANGE_RECORD(s); \
	two_owners = knows[s] != 0; \
	assert(!two_owners); \
	knows[s] = me

#define SET_FREE(s, owner) \
	knows[s] = (knows[s] == owner -> 0 : knows[s]); \
	record[s] = FREE; \
	CHANGE_RECORD(s)

#define QUIET_LOST(s) \
	((LEASED_BY(record[s]) != 0 && knows[s] != OWNER(record[s])) || \
	(IS_PENDING(record[s]) && ticket[s] != OWNER(record[s]) && note[s] != 0))
#define QUIET_ROBBED(s) (knows[s] != 0 && knows[s] != LEASED_BY(record[s]))
#if SLOTS == 1
#define ANY(what) what(0)
#else
#define ANY(what) (what(0) || what(1))
#endif

#define JUDGE_QUIET \
	if \
	:: busy == 0 -> \
		slot_lost = ANY(QUIET_LOST); \
		assert(!slot_lost); \
		lease_lost = ANY(QUIET_ROBBED); \
		assert(!lease_lost) \
	:: else \
	fi

#if SLOTS == 1
#define UNSEE_RECORDS UNSEE(record_seen[0])
#else
#define UNSEE_RECORDS UNSEE(record_seen[0]); UNSEE(record_seen[1])
#endif

/* On any slot. */
#if SLOTS == 1
#define PICK_SLOT i = 0
#else
#define PICK_SLOT \
	if \
	:: i = 0 \
	:: i = 1 \
	fi
#endif

#define PICK_RECEIVER \
	if \
	:: me != 1 -> to = 1 \
	:: me != 2 -> to = 2 \
	:: me != 3 && CLIENTS == 3 -> to = 3 \
	fi

inline rent()
{
	/* compare-and-swap record */
	BEGIN_STEP(PICK_SLOT; WHEN(record[i] != FREE, goto done); LEASE(i); goto done)
}

inline give()
{
	/* load record; still the token? */
	BEGIN_STEP(PICK_SLOT; WHEN(knows[i] != me || record[i] != me, goto done));
	/* store record */
	STEP(SET_FREE(i, me); goto done)
}

inline hand_over()
{
	/* load record, still the token? load the receiver's word of the roster; still the id? */
	BEGIN_STEP(PICK_SLOT; PICK_RECEIVER;
		WHEN(knows[i] != me || record[i] != me || !HAS_TENANT(to), goto done);
		SEE(tenant_seen[to]));
#ifdef NOTE_AFTER
	/* store record; store note */
	STEP(record[i] = PENDING + to; CHANGE_RECORD(i); knows[i] = 0; SEE(record_seen[i]));
	STEP(note[i] = me);
#else
	/* store note */
	STEP(note[i] = me);
	/* store record: from here on the receiver is the owner */
	STEP(record[i] = PENDING + to; CHANGE_RECORD(i); knows[i] = 0; SEE(record_seen[i]));
#endif
#ifndef NO_SECOND_LOOK
	/* load the receiver's word of the roster; still the id? */
	STEP(WHEN(SEEN(tenant_seen[to]), goto deliver));
#ifdef TAKE_BACK_STORE
	/* store record */
	STEP(LEASE(i); goto done);
#else
	/* compare-and-swap record; if it has changed, the receiver had it before it left */
	STEP(WHEN(SEEN(record_seen[i]), LEASE(i); goto done));
#endif
deliver:
#endif
	/* the application sends the ticket, by whatever channel it has */
	STEP(WHEN(SEEN(record_seen[i]) && SEEN(tenant_seen[to]) && !IS_DEAD(to), ticket[i] = to);
		goto done)
}

inline accept()
{
#ifdef ACCEPT_STORE
	/* load record; still the ticket's? */
	BEGIN_STEP(PICK_SLOT; WHEN(ticket[i] != me, goto done));
	/* store record */
	STEP(LEASE(i); goto done)
#else
	/* compare-and-swap record */
	BEGIN_STEP(PICK_SLOT; WHEN(ticket[i] != me, goto done); LEASE(i); goto done)
#endif
}

#define DROP_TICKET(s) ticket[s] = (ticket[s] == me -> 0 : ticket[s])

proctype client(byte me)
{
	unsigned i : 1, to : 2;

idle:
	if
	:: rent()
	:: give()
	:: hand_over()
	:: accept()
	:: atomic { true -> busy++; goto dying }
	fi;
done:
	atomic {
		UNSEE(tenant_seen[to]);
		UNSEE(record_seen[i]);
		i = 0;
		to = 0;
		busy--;
		JUDGE_QUIET;
		goto idle
	}
dying:
	atomic {
		UNSEE(tenant_seen[to]);
		UNSEE(record_seen[i]);
		i = 0;
		to = 0;
		DROP_TICKET(0);
#if SLOTS == 2
		DROP_TICKET(1);
#endif
		dead = dead | ME
	}
	/* The seat is vacant: the next tenant, with an id of its own, takes it. */
	atomic {
		!IS_DEAD(me) ->
		roster = roster | ME;
		busy--;
		JUDGE_QUIET;
		goto idle
	}
}

/*
 * The daemon, which may be killed between any two steps. It reclaims a dead client's seat: first
 * the roster, then the walk, then the seat is vacant. Or it looks for what is undelivered.
 */
#define KILLED atomic { true -> UNSEE_RECORDS; p = 0; i = 0; x = 0; goto begin }
#define DAEMON(what...) \
	if \
	:: atomic { true -> what } \
	:: KILLED \
	fi
#ifdef RECLAIM_STORE
#define UNCHANGED true
#else
#define UNCHANGED SEEN(record_seen[i])
#endif
#ifdef IGNORE_PENDING
#define IS_OF_THE_DEAD (LEASED_BY(x) == p)
#else
#define IS_OF_THE_DEAD (OWNER(x) == p)
#endif
#define CLEAR_ROSTER roster = roster & ~(1 << p); CHANGE(tenant_seen[p])

active proctype daemon()
{
	unsigned p : 2, i : 2, x : 3;
	byte me = 0;

begin:
	if
	:: atomic { dead != 0 ->
		if
		:: IS_DEAD(1) -> p = 1
		:: IS_DEAD(2) -> p = 2
		:: IS_DEAD(3) -> p = 3
		fi }
	/* load record */
	:: atomic { IS_PENDING(record[0]) -> SEE(record_seen[0]); goto undelivered }
#if SLOTS == 2
	:: atomic { IS_PENDING(record[1]) -> i = 1; SEE(record_seen[1]); goto undelivered }
#endif
	fi;
#ifndef WALK_FIRST
	/* store to the roster; then a barrier */
	DAEMON(CLEAR_ROSTER);
#endif
	do
	:: i < SLOTS ->
again:
		/* load record */
		DAEMON(x = record[i]; SEE(record_seen[i]));
		if
		:: x != FREE && IS_OF_THE_DEAD ->
			/* compare-and-swap record; if it has changed, look at it again */
			DAEMON(x = 0; WHEN(!UNCHANGED, goto again); SET_FREE(i, p))
		:: IS_PENDING(x) && !IS_OF_THE_DEAD ->
#ifndef NOTE_STAYS
			/* compare-and-swap note */
			DAEMON(WHEN(note[i] == p, note[i] = 0))
#endif
		:: else
		fi;
		atomic { UNSEE(record_seen[i]); x = 0; i++ }
	:: else -> break
	od;
#ifdef WALK_FIRST
	DAEMON(CLEAR_ROSTER);
#endif
	/* the seat is vacant */
	DAEMON(dead = dead & ~(1 << p); p = 0; i = 0);
	goto begin;

undelivered:
	/* load note */
	DAEMON(WHEN(note[i] != 0, UNSEE(record_seen[i]); i = 0; goto begin));
	/* compare-and-swap record */
	DAEMON(WHEN(UNCHANGED, SET_FREE(i, OWNER(record[i]))); UNSEE(record_seen[i]); i = 0);
	goto begin
}

init {
	atomic {
		run client(1);
		run client(2);
#if CLIENTS == 3
		run client(3)
#endif
	}
}
