/* SPDX-License-Identifier: MIT */
/*
 * How a client is made of steps. A step is one instruction that reaches shared memory; what a
 * client does in its registers goes with the step before or after it, since nobody can see it.
 *
 * Between any two steps a client may be killed: DIE is an alternative of every step. A dead client
 * keeps nothing in its registers and waits until the daemon has vacated its seat; then the next
 * tenant of the seat begins. So clients die without end, and no run of the model is over.
 *
 * A restartable section ends for whoever is inside as soon as another enters a section on the same
 * core: that core then runs another thread, and the kernel has sent the first to its abort handler.
 * It may end before for reasons of its own (a signal, another thread that enters no section). So
 * inside a section each step has a third alternative, the abort handler.
 *
 * A thread that is not inside a section can be on any core, wherever it was when it looked: it may
 * be moved at any moment. So the plain C between sections needs no place. Only to enter a section
 * of core c must a thread be there; if it is not, the check of cpu_id fails, and that is an abort
 * before anything has happened.
 *
 * Memory is sequentially consistent here. Which order on real processors each step needs is told in
 * docs/memory-orders.md and tried by the race tests.
 *
 * Versions, sequences, hops and stamps are numbers in the real words, made so that a word's value
 * never comes back. Here a bit for each client says the same: it is set when the client loads the
 * word, and whoever changes the word clears the bits of all. To compare the word with what was
 * loaded is to look whether one's bit is still there. It is exact, needs no bound on the numbers,
 * and leaves out only that they wrap.
 */

#define FREE 0
#define ME (1 << me)

#define SEEN(seen) ((seen & ME) != 0)
#define SEE(seen) seen = seen | ME
#define UNSEE(seen) seen = seen & ~ME
#define CHANGE(seen) seen = 0

#define DIE atomic { MAY_DIE -> LEAVE; goto dying }

/* One instruction of plain C. */
#define STEP(what...) \
	if \
	:: atomic { true -> what } \
	:: DIE \
	fi

/* The first instruction of a section of core c: the check of cpu_id, and a load. */
#ifdef OFFLINE
#define IS_ON(core) ((core) == 0 || online)
#define ENTER(what...) \
	if \
	:: atomic { IS_ON(c) -> inside[c] = me; what } \
	:: atomic { !IS_ON(c) -> goto done } \
	:: DIE \
	fi
#else
#define IS_ON(core) true
#define ENTER(what...) \
	if \
	:: atomic { inside[c] = me; what } \
	:: DIE \
	fi
#endif

/* The same as the first of an operation: here the client stops being idle. */
#define BEGIN_STEP(what...) atomic { BEGIN; what }
#define BEGIN_ENTER(what...) atomic { BEGIN; WHEN(!IS_ON(c), goto done); inside[c] = me; what }

/* A further instruction of it, and where its abort handler goes on. */
#define INSIDE_OR(handler, what...) \
	if \
	:: atomic { inside[c] == me -> what } \
	:: atomic { LEAVE; goto handler } \
	:: DIE \
	fi

/* As most do: the operation has come to nothing, and may be begun anew. */
#define INSIDE(what...) INSIDE_OR(done, what)

#ifdef NO_SECTIONS
#define LEAVE skip
#else
#define LEAVE inside[c] = (inside[c] == me -> 0 : inside[c])
#endif

/* if (condition) what */
#define WHEN(condition, what...) \
	if \
	:: condition -> what \
	:: else \
	fi
