/* SPDX-License-Identifier: MIT */
/* The tables of thrusterctl top, without a screen: what is in them, and in which order. */

#include "tests/unit/top.h"

TestSuite(top, .fini = clean_up, .timeout = 60);

/* A client: name of the label, exhausted, and what else one likes to say. */
static const char *client(unsigned id, unsigned pid, const char *label, unsigned exhausted,
	const char *more)
{
	static char text[8][512];
	static unsigned n;

	n = (n + 1) % 8;
	snprintf(text[n], sizeof(text[0]),
		"{'id': %u, 'pid': %u, 'label': '%s', 'leased': %u, 'leased_bytes': %u,"
		" 'exhausted_total': %u%s}", id, pid, label, id, id * 100, exhausted, more);
	return text[n];
}

static void push_clients(unsigned ms, const char *a, const char *b, const char *c)
{
	char arenas[4096];

	snprintf(arenas, sizeof(arenas),
		"{'name': 'first', 'id': 1, 'classes': [{'slot_bytes': 64}, {'slot_bytes': 128}],"
		" 'clients': [%s, %s]},"
		"{'name': 'Second', 'id': 2, 'classes': [{'slot_bytes': 256}], 'clients': [%s]}",
		a, b, c);
	push(ms, 1, arenas);
}

Test(top, what_is_not_told_is_not_known)
{
	push_clients(1000, client(1, 10, "x", 0, ""), client(2, 20, "y", 0, ""),
		client(3, 30, "z", 0, ""));
	make(TOP_CLIENTS);
	cr_expect_str_eq(cell(0, "WAIT%"), "-");
	cr_expect_str_eq(cell(0, "WAITERS"), "-");
	cr_expect_str_eq(cell(0, "AGE"), "-");
	make(TOP_CLASSES);
	cr_expect_str_eq(cell(0, "AVGWAIT"), "-");
	make(TOP_CLASS_CORES);
	cr_expect_eq(n_rows, 0);
	make(TOP_EBPF_CORES);
	cr_expect_eq(n_rows, 0);
}

Test(top, waits)
{
	push_clients(1000, client(1, 10, "x", 0, ", 'wait_ns_total': 500, 'wait_max_ns': 400"),
		client(2, 20, "y", 0, ""), client(3, 30, "z", 0, ", 'attached_realtime_ns': 5"));
	push_clients(3000,
		client(1, 10, "x", 9, ", 'wait_ns_total': 3000000500, 'wait_max_ns': 1234567,"
				      " 'waiters': 4"),
		client(2, 20, "y", 0, ", 'wait_ns_total': 70"),
		client(3, 30, "z", 9, ", 'attached_realtime_ns': 6"));
	make(TOP_CLIENTS);
	cr_expect_str_eq(cell(0, "WAIT%"), "150%");
	cr_expect_str_eq(cell(0, "EXH/S"), "4.5");
	cr_expect_str_eq(cell(0, "WAITERS"), "4");
	cr_expect_str_eq(cell(0, "MAXWAIT"), "1.23ms");
	cr_expect_str_eq(cell(1, "WAIT%"), "-", "it was not known before");
	cr_expect_str_eq(cell(2, "EXH/S"), "-", "another client, though of the same id");
}

static void order(const char *title, bool is_descending, const char *a, const char *b,
	const char *c)
{
	choice.sort = column_of(title);
	choice.is_descending = is_descending;
	make(TOP_CLIENTS);
	cr_assert_eq(n_rows, 3);
	cr_expect_str_eq(cell(0, "LABEL"), a, "%s", title);
	cr_expect_str_eq(cell(1, "LABEL"), b, "%s", title);
	cr_expect_str_eq(cell(2, "LABEL"), c, "%s", title);
}

Test(top, order)
{
	push_clients(1000, client(1, 30, "b", 0, ""), client(2, 20, "c", 0, ""),
		client(3, 10, "a", 0, ""));
	push_clients(2000, client(1, 30, "b", 5, ""), client(2, 20, "c", 7, ", 'waiters': 2"),
		client(3, 10, "a", 6, ", 'waiters': 2"));
	make(TOP_CLIENTS);
	order("ID", false, "b", "c", "a");
	order("ID", true, "a", "c", "b");
	order("PID", false, "a", "c", "b");
	order("LABEL", false, "a", "b", "c");
	order("LABEL", true, "c", "b", "a");
	order("EXH/S", true, "c", "a", "b");
	order("EXH/S", false, "b", "a", "c");
	order("ARENA", false, "a", "b", "c");
	/* Unknown comes last both ways, and equals stay as they were. */
	order("WAITERS", true, "c", "a", "b");
	order("WAITERS", false, "c", "a", "b");
}

Test(top, groups_stay_together)
{
	push_clients(1000, client(1, 1, "x", 0, ""), client(2, 2, "y", 0, ""),
		client(3, 3, "z", 0, ""));
	choice = (struct top_choice){ .filter = "", .is_descending = true };
	make(TOP_CLASSES);
	cr_assert_eq(n_rows, 3);
	cr_expect_str_eq(cell(0, "CLASS"), "128");
	cr_expect_str_eq(cell(1, "CLASS"), "64");
	cr_expect_str_eq(cell(2, "CLASS"), "256");
}

static size_t matches(const char *filter, enum top_source source)
{
	choice = (struct top_choice){ .filter = filter };
	make(source);
	return n_rows;
}

