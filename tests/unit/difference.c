/* SPDX-License-Identifier: MIT */
/* What happened between two answers of thrusterctl. */

#include <criterion/criterion.h>
#include "client/thrusterctl/trace/difference.h"

static void must_be(const char *before, const char *after, const char *wanted)
{
	json_t *b = json_loads(before, JSON_DECODE_ANY, NULL);
	json_t *a = json_loads(after, JSON_DECODE_ANY, NULL);
	json_t *w = json_loads(wanted, JSON_DECODE_ANY, NULL);
	json_t *is = difference_new(b, a);
	char *text = json_dumps(is, JSON_ENCODE_ANY | JSON_SORT_KEYS);

	cr_assert(b && a && w, "the test's own JSON");
	cr_assert(json_equal(is, w), "%s", text);
	free(text);
	json_decref(b);
	json_decref(a);
	json_decref(w);
	json_decref(is);
}

Test(difference, counts_are_subtracted_and_states_are_not)
{
	must_be("{\"rents_total\": 10, \"free\": 5, \"name\": \"x\"}",
		"{\"rents_total\": 17, \"free\": 3, \"name\": \"y\"}",
		"{\"rents_total\": 7, \"free\": 3, \"name\": \"y\"}");
}

/* The daemon was replaced meanwhile: there is nothing to subtract. */
Test(difference, what_began_anew_counts_from_nothing)
{
	must_be("{\"rents_total\": 10}", "{\"rents_total\": 3}", "{\"rents_total\": 3}");
	must_be("{}", "{\"rents_total\": 3}", "{\"rents_total\": 3}");
	must_be("[]", "[{\"id\": 1, \"waits_total\": 2}]", "[{\"id\": 1, \"waits_total\": 2}]");
}

Test(difference, members_are_matched_by_what_names_them)
{
	must_be("[{\"id\": 1, \"waits_total\": 5}, {\"id\": 2, \"waits_total\": 7}]",
		"[{\"id\": 2, \"waits_total\": 9}, {\"id\": 3, \"waits_total\": 1}]",
		"[{\"id\": 2, \"waits_total\": 2}, {\"id\": 3, \"waits_total\": 1}]");
	must_be("[{\"from\": 0, \"to\": 1, \"segments\": 5}]",
		"[{\"to\": 1, \"segments\": 2}, {\"from\": 0, \"to\": 1, \"segments\": 6}]",
		"[{\"to\": 1, \"segments\": 2}, {\"from\": 0, \"to\": 1, \"segments\": 1}]");
}

Test(difference, histograms)
{
	must_be("{\"unit\": \"ns\", \"count\": 3, \"sum\": 100, \"max\": 90, \"buckets\":"
		" [{\"le\": 8, \"count\": 2}, {\"le\": 128, \"count\": 1}]}",
		"{\"unit\": \"ns\", \"count\": 5, \"sum\": 140, \"max\": 90, \"buckets\":"
		" [{\"le\": 8, \"count\": 3}, {\"le\": 32, \"count\": 1},"
		" {\"le\": 128, \"count\": 1}]}",
		"{\"unit\": \"ns\", \"count\": 2, \"sum\": 40, \"max\": 32, \"buckets\":"
		" [{\"le\": 8, \"count\": 1}, {\"le\": 32, \"count\": 1}]}");
	must_be("{\"count\": 1, \"max\": 7, \"buckets\": [{\"le\": 8, \"count\": 1}]}",
		"{\"count\": 1, \"max\": 7, \"buckets\": [{\"le\": 8, \"count\": 1}]}",
		"{\"count\": 0, \"max\": 0, \"buckets\": []}");
}
