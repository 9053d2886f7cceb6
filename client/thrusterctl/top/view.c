/* SPDX-License-Identifier: MIT */
/* While a filter is typed each character is its own; otherwise each is a command. */

#include <string.h>
#include "client/thrusterctl/top/view.h"

static const double intervals[] = { TOP_INTERVAL_MIN, 0.2, 0.5, 1, 2, 5, 10, 30, TOP_INTERVAL_MAX };

#define N_INTERVALS (sizeof(intervals) / sizeof(intervals[0]))

void top_view_init(struct top_view *view, const char *arena, double interval)
{
	size_t i;

	*view = (struct top_view){ .arena = arena, .interval = interval };
	for (i = 0; i < top_n_tables && i < TOP_TABLES_MAX; i++) {
		view->sort[i].column = top_tables[i].sort;
		view->sort[i].is_descending =
			top_is_quantity(&top_tables[i].columns[top_tables[i].sort]);
	}
}

struct top_choice top_view_choice(const struct top_view *view)
{
	return (struct top_choice){
		.arena = view->arena,
		.filter = view->filter,
		.sort = view->sort[view->table].column,
		.is_descending = view->sort[view->table].is_descending,
	};
}

static bool is_of_view(size_t table, const char *view)
{
	return strcmp(top_tables[table].view, view) == 0;
}

static void show(struct top_view *view, size_t table)
{
	view->table = table;
	view->first = view->first_of_help = 0;
	view->layout = (struct top_layout){ 0 };
}

/* The nth view, its first table. */
static void show_view(struct top_view *view, unsigned n)
{
	size_t i;

	for (i = 0; i < top_n_tables; i++)
		if ((i == 0 || !is_of_view(i, top_tables[i - 1].view)) && n-- == 0)
			show(view, i);
}

static void show_next_view(struct top_view *view, size_t step)
{
	size_t i = view->table;

	while (is_of_view(i, top_tables[view->table].view))
		i = (i + step) % top_n_tables;
	while (i > 0 && is_of_view(i - 1, top_tables[i].view))
		i--;
	show(view, i);
}

static void show_next_table(struct top_view *view)
{
	size_t i = view->table + 1;

	if (i < top_n_tables && is_of_view(i, top_tables[view->table].view)) {
		show(view, i);
		return;
	}
	for (i = view->table; i > 0 && is_of_view(i - 1, top_tables[view->table].view); i--)
		;
	show(view, i);
}

/* Among the columns that the user sees. */
static void sort_by_next(struct top_view *view, size_t step)
{
	const struct top_layout *layout = &view->layout;
	size_t i, column = view->sort[view->table].column;

	for (i = 0; i < layout->n; i++)
		if (layout->places[i].column == column)
			break;
	if (i >= layout->n)
		return;
	column = layout->places[(i + step) % layout->n].column;
	view->sort[view->table].column = column;
	view->sort[view->table].is_descending =
		top_is_quantity(&top_tables[view->table].columns[column]);
}

static void change_interval(struct top_view *view, bool is_longer)
{
	size_t i;

	if (is_longer) {
		for (i = 0; i < N_INTERVALS - 1 && intervals[i] <= view->interval; i++)
			;
	} else {
		for (i = N_INTERVALS - 1; i > 0 && intervals[i] >= view->interval; i--)
			;
	}
	view->interval = intervals[i];
}

static bool try_scroll(struct top_view *view, int key)
{
	size_t *first = view->is_helping ? &view->first_of_help : &view->first;
	size_t page = view->page > 1 ? view->page - 1 : 1;

	switch (key) {
	case TOP_KEY_UP:
		*first -= *first > 0;
		return true;
	case TOP_KEY_DOWN:
		*first += *first < view->last;
		return true;
	case TOP_KEY_PAGE_UP:
		*first -= *first < page ? *first : page;
		return true;
	case TOP_KEY_PAGE_DOWN:
		*first = *first + page < view->last ? *first + page : view->last;
		return true;
	case TOP_KEY_HOME:
		*first = 0;
		return true;
	case TOP_KEY_END:
		*first = view->last;
		return true;
	default:
		return false;
	}
}

static void type(struct top_view *view, int key)
{
	size_t n = strlen(view->filter);

	if (key == TOP_KEY_ESCAPE)
		view->filter[0] = 0;
	if (key == TOP_KEY_ESCAPE || key == '\n' || key == '\r')
		view->is_typing = false;
	else if ((key == TOP_KEY_BACKSPACE || key == 0x7f || key == '\b') && n > 0)
		view->filter[n - 1] = 0;
	else if (key > ' ' && key < 0x7f && n + 1 < sizeof(view->filter))
		view->filter[n] = (char)key;
	view->first = 0;
}

static void command(struct top_view *view, int key)
{
	switch (key) {
	case '1':
	case '2':
	case '3':
	case '4':
		show_view(view, (unsigned)(key - '1'));
		return;
	case '\t':
		show_next_view(view, 1);
		return;
	case TOP_KEY_BACK_TAB:
		show_next_view(view, top_n_tables - 1);
		return;
	case 'c':
		show_next_table(view);
		return;
	case 's':
		sort_by_next(view, 1);
		return;
	case 'S':
		sort_by_next(view, view->layout.n - 1);
		return;
	case 'r':
		view->sort[view->table].is_descending = !view->sort[view->table].is_descending;
		return;
	case '/':
		view->is_typing = true;
		return;
	case TOP_KEY_ESCAPE:
		view->filter[0] = 0;
		return;
	case 'p':
	case ' ':
		view->is_paused = !view->is_paused;
		return;
	case '+':
	case '=':
	case '-':
		change_interval(view, key != '-');
		return;
	case 'h':
	case '?':
		view->is_helping = true;
		view->first_of_help = 0;
		return;
	default:
		return;
	}
}

void top_view_press(struct top_view *view, int key)
{
	if (key == TOP_KEY_END_OF_INPUT || (key == 'q' && !view->is_typing))
		view->is_ended = true;
	else if (try_scroll(view, key))
		return;
	else if (view->is_helping)
		view->is_helping = false;
	else if (view->is_typing)
		type(view, key);
	else
		command(view, key);
}
