/* SPDX-License-Identifier: MIT */
/* What thrusterctl top writes fits, in words and bars; and its keys do what they say. */

#include "tests/unit/top.h"

TestSuite(top_screen, .fini = clean_up, .timeout = 60);

static const char *written(void (*write)(char *, double), double n)
{
	static char text[TOP_CELL_MAX];

	write(text, n);
	return text;
}

Test(top_screen, numbers_in_words)
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

Test(top_screen, bars)
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
Test(top_screen, everything_fits)
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

Test(top_screen, keys_choose_a_view)
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

Test(top_screen, keys_sort_filter_and_hurry)
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