Test(top, filter)
{
	push_clients(1000, client(1, 4711, "Proxy", 0, ""), client(2, 20, "worker", 0, ""),
		client(3, 4712, "worker", 0, ""));
	cr_expect_eq(matches("", TOP_CLIENTS), 3);
	cr_expect_eq(matches("WORK", TOP_CLIENTS), 2);
	cr_expect_eq(matches("4711", TOP_CLIENTS), 1);
	cr_expect_eq(matches("471", TOP_CLIENTS), 2);
	cr_expect_eq(matches("second", TOP_CLIENTS), 1);
	cr_expect_str_eq(cell(0, "PID"), "4712");
	cr_expect_eq(matches("irs", TOP_CLIENTS), 2);
	cr_expect_eq(matches("nobody", TOP_CLIENTS), 0);
	/* What is of no client: of the arenas that match, or that one who matches uses. */
	cr_expect_eq(matches("second", TOP_CLASSES), 1);
	cr_expect_eq(matches("proxy", TOP_CLASSES), 2);
	cr_expect_eq(matches("worker", TOP_CLASSES), 3);
	cr_expect_eq(matches("nobody", TOP_CLASSES), 0);
	choice = (struct top_choice){ .filter = "worker", .arena = "first" };
	make(TOP_CLIENTS);
	cr_expect_eq(n_rows, 1);
	cr_expect_eq(top_totals_make(&samples, "first").clients, 2);
	cr_expect_eq(top_totals_make(&samples, NULL).clients, 3);
}

/* A core of two classes; the numbers are told apart by their digits. */
static void push_cores(unsigned ms, unsigned k)
{
	char arenas[2048];

	snprintf(arenas, sizeof(arenas),
		"{'name': 'a', 'id': 1, 'clients': [], 'classes': ["
		" {'slot_bytes': 64, 'cores': [{'core': 3, 'leased': 1, 'rents_total': %u,"
		"  'local_returns_total': %u, 'remote_returns_total': %u,"
		"  'waits': {'count': %u, 'sum': %u, 'max': 7}}]},"
		" {'slot_bytes': 128, 'cores': [{'core': 2, 'leased': 5, 'rents_total': 0},"
		"  {'core': 3, 'leased': 20, 'rents_total': %u,"
		"  'local_returns_total': 0, 'remote_returns_total': 0,"
		"  'waits': {'count': 0, 'sum': 0, 'max': 9}}]}]}",
		k, 3 * k, k, 2 * k, 8000 * k, 10 * k);
	push(ms, 1, arenas);
}

Test(top, cores_of_all_classes_are_added_up)
{
	push_cores(1000, 1);
	push_cores(2000, 11);
	make(TOP_CORES);
	cr_assert_eq(n_rows, 2);
	cr_expect_str_eq(cell(0, "CORE"), "2");
	cr_expect_str_eq(cell(1, "CORE"), "3");
	must_be(value(1, "LEASED"), 21);
	must_be(value(1, "RENTS/S"), 110);
	must_be(value(1, "REMOTE"), 25);
	must_be(value(1, "WAITS/S"), 20);
	cr_expect_str_eq(cell(1, "AVGWAIT"), "4.00us");
	must_be(top_number(rows[1].now, "waits.max"), 9);
	cr_expect(isnan(value(0, "REMOTE")));
	make(TOP_CLASS_CORES);
	cr_assert_eq(n_rows, 3);
	must_be(value(2, "RENTS/S"), 100);
	must_be(value(2, "LEASED"), 20);
}

static void push_ebpf(unsigned ms, unsigned since, unsigned k)
{
	top_samples_push(&samples,
		json("{'timestamp_monotonic_ns': %u000000, 'daemon': {},"
		     " 'arenas': [{'name': 'a', 'id': 5, 'classes': [{'slot_bytes': 64,"
		     "  'cores': [{'core': 0}]}], 'clients': [{'pid': 77, 'label': 'me'}]}],"
		     " 'contention': {'ebpf': {'state': 'attached', 'since_realtime_ns': %u},"
		     "  'arenas': [{'id': 5, 'classes': [{'class': 0, 'slot_bytes': 64,"
		     "   'cores': [{'core': 0, 'yields_total': %u}]}],"
		     "   'clients': [{'id': 1, 'pid': 77, 'label': 'me', 'asks_total': %u}],"
		     "   'steals': [{'from': 1, 'to': 0, 'segments': %u},"
		     "    {'from': 1, 'segments': %u}]}]}}",
			ms, since, k, 2 * k, 3 * k, 4 * k));
}

Test(top, contention)
{
	push_ebpf(1000, 1, 0);
	push_ebpf(2000, 1, 4);
	cr_expect_eq(matches("me", TOP_EBPF_CORES), 1, "the arena has such a client");
	must_be(value(0, "YIELD"), 4);
	cr_expect_str_eq(cell(0, "CLASS"), "64");
	cr_expect_str_eq(top_string(rows[0].arena, "name"), "a");
	cr_expect_eq(matches("77", TOP_EBPF_CLIENTS), 1);
	must_be(value(0, "ASKS"), 8);
	cr_expect_eq(matches("", TOP_EBPF_STEALS), 2);
	must_be(value(0, "SEGMENTS/S"), 12);
	must_be(value(1, "SEGMENTS/S"), 16);
	cr_expect_str_eq(cell(0, "TO"), "0");
	cr_expect_str_eq(cell(1, "TO"), "-", "a thread is not core 0");
	cr_expect_eq(matches("no", TOP_EBPF_STEALS), 0);
	push_ebpf(3000, 2, 100);
	cr_expect_eq(matches("", TOP_EBPF_STEALS), 2);
	cr_expect(isnan(value(0, "SEGMENTS/S")), "its programs were loaded anew");
}
