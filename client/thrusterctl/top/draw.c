/* SPDX-License-Identifier: MIT */
/*
 * Two lines about all, the views, the table, and the keys below. Every line is cut at the screen's
 * width, and nothing is drawn that curses does not keep; it sends only what has changed.
 */

#include <stdio.h>
#include <string.h>
#include "client/thrusterctl/top/draw.h"
#include "client/thrusterctl/top/paint.h"

#define LINES_MIN 8
#define COLS_MIN 40

static const char *const keys_help[] = {
	"1 2 3 4 Tab    classes, cores, clients, contention; the next of these",
	"c              another table of the same view: cores class by class, ...",
	"s S r          sort by the next column, by the one before; the other way round",
	"/ Esc          only what has this in its label, pid or arena's name; all again",
	"p              pause, and go on",
	"+ -            ask less often, more often",
	"Up Down PageUp PageDown Home End   scroll",
	"q              quit",
};

#define N_KEYS_HELP (sizeof(keys_help) / sizeof(keys_help[0]))

static void draw_summary(const struct top_view *view, const struct top_samples *samples)
{
	char text[TOP_LINE_MAX];

	top_write_daemon(text, sizeof(text), samples->now);
	paint_text(ROW_DAEMON, 1, A_BOLD, text);
	snprintf(text, sizeof(text), view->is_paused ? "  PAUSED " : "  every %.3g s ",
		view->interval);
	paint_right(ROW_DAEMON, view->is_paused ? A_REVERSE : A_NORMAL, text);
	top_write_totals(text, sizeof(text), samples, view->arena);
	paint_text(ROW_TOTALS, 1, A_NORMAL, text);
}

static void draw_tabs(const struct top_view *view)
{
	const struct top_table *shown = &top_tables[view->table], *table;
	bool has_more = false;
	char text[64];
	int x = 1, n = 0;
	size_t i;

	for (i = 0; i < top_n_tables; i++) {
		table = &top_tables[i];
		has_more |= table != shown && strcmp(table->view, shown->view) == 0;
		if (i > 0 && strcmp(table->view, table[-1].view) == 0)
			continue;
		snprintf(text, sizeof(text), " %d %s ", ++n, table->view);
		paint_text(ROW_TABS, x,
			strcmp(table->view, shown->view) == 0 ? A_REVERSE | A_BOLD : A_NORMAL,
			text);
		x += (int)strlen(text);
	}
	snprintf(text, sizeof(text), " (c) %s", shown->name);
	if (has_more)
		paint_text(ROW_TABS, x, A_NORMAL, text);
}

void top_draw_position(struct top_view *view, size_t *first, size_t page, size_t lines)
{
	char text[64];

	view->page = page;
	view->last = lines > page ? lines - page : 0;
	if (*first > view->last)
		*first = view->last;
	if (view->last == 0)
		return;
	snprintf(text, sizeof(text), "%zu-%zu of %zu ", *first + 1, *first + page, lines);
	paint_right(ROW_TABS, A_NORMAL, text);
}

static void write_help(char *text, size_t size, const struct top_table *table, size_t line)
{
	if (line < N_KEYS_HELP)
		snprintf(text, size, "%s", keys_help[line]);
	else if (line == N_KEYS_HELP)
		*text = 0;
	else
		snprintf(text, size, "%-10s %s", table->columns[line - N_KEYS_HELP - 1].title,
			table->columns[line - N_KEYS_HELP - 1].help);
}

static void draw_help(struct top_view *view)
{
	const struct top_table *table = &top_tables[view->table];
	size_t i, lines = N_KEYS_HELP + 1 + top_n_columns(table);
	size_t page = (size_t)(LINES - 1 - ROW_BODY);
	char text[TOP_LINE_MAX];

	paint_line(ROW_TITLES, A_REVERSE);
	paint_text(ROW_TITLES, 1, A_REVERSE, "Help: keys, and the columns of this table");
	top_draw_position(view, &view->first_of_help, page, lines);
	for (i = 0; i < page && view->first_of_help + i < lines; i++) {
		write_help(text, sizeof(text), table, view->first_of_help + i);
		paint_text(ROW_BODY + (int)i, 1, A_NORMAL, text);
	}
}

static void draw_footer(const struct top_view *view, const char *trouble)
{
	static const char keys[] = "q quit  h help  Tab view  s sort  r reverse  / filter  "
				   "p pause  +- interval";
	char text[TOP_LINE_MAX];
	int y = LINES - 1;

	if (trouble) {
		paint_line(y, A_REVERSE | A_BOLD | paint_colour(PAINT_ALARM));
		paint_text(y, 1, A_REVERSE | A_BOLD | paint_colour(PAINT_ALARM), trouble);
		return;
	}
	if (view->is_typing)
		snprintf(text, sizeof(text), "filter: %s_", view->filter);
	else if (view->is_helping)
		snprintf(text, sizeof(text), "any key goes back  q quit");
	else if (*view->filter)
		snprintf(text, sizeof(text), "filter: %s  Esc shows all  / other  q quit  h help",
			view->filter);
	else if (view->layout.is_narrow)
		snprintf(text, sizeof(text), "too narrow for all columns  %s", keys);
	else
		snprintf(text, sizeof(text), "%s", keys);
	paint_text(y, 1, view->is_typing || *view->filter ? A_BOLD : A_DIM, text);
}

void top_draw(struct top_view *view, const struct top_samples *samples, const char *trouble)
{
	char text[64];

	erase();
	if (LINES < LINES_MIN || COLS < COLS_MIN) {
		snprintf(text, sizeof(text), "too small: %dx%d of %dx%d", COLS, LINES, COLS_MIN,
			LINES_MIN);
		paint_text(0, 0, A_BOLD, text);
		refresh();
		return;
	}
	draw_summary(view, samples);
	draw_tabs(view);
	if (view->is_helping)
		draw_help(view);
	else
		top_draw_table(view, samples);
	draw_footer(view, trouble);
	refresh();
}
