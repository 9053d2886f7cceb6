/* SPDX-License-Identifier: MIT */
/*
 * What thrusterctl top makes of two answers, without a daemon and without a screen: rates, order,
 * filter, and that everything fits.
 */

#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/top/layout.h"
#include "client/thrusterctl/top/text.h"
#include "client/thrusterctl/top/view.h"

#define LARGEST "9223372036854775807"

static struct top_samples samples;
static struct top_row *rows;
static size_t n_rows;
static struct top_choice choice;
static const struct top_table *table;

static void clean_up(void)
{
	free(rows);
	top_samples_fini(&samples);
}

TestSuite(top, .fini = clean_up, .timeout = 60);

/* JSON with single quotes, for which C has more sympathy. */
static json_t *__attribute__((format(printf, 1, 2))) json(const char *format, ...)
{
	static char text[16384];
	json_error_t error;
	va_list arguments;
	json_t *root;
	char *c;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	for (c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	root = json_loads(text, 0, &error);
	cr_assert(root, "%s: %s", error.text, text);
	return root;
}

/* An answer of a daemon's nth run, after so many ms, with these arenas. */
static void push(unsigned ms, unsigned run, const char *arenas)
{
	top_samples_push(&samples,
		json("{'timestamp_monotonic_ns': %u000000, 'timestamp_realtime_ns': %u000000,"
		     " 'daemon': {'started_realtime_ns': %u, 'runs_total': %u},"
		     " 'arenas': [%s]}",
			ms, ms, run + 1, run, arenas));
}

/* One class with so many rents and, on its core, restarts. */
static const char *arena(unsigned id, unsigned long long rents, unsigned long long exhausted)
{
	static char text[2][1024];
	static unsigned n;

	snprintf(text[n ^= 1], sizeof(text[0]),
		"{'name': 'a', 'id': %u, 'clients': [], 'classes': [{'slot_bytes': 1024,"
		" 'slots': 100, 'leased': 25, 'leased_peak': 50, 'rents_total': %llu,"
		" 'exhausted_total': %llu, 'cores': []}]}", id, rents, exhausted);
	return text[n];
}

/* Rows of the table that takes them from `source`, by its own order. */
static void make(enum top_source source)
{
	for (table = top_tables; table->source != source; table++)
		;
	if (!choice.filter)
		choice = (struct top_choice){ .filter = "", .sort = table->sort };
	free(rows);
	rows = NULL;
	cr_assert_eq(top_rows_make(&rows, &n_rows, &samples, table, &choice), 0);
}

static size_t column_of(const char *title)
{
	size_t i;

	for (i = 0; i < top_n_columns(table); i++)
		if (strcmp(table->columns[i].title, title) == 0)
			return i;
	cr_assert_fail("no column %s", title);
	return 0;
}

static double value(size_t row, const char *title)
{
	cr_assert_lt(row, n_rows);
	return top_value(&samples, &rows[row], &table->columns[column_of(title)]);
}

static const char *cell(size_t row, const char *title)
{
	static char text[TOP_CELL_MAX];
	const struct top_column *column = &table->columns[column_of(title)];

	cr_assert_lt(row, n_rows);
	top_write_cell(text, &samples, &rows[row], column, column->width);
	return text;
}

#define must_be(a, b) cr_expect_float_eq(a, (double)(b), 1e-6, "%g is not %g", a, (double)(b))

Test(top, rates_are_differences_by_the_daemons_clock)
{
	push(1000, 1, arena(7, 4611686018427387904ull, 10));
	make(TOP_CLASSES);
	cr_expect(isnan(value(0, "RENTS/S")), "one answer has no rate");
	cr_expect_str_eq(cell(0, "RENTS/S"), "-");
	push(1500, 1, arena(7, 4611686018427387904ull + 3, 10));
	make(TOP_CLASSES);
	must_be(value(0, "RENTS/S"), 6);
	must_be(value(0, "EXH/S"), 0);
	must_be(top_totals_make(&samples, NULL).rents, 6);
	cr_expect_str_eq(cell(0, "RENTS/S"), "6.0");
	must_be(value(0, "LEASED"), 25);
	must_be(top_mark(&rows[0], &table->columns[column_of("LEASED")]), 50);
}

Test(top, a_counter_that_goes_down_has_no_rate)
{
	push(1000, 1, arena(7, 1000, 10));
	push(2000, 1, arena(7, 999, 15));
	make(TOP_CLASSES);
	cr_expect_str_eq(cell(0, "RENTS/S"), "-");
	cr_expect_str_eq(cell(0, "EXH/S"), "5.0");
	cr_expect(isnan(top_totals_make(&samples, NULL).rents));
}

Test(top, another_arena_of_the_name_has_no_rate)
{
	push(1000, 1, arena(7, 1000, 10));
	push(2000, 1, arena(8, 5000, 50));
	make(TOP_CLASSES);
	cr_expect(isnan(value(0, "RENTS/S")));
	cr_expect(isnan(top_totals_make(&samples, NULL).rents));
	must_be(value(0, "SLOTS"), 100);
}

Test(top, a_daemon_that_kept_its_arenas_goes_on_counting)
{
	push(1000, 1, arena(7, 1000, 10));
	push(2000, 2, arena(7, 1100, 10));
	make(TOP_CLASSES);
	must_be(value(0, "RENTS/S"), 100);
}

Test(top, a_daemon_that_begins_anew_has_no_rates)
{
	push(1000, 3, arena(1, 1000, 10));
	push(2000, 1, arena(1, 5000, 10));
	make(TOP_CLASSES);
	cr_expect(isnan(value(0, "RENTS/S")), "another arena, though of the same id");
	push(3000, 1, arena(1, 5050, 10));
	make(TOP_CLASSES);
	must_be(value(0, "RENTS/S"), 50);
}

Test(top, without_time_there_are_no_rates)
{
	push(1000, 1, arena(7, 1000, 10));
	push(1000, 1, arena(7, 1001, 10));
	make(TOP_CLASSES);
	cr_expect(isnan(value(0, "RENTS/S")));
	push(500, 1, arena(7, 1002, 10));
	make(TOP_CLASSES);
	cr_expect(isnan(value(0, "RENTS/S")));
}

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

static const char *written(void (*write)(char *, double), double n)
{
	static char text[TOP_CELL_MAX];

	write(text, n);
	return text;
}

Test(top, numbers_in_words)
{
	cr_expect_str_eq(written(top_write_rate, 0), "0");
	cr_expect_str_eq(written(top_write_rate, 0.25), "0.25");
	cr_expect_str_eq(written(top_write_rate, 99.94), "99.9");
	cr_expect_str_eq(written(top_write_rate, 99.96), "100");
	cr_expect_str_eq(written(top_write_rate, 99999.4), "99999");
	cr_expect_str_eq(written(top_write_rate, 99999.6), "100k");
	cr_expect_str_eq(written(top_write_rate, 1234567), "1.23M");
	cr_expect_str_eq(written(top_write_duration, 0), "0");
	cr_expect_str_eq(written(top_write_duration, 999), "999ns");
	cr_expect_str_eq(written(top_write_duration, 12345678), "12.3ms");
	cr_expect_str_eq(written(top_write_duration, 185e9), "3m05s");
	cr_expect_str_eq(written(top_write_duration, 7260e9), "2h01m");
	cr_expect_str_eq(written(top_write_age, 7.9e9), "7s");
	cr_expect_str_eq(written(top_write_bytes, 1048576), "1.0M");
}

static const char *bar(int cells, double percent, double mark)
{
	static char text[256];

	top_write_bar(text, sizeof(text), cells, percent, mark, &top_glyphs_ascii);
	return text;
}

Test(top, bars)
{
	cr_expect_str_eq(bar(4, 0, 0), "....");
	cr_expect_str_eq(bar(4, 0.001, 0.001), "-...");
	cr_expect_str_eq(bar(4, 50, 50), "##..");
	cr_expect_str_eq(bar(4, 50, 51), "##|.");
	cr_expect_str_eq(bar(4, 40, 100), "#-.|");
	cr_expect_str_eq(bar(4, 99.9, 100), "###-");
	cr_expect_str_eq(bar(4, 100, 100), "####");
	cr_expect_str_eq(bar(4, NAN, NAN), "....");
	cr_expect_str_eq(bar(4, 200, 300), "####");
}

/* An item that has every field that any column takes, as large as it may be, or 0 before. */
static json_t *everything(const struct top_table *t, const char *number)
{
	json_t *item = json_object();
	const char *field, *dot;
	size_t i, j;

	for (i = 0; i < top_n_columns(t); i++) {
		const char *fields[] = { t->columns[i].field, t->columns[i].other };

		for (j = 0; j < 2; j++) {
			field = fields[j];
			if (!field)
				continue;
			dot = strchr(field, '.');
			if (!dot)
				json_object_set_new(item, field, json_integer(atoll(number)));
			else
				json_object_set_new(item, "waits",
					json("{'sum': %s, 'count': %s}", number, "1"));
		}
	}
	json_object_set_new(item, "label", json_string("\033[2J\n\u00e4_and_a_very_long_word"));
	json_object_set_new(item, "pid", json_integer(4194304));
	json_object_set_new(item, "id", json_integer(4294967295));
	json_object_set_new(item, "core", json_integer(4095));
	return item;
}

static void must_fit(int width)
{
	struct top_layout layout = { 0 };
	char text[TOP_CELL_MAX];
	size_t i;
	const char *c;
	int x = 0;

	top_layout_make(&layout, table, rows, n_rows, choice.sort, width);
	for (i = 0; i < layout.n; i++) {
		const struct top_place *place = &layout.places[i];
		const struct top_column *column = &table->columns[place->column];

		cr_expect_geq(place->x, x + 1, "%s at %d", column->title, width);
		x = place->x + place->width;
		cr_expect_leq(x, width, "%s at %d", column->title, width);
		cr_expect_leq((int)strlen(column->title), place->width, "%s", column->title);
		top_write_cell(text, &samples, &rows[0], column, place->width);
		cr_expect_leq((int)strlen(text), place->width, "%s: %s", column->title, text);
		for (c = text; *c; c++)
			cr_expect(*c > ' ' && *c <= '~', "%s: byte %d", column->title, *c);
	}
	if (width >= 80)
		cr_expect_not(layout.is_narrow, "%s at %d", table->name, width);
}

/* Of all tables, in whatever width: no column over another, over the edge, or wider than it is. */
Test(top, everything_fits)
{
	size_t i;
	int width;

	for (i = 0; i < top_n_tables; i++) {
		struct top_row row = { .arena = json("{'name': '%063d', 'id': 1}", 0),
			.class_ = json("{'slot_bytes': 1073741823}") };
		json_t *now = everything(&top_tables[i], LARGEST);
		json_t *before = everything(&top_tables[i], "0");

		table = &top_tables[i];
		samples.seconds = 0.1;
		row.now = now;
		row.before = before;
		rows = &row;
		n_rows = 1;
		for (width = 40; width <= 300; width++)
			must_fit(width);
		rows = NULL;
		json_decref(now);
		json_decref(before);
		json_decref((json_t *)row.arena);
		json_decref((json_t *)row.class_);
	}
}

static struct top_view view;

static void press(const char *keys)
{
	for (; *keys; keys++)
		top_view_press(&view, *keys);
}

static const char *shown(void)
{
	return top_tables[view.table].view;
}

Test(top, keys_choose_a_view)
{
	top_view_init(&view, NULL, 1);
	cr_expect_str_eq(shown(), "Classes");
	press("3");
	cr_expect_str_eq(shown(), "Clients");
	press("\t");
	cr_expect_str_eq(shown(), "Contention");
	press("c");
	cr_expect_str_eq(top_tables[view.table].name, "clients");
	press("\t");
	cr_expect_str_eq(shown(), "Classes");
	top_view_press(&view, TOP_KEY_BACK_TAB);
	cr_expect_str_eq(shown(), "Contention");
	cr_expect_str_eq(top_tables[view.table].name, "cores");
	press("ccc");
	cr_expect_str_eq(top_tables[view.table].name, "cores");
	press("9");
	cr_expect_str_eq(shown(), "Contention");
	press("q");
	cr_expect(view.is_ended);
}

Test(top, keys_sort_filter_and_hurry)
{
	top_view_init(&view, NULL, 1);
	push(1000, 1, arena(1, 2, 3));
	make(TOP_CLASSES);
	top_layout_make(&view.layout, table, rows, n_rows, 0, 80);
	press("ss");
	cr_expect_str_eq(table->columns[top_view_choice(&view).sort].title, "SLOTS");
	cr_expect(top_view_choice(&view).is_descending);
	press("r");
	cr_expect_not(top_view_choice(&view).is_descending);
	press("SSS");
	cr_expect_eq(top_view_choice(&view).sort, view.layout.places[view.layout.n - 1].column);
	press("/q1s\b+\n");
	cr_expect_str_eq(view.filter, "q1+");
	cr_expect_not(view.is_typing || view.is_ended);
	press("\033");
	cr_expect_str_eq(view.filter, "");
	press("+");
	must_be(view.interval, 2);
	press("-----------");
	must_be(view.interval, TOP_INTERVAL_MIN);
	view.interval = 0.7;
	press("-");
	must_be(view.interval, 0.5);
	press("++++++++++");
	must_be(view.interval, TOP_INTERVAL_MAX);
	press("p");
	cr_expect(view.is_paused);
	view.page = 4;
	view.last = 5;
	top_view_press(&view, TOP_KEY_PAGE_DOWN);
	cr_expect_eq(view.first, 3, "a line of the page before is still seen");
	top_view_press(&view, TOP_KEY_PAGE_DOWN);
	top_view_press(&view, TOP_KEY_DOWN);
	cr_expect_eq(view.first, 5);
	top_view_press(&view, TOP_KEY_UP);
	cr_expect_eq(view.first, 4);
	top_view_press(&view, TOP_KEY_HOME);
	top_view_press(&view, TOP_KEY_PAGE_UP);
	cr_expect_eq(view.first, 0);
	top_view_press(&view, TOP_KEY_END);
	cr_expect_eq(view.first, 5);
	press("h");
	cr_expect(view.is_helping);
	press("2");
	cr_expect(!view.is_helping && strcmp(shown(), "Classes") == 0, "it only closes the help");
}
