/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TOP_PAINT_H
#define CLIENT_THRUSTERCTL_TOP_PAINT_H

/* Text on the screen of curses, in the colours and glyphs that terminal and user want. */

#include <curses.h>
#include "client/thrusterctl/top/text.h"

enum paint_colour { PAINT_GOOD = 1, PAINT_WARN, PAINT_ALARM, PAINT_NAME };

struct paint {
	const struct top_glyphs *glyphs;
	const char *ascending, *descending;
	bool has_colours;
};

extern struct paint paint;

void paint_init(void);

attr_t paint_colour(enum paint_colour colour);

/* At most what is left of the line. Of ASCII only, where a byte is a column. */
void paint_text(int y, int x, attr_t attributes, const char *text);

/* So that it ends at the right edge; not at all if it is too long. */
void paint_right(int y, attr_t attributes, const char *text);

/* A whole line of blanks. */
void paint_line(int y, attr_t attributes);

#endif
