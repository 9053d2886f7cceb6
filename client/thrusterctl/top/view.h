/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TOP_VIEW_H
#define CLIENT_THRUSTERCTL_TOP_VIEW_H

/*
 * What its user chose to see of `thrusterctl top`, and what the keys do to that. No curses: keys
 * have names of their own here.
 */

#include "client/thrusterctl/top/layout.h"
#include "client/thrusterctl/top/model.h"

#define TOP_TABLES_MAX 8
#define TOP_FILTER_MAX 64
#define TOP_INTERVAL_MIN 0.1
#define TOP_INTERVAL_MAX 60.0

/* Keys that are no character. */
enum top_key {
	TOP_KEY_UP = 0x1000,
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_BACKSPACE,
	TOP_KEY_BACK_TAB,
};

#define TOP_KEY_ESCAPE 0x1b
#define TOP_KEY_END_OF_INPUT 0x04

struct top_view {
	const char *arena;          /* only this one, NULL = all */
	double interval;            /* s */
	size_t table;               /* of top_tables */
	struct {
		size_t column;
		bool is_descending;
	} sort[TOP_TABLES_MAX];
	char filter[TOP_FILTER_MAX];
	bool is_typing;             /* the filter */
	bool is_paused, is_helping, is_ended;
	size_t first, first_of_help; /* line that is shown first */

	/* Of the picture that the user sees, told by who draws it. */
	struct top_layout layout;
	size_t page, last;          /* lines of it; the largest that may be first */
};

void top_view_init(struct top_view *view, const char *arena, double interval);

struct top_choice top_view_choice(const struct top_view *view);

/* A key was pressed. */
void top_view_press(struct top_view *view, int key);

#endif
