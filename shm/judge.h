/* SPDX-License-Identifier: MIT */
#ifndef SHM_JUDGE_H
#define SHM_JUDGE_H

/*
 * The judge: walks an arena and names the first thing that is not as it must be. What it checks
 * holds at every moment, also while clients work, so it can be asked at any time.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/view.h"

/* Every rule, listed once: X(name, what must hold). */
#define THR_RULES(X)                                                                               \
	X(CONTROL, "control", "the control page begins with its magic number")                    \
	X(RECORD, "record", "a record is FREE, or has an owner")                                  \
	X(OWNER, "owner", "the owner of a lease has a seat in the roster")                        \
	X(SENDER, "sender", "a lease in transit was sent by a seat that exists, or by one gone")  \
	X(SINGLE, "single", "a lease in an openly claimed class covers one slot")                 \
	X(OVERRUN, "overrun", "a run ends within its segment")                                    \
	X(OVERLAP, "overlap", "no slot lies under two leases")                                    \
	X(MASK, "mask", "a mask holds only FREE slots that no lease covers")                      \
	X(UNHELD, "unheld", "the mask of a segment that no core holds is empty")                  \
	X(HOLDER, "holder", "a segment is held by nobody, by a core or by a thread that there is") \
	X(CURRENT, "current", "a core rents from a segment that it holds, or from none")

enum thr_rule {
	THR_RULE_NONE,
#define X(name, word, text) THR_RULE_##name,
	THR_RULES(X)
#undef X
};

struct thr_verdict {
	enum thr_rule rule; /* first broken one, or THR_RULE_NONE */
	uint32_t class_;
	struct slot_id slot;
	uint64_t record;
	uint64_t slots_seen;
};

/*
 * `roster`: client ids by seat, 1 to view->n_seats, as the daemon's own memory has them; `claims`:
 * enum thr_claim by class. A seat that is being reclaimed counts as occupied.
 */
struct thr_verdict thr_judge(const struct thr_view *view, const uint32_t *roster,
	const uint32_t *claims);

const char *thr_rule_name(enum thr_rule rule);
const char *thr_rule_text(enum thr_rule rule);

#endif
