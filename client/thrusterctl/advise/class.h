/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_ADVISE_CLASS_H
#define CLIENT_THRUSTERCTL_ADVISE_CLASS_H

/*
 * How many slots a class should have had. Pure: from the figures of a run to a number and the
 * reasons for it.
 *
 *   never rented from       as it is
 *   never full              the peak and the headroom
 *   full, somebody waited   slots, the most that waited at once, and the headroom
 *   full, nobody waited     twice as many: what was wanted and not had is not known
 *
 * Then, as little as it may be: a slot for each core that rents; a core class from which several
 * cores rent has a segment for each of them, and one that is a core class now stays one, because an
 * open class has no runs. It is rounded up. After a short run nothing is made smaller.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define ADVISE_RENTS_LEAST 100u

struct advise_figures {
	uint64_t slots, peak, exhausted, rents;
	bool knows_waiters;
	uint64_t waiters_peak;   /* most that waited at once */
	uint64_t leased, leases; /* slots and leases now: more slots are runs */
	bool is_core;            /* class, as it is now */
	uint32_t cores;          /* of the machine */
	uint32_t cores_used;     /* on which something was rented */
	bool is_held_back;       /* rents failed or waited although slots were free */
	bool is_spilt_into;      /* a smaller class was full, and may have had its rents here */
	uint64_t seconds;        /* that the run lasted */
};

struct advise_terms {
	unsigned headroom; /* percent */
	uint64_t seconds_least;
};

enum advise_reason { ADVISE_UNUSED, ADVISE_FITS, ADVISE_WAITED, ADVISE_DOUBLED };

struct advise {
	uint64_t slots;
	enum advise_reason reason;
	bool is_by_cores;     /* a slot for each core that rents */
	bool is_short;        /* so it was not made smaller */
	bool is_by_segments;  /* a segment for each core that rents */
	bool is_by_hold;      /* four for each, which a core may hold */
	bool is_by_border;    /* fewer would make it an open class */
	bool is_core_anew;    /* it becomes a core class */
	bool is_cut;          /* more than a class may have */
};

struct advise advise_class(const struct advise_figures *figures, const struct advise_terms *terms);

/* The reasons, in sentences, without a newline. */
void advise_tell(FILE *to, const struct advise_figures *figures, const struct advise_terms *terms,
	const struct advise *advise);

#endif
