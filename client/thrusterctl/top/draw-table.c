/* SPDX-License-Identifier: MIT */
/* One table: its titles, and as many of its rows as there are lines, below their arenas. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/top/draw.h"
#include "client/thrusterctl/top/paint.h"

#define WARN_PERCENT 75
#define ALARM_PERCENT 90

static void draw_titles(int y, const struct top_view *view)
{
	const struct top_table *table = &top_tables[view->table];
	struct top_choice choice = top_view_choice(view);
	const char *mark = choice.is_descending ? paint.descending : paint.ascending;
	const struct top_column *column;
	bool is_marked;
	size_t i;
	int x;

	paint_line(y, A_REVERSE);
	for (i = 0; i < view->layout.n; i++) {
		const struct top_place *place = &view->layout.places[i];

		column = &table->columns[place->column];
		is_marked = place->column == choice.sort;
		x = place->x;
		if (!top_is_text(column) && column->kind != TOP_FILL)
			x += place->width - (int)strlen(column->title);
		attrset(A_REVERSE | A_BOLD);
		if (is_marked)
			mvaddstr(y, x - 1, mark);
		paint_text(y, x, A_REVERSE | (is_marked ? A_BOLD : 0), column->title);
	}
}

static attr_t fill_colour(double percent)
{
	return paint_colour(percent >= ALARM_PERCENT	? PAINT_ALARM :
				    percent >= WARN_PERCENT ? PAINT_WARN :
							      PAINT_GOOD);
}

static void draw_bar(int y, const struct top_place *place, double percent, double mark)
{
	int cells = place->width - TOP_PERCENT_WIDTH;
	char bar[TOP_LINE_MAX];

	top_write_bar(bar, sizeof(bar), cells, percent, mark, paint.glyphs);
	attrset(fill_colour(percent));
	mvaddstr(y, place->x, bar);
	attrset(A_NORMAL);
}

static void draw_row(int y, const struct top_view *view, const struct top_samples *samples,
	const struct top_row *row)
{
	const struct top_column *column;
	char text[TOP_CELL_MAX];
	attr_t attributes;
	double value;
	size_t i;
	int x;

	for (i = 0; i < view->layout.n; i++) {
		const struct top_place *place = &view->layout.places[i];

		column = &top_tables[view->table].columns[place->column];
		value = top_value(samples, row, column);
		top_write_cell(text, samples, row, column, place->width);
		attributes = A_NORMAL;
		if (column->is_alarm && value > 0)
			attributes = A_BOLD | paint_colour(PAINT_ALARM);
		else if (top_is_quantity(column) && !(value > 0))
			attributes = A_DIM;
		x = place->x;
		if (!top_is_text(column))
			x += place->width - (int)strlen(text);
		paint_text(y, x, attributes, text);
		if (column->kind == TOP_FILL)
			draw_bar(y, place, value, top_mark(row, column));
	}
}

static void draw_heading(int y, const struct top_row *row)
{
	char text[TOP_LINE_MAX];

	top_write_arena(text, sizeof(text), row->arena);
	paint_text(y, 1, A_BOLD | paint_colour(PAINT_NAME), text);
}

static bool begins_group(const struct top_row *rows, size_t i)
{
	return i == 0 || rows[i].arena_index != rows[i - 1].arena_index;
}

static size_t count_lines(const struct top_table *table, const struct top_row *rows, size_t n)
{
	size_t i, lines = n;

	for (i = 0; i < n && table->is_grouped; i++)
		lines += begins_group(rows, i);
	return lines;
}

/* The first line that is seen is a heading: of what follows, if its own has scrolled away. */
static void draw_rows(const struct top_view *view, const struct top_samples *samples,
	const struct top_row *rows, size_t n, int y, int end)
{
	bool is_grouped = top_tables[view->table].is_grouped, is_heading;
	size_t i, line = 0;
	int top = y;

	for (i = 0; i < n && y < end; i++) {
		is_heading = is_grouped && begins_group(rows, i);
		if (is_heading && line++ >= view->first)
			draw_heading(y++, &rows[i]);
		if (line++ < view->first || y >= end)
			continue;
		if (is_grouped && y == top)
			draw_heading(y++, &rows[i]);
		else
			draw_row(y++, view, samples, &rows[i]);
	}
}

/* Why there is nothing. */
static void draw_nothing(const struct top_view *view, int y)
{
	char text[TOP_LINE_MAX];

	if (*view->filter)
		snprintf(text, sizeof(text), "no %s match \"%s\"; Esc shows all again",
			top_tables[view->table].rows, view->filter);
	else if (view->arena)
		snprintf(text, sizeof(text), "arena %s has no %s", view->arena,
			top_tables[view->table].rows);
	else
		snprintf(text, sizeof(text), "no %s", top_tables[view->table].rows);
	paint_text(y, 1, A_NORMAL, text);
}

void top_draw_table(struct top_view *view, const struct top_samples *samples)
{
	const struct top_table *table = &top_tables[view->table];
	struct top_choice choice = top_view_choice(view);
	int y = ROW_TITLES, end = LINES - 1;
	struct top_row *rows = NULL;
	char text[TOP_LINE_MAX];
	size_t n = 0;

	view->layout.n = 0;
	view->layout.is_narrow = false;
	if (table->source >= TOP_EBPF_CORES) {
		top_write_ebpf(text, sizeof(text), samples->now);
		paint_text(y++, 1, A_NORMAL, text);
		if (!top_field(samples->now, "contention.arenas"))
			return;
	}
	if (top_rows_make(&rows, &n, samples, table, &choice) < 0) {
		paint_text(y, 1, A_BOLD, "out of memory");
		return;
	}
	top_layout_make(&view->layout, table, rows, n, choice.sort, COLS);
	draw_titles(y++, view);
	top_draw_position(
		view, &view->first, (size_t)(end - y), count_lines(table, rows, n));
	draw_rows(view, samples, rows, n, y, end);
	if (n == 0)
		draw_nothing(view, y);
	free(rows);
}
