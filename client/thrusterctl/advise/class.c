/* SPDX-License-Identifier: MIT */
/* Each step is a sentence of the reasoning, and is told by the same name. */

#include <inttypes.h>
#include "client/thrusterctl/advise/class.h"
#include "shm/abi.h"
#include "shm/geometry.h"

#define SEGMENT THR_SEGMENT_SLOTS
#define HELD (THR_SEGMENT_SLOTS * THR_CORE_HELD_MAX)

static uint64_t at_least(uint64_t slots, uint64_t least, bool *ret_is_raised)
{
	*ret_is_raised = slots < least;
	return slots < least ? least : slots;
}

static uint64_t with_headroom(uint64_t slots, unsigned percent)
{
	return slots + (slots * percent + 99) / 100;
}

static bool would_be_core(uint64_t slots, uint32_t cores)
{
	return (slots + SEGMENT - 1) / SEGMENT >= cores;
}

/* A few are counted; many are some more or less, in a core class by whole segments. */
static uint64_t rounded(uint64_t slots, const struct advise_figures *f)
{
	uint64_t unit = slots <= 16 ? 1 : 8, up;

	if (slots > SEGMENT && would_be_core(slots, f->cores))
		unit = SEGMENT;
	up = (slots + unit - 1) / unit * unit;
	/* No reason to have more than there are. */
	return slots <= f->slots && up > f->slots ? f->slots : up;
}

/* What was wanted, known or guessed. */
static uint64_t wanted(const struct advise_figures *f, unsigned headroom, enum advise_reason *ret)
{
	/* The waiters are the clients' word, and may be anything. */
	uint64_t waiters = f->waiters_peak < GEOMETRY_SLOTS_MAX ? f->waiters_peak
								: GEOMETRY_SLOTS_MAX;

	if (f->exhausted && f->knows_waiters && waiters) {
		*ret = ADVISE_WAITED;
		return with_headroom(f->slots + waiters, headroom);
	}
	if (f->exhausted) {
		*ret = ADVISE_DOUBLED;
		return 2 * f->slots;
	}
	*ret = f->rents ? ADVISE_FITS : ADVISE_UNUSED;
	return f->rents ? with_headroom(f->peak, headroom) : f->slots;
}

/* What cores that rent from it at the same time need, beyond what is leased. */
static void heed_cores(struct advise *a, const struct advise_figures *f)
{
	uint64_t border = (uint64_t)SEGMENT * (f->cores - 1) + 1;

	if (f->is_core && a->reason == ADVISE_FITS)
		a->slots = at_least(
			a->slots, border < f->slots ? border : f->slots, &a->is_by_border);
	if (!would_be_core(a->slots, f->cores) || f->cores_used < 2)
		return;
	a->slots = at_least(a->slots, (uint64_t)SEGMENT * f->cores_used, &a->is_by_segments);
	if (f->is_held_back)
		a->slots = at_least(a->slots, (uint64_t)HELD * f->cores_used, &a->is_by_hold);
}

struct advise advise_class(const struct advise_figures *f, const struct advise_terms *terms)
{
	bool is_short = f->seconds < terms->seconds_least || f->rents < ADVISE_RENTS_LEAST;
	struct advise a = { .slots = 0 };

	a.slots = wanted(f, terms->headroom, &a.reason);
	if (a.reason == ADVISE_UNUSED)
		return a;
	a.slots = at_least(a.slots, f->cores_used ? f->cores_used : 1, &a.is_by_cores);
	heed_cores(&a, f);
	a.slots = rounded(a.slots, f);
	if (is_short && a.reason == ADVISE_FITS)
		a.slots = at_least(a.slots, f->slots, &a.is_short);
	a.is_cut = a.slots > GEOMETRY_SLOTS_MAX;
	if (a.is_cut)
		a.slots = GEOMETRY_SLOTS_MAX;
	a.is_core_anew = !f->is_core && would_be_core(a.slots, f->cores);
	return a;
}

static void tell_reason(FILE *to, const struct advise_figures *f, const struct advise_terms *terms,
	enum advise_reason reason)
{
	switch (reason) {
	case ADVISE_UNUSED:
		fprintf(to, "Never used: it could have fewer, or go; left as it is.");
		break;
	case ADVISE_FITS:
		fprintf(to, "At most %" PRIu64 " of %" PRIu64
			" were leased at any sample: these and %u %%.", f->peak, f->slots,
			terms->headroom);
		break;
	case ADVISE_WAITED:
		fprintf(to, "Found full %" PRIu64 " times, and up to %" PRIu64
			" waited at once: all slots, these and %u %%.", f->exhausted,
			f->waiters_peak, terms->headroom);
		break;
	case ADVISE_DOUBLED:
		fprintf(to, "Found full %" PRIu64 " times, and how much more was wanted is not "
			"known: twice as many, and a second run is needed.", f->exhausted);
		break;
	}
}

static void tell_cores(FILE *to, const struct advise_figures *f, const struct advise *advise)
{
	if (advise->is_short)
		return; /* it has more than all these */
	if (advise->is_by_cores && !advise->is_by_border && !advise->is_by_segments)
		fprintf(to, " One at least for each core that rented here.");
	if (advise->is_by_border)
		fprintf(to, " With fewer it would become an open class, which has no runs.");
	if (advise->is_core_anew)
		fprintf(to, " With so many it becomes a core class.");
	if (advise->is_by_hold)
		fprintf(to, " Rents failed or waited while slots were free in the hands of other "
			"cores: four segments of %u, which a core may hold, for each of %u cores.",
			SEGMENT, f->cores_used);
	else if (advise->is_by_segments)
		fprintf(to, " A core holds whole segments of %u, and %u cores rented here: one for "
			"each.", SEGMENT, f->cores_used);
}

void advise_tell(FILE *to, const struct advise_figures *f, const struct advise_terms *terms,
	const struct advise *advise)
{
	tell_reason(to, f, terms, advise->reason);
	tell_cores(to, f, advise);
	if (f->is_spilt_into && f->rents)
		fprintf(to, " Smaller classes were full, and part of this may be what they had "
			"not.");
	if (f->leased > f->leases)
		fprintf(to, " %" PRIu64 " leases have %" PRIu64
			" slots now: for runs, a class of larger slots would do with one each.",
			f->leases, f->leased);
	if (advise->is_short)
		fprintf(to, " Not made smaller: %" PRIu64 " s and %" PRIu64
			" rents are too little to judge by.", f->seconds, f->rents);
	if (advise->is_cut)
		fprintf(to, " No class can have more.");
}
