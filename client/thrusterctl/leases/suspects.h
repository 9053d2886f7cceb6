/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_LEASES_SUSPECTS_H
#define CLIENT_THRUSTERCTL_LEASES_SUSPECTS_H

/*
 * Which leases look forgotten. A lease that is older than a minute is a suspect if it is
 *
 *   old        older than ten times the median age of its class's leases, of which there are at
 *              least three; or
 *   gathered   one of at least eight that its client has of the class, and that began all along:
 *              of the four quarters of the time since the client attached, ten minutes or more,
 *              each has left at least an eighth of them.
 *
 * The first finds what was forgotten among leases that come and go. It is blind to a client that
 * forgets them all, whose median is old as well; that one is found by the second. A program that
 * takes what it needs at its start, or holds leases for long but not for ever, is neither.
 */

#include <stddef.h>
#include <stdint.h>

#define SUSPECT_AGE_NS 60000000000ull
#define SUSPECT_TIMES 10u
#define SUSPECT_CLASS_LEASES 3u
#define SUSPECT_GATHERED 8u
#define SUSPECT_GATHERING_NS 600000000000ull

enum suspicion { SUSPICION_NONE, SUSPICION_OLD, SUSPICION_GATHERED };

struct suspect_lease {
	const char *arena;
	uint32_t class_;
	uint32_t client_id;   /* 0 = nobody's */
	uint64_t age_ns;
	uint64_t attached_ns; /* for how long its client has been there, 0 = not known */
	void *tag;            /* the caller's */

	/* Found by suspects_find(): */
	enum suspicion suspicion;
	uint64_t median_ns;   /* of the ages of its class */
	size_t gathered;      /* how many, if SUSPICION_GATHERED */
};

/*
 * Judge n leases, and sort them: suspects first, then the oldest. `cut_ns` is 0 if these are all
 * leases that there are, else leases younger than that are not among them.
 */
void suspects_find(struct suspect_lease *leases, size_t n, uint64_t cut_ns);

#endif
