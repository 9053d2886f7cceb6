/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TOP_DRAW_H
#define CLIENT_THRUSTERCTL_TOP_DRAW_H

/* The picture, by curses, whose screen must be there. */

#include "client/thrusterctl/top/view.h"

/* What stands on which line; the last of the screen is for keys and messages. */
enum { ROW_DAEMON, ROW_TOTALS, ROW_TABS, ROW_TITLES, ROW_BODY };

/*
 * Draw all. `trouble` is what is wrong with the daemon, NULL if nothing. The view is told what is
 * seen of it, and is kept within what there is.
 */
void top_draw(struct top_view *view, const struct top_samples *samples, const char *trouble);

/* The part of it that is the table. */
void top_draw_table(struct top_view *view, const struct top_samples *samples);

/* Of so many lines a page is shown: keep its first within them, and say which they are if that are
 * not all. */
void top_draw_position(struct top_view *view, size_t *first, size_t page, size_t lines);

#endif
