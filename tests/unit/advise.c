/* SPDX-License-Identifier: MIT */
/* How many slots are advised, from figures made up for it; and that the reasons are told. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/advise/class.h"
#include "shm/geometry.h"

static const struct advise_terms terms = { .headroom = 25, .seconds_least = 60 };

/* An open class on four cores after a long run. */
static const struct advise_figures open_class = { .slots = 100, .peak = 10, .rents = 100000,
	.cores = 4, .cores_used = 2, .seconds = 3600 };

/* A core class there. */
static const struct advise_figures core_class = { .slots = 2048, .peak = 100, .rents = 100000,
	.cores = 4, .cores_used = 2, .seconds = 3600, .is_core = true };

static void expect(const struct advise_figures *f, uint64_t slots, const char *words)
{
	struct advise a = advise_class(f, &terms);
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	advise_tell(to, f, &terms, &a);
	fclose(to);
	cr_expect_eq(a.slots, slots, "%lu, not %lu: %s", (unsigned long)a.slots,
		(unsigned long)slots, text);
	cr_expect(strstr(text, words), "\"%s\" is not in: %s", words, text);
	free(text);
}

#define EXPECT(base, slots, words, ...)                                                            \
	do {                                                                                       \
		struct advise_figures f = base;                                                    \
		__VA_ARGS__;                                                                       \
		expect(&f, slots, words);                                                          \
	} while (0)

Test(advise, the_peak_and_a_quarter_rounded_up)
{
	EXPECT(open_class, 13, "At most 10 of 100 were leased at any sample: these and 25 %.");
	EXPECT(open_class, 15, "12 of 100", f.peak = 12);
	EXPECT(open_class, 24, "13 of 100", f.peak = 13);
	EXPECT(open_class, 64, "51 of 100", f.peak = 51);
	EXPECT(open_class, 128, "100 of 100", f.peak = 100);
	EXPECT(open_class, 102, "80 of 102", f.peak = 80, f.slots = 102);
	EXPECT(core_class, 256, "100 of 2048");
	EXPECT(core_class, 1280, "1024 of 2048", f.peak = 1024);
}

Test(advise, a_class_that_was_never_used_is_left)
{
	EXPECT(open_class, 100, "Never used: it could have fewer, or go", f.rents = 0, f.peak = 0);
	EXPECT(core_class, 2048, "Never used", f.rents = 0, f.peak = 0, f.seconds = 1);
}

Test(advise, after_a_short_run_nothing_is_made_smaller)
{
	EXPECT(open_class, 100, "Not made smaller: 59 s and 100000 rents", f.seconds = 59);
	EXPECT(open_class, 100, "Not made smaller: 3600 s and 99 rents", f.rents = 99);
	EXPECT(open_class, 13, "10 of 100", f.seconds = 60, f.rents = 100);
	EXPECT(open_class, 120, "95 of 100", f.seconds = 1, f.peak = 95);
}

Test(advise, who_waited_gets_a_slot)
{
	EXPECT(open_class, 56, "up to 32 waited at once: all slots, these and 25 %.", f.slots = 8,
		f.peak = 8, f.exhausted = 99, f.knows_waiters = true, f.waiters_peak = 32);
	EXPECT(open_class, 56, "Found full 1 times", f.slots = 8, f.peak = 8, f.exhausted = 1,
		f.seconds = 1, f.knows_waiters = true, f.waiters_peak = 32);
}

Test(advise, unknown_demand_doubles)
{
	EXPECT(open_class, 16, "a second run is needed", f.slots = 8, f.peak = 8, f.exhausted = 5);
	EXPECT(open_class, 16, "a second run is needed", f.slots = 8, f.peak = 8, f.exhausted = 5,
		f.knows_waiters = true);
	EXPECT(open_class, 2, "a second run is needed", f.slots = 1, f.peak = 1, f.exhausted = 5,
		f.cores_used = 1, f.seconds = 1, f.rents = 1);
}

/* Many short leases of which no sample saw any. */
Test(advise, a_slot_for_each_core)
{
	EXPECT(open_class, 2, "One at least for each core that rented here.", f.peak = 0);
}

Test(advise, a_segment_for_each_core)
{
	EXPECT(core_class, 256, "it would become an open class, which has no runs", f.peak = 1);
	EXPECT(core_class, 200, "it would become an open class", f.peak = 1, f.slots = 200,
		f.rents = 5);
	EXPECT(core_class, 128, "A core holds whole segments of 64, and 2 cores rented here",
		f.cores = 2, f.slots = 65, f.peak = 1);
	EXPECT(core_class, 2, "At most 1 of 8", f.cores = 1, f.cores_used = 1, f.slots = 8,
		f.peak = 1);
	EXPECT(open_class, 256, "With so many it becomes a core class. A core holds",
		f.slots = 100, f.peak = 100, f.exhausted = 1, f.cores_used = 4);
}

Test(advise, what_other_cores_held_back)
{
	EXPECT(core_class, 512, "four segments of 64, which a core may hold, for each of 2 cores",
		f.is_held_back = true);
	EXPECT(open_class, 13, "10 of 100", f.is_held_back = true);
	EXPECT(core_class, 256, "100 of 2048", f.is_held_back = true, f.cores_used = 1);
}

Test(advise, runs_and_spills_are_told)
{
	EXPECT(core_class, 256, "12 leases have 48 slots now: for runs, a class of larger slots",
		f.leases = 12, f.leased = 48);
	EXPECT(open_class, 13, "Smaller classes were full", f.is_spilt_into = true);
}

Test(advise, nobodys_word_breaks_it)
{
	EXPECT(open_class, GEOMETRY_SLOTS_MAX, "No class can have more.", f.exhausted = 1,
		f.knows_waiters = true, f.waiters_peak = INT64_MAX);
	EXPECT(core_class, GEOMETRY_SLOTS_MAX, "No class can have more.",
		f.slots = GEOMETRY_SLOTS_MAX, f.exhausted = INT64_MAX);
}
