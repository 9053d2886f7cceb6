/* SPDX-License-Identifier: MIT */
/* No line wraps: what is too long is cut here. */

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/top/paint.h"

struct paint paint;

void paint_init(void)
{
	const char *no_color = getenv("NO_COLOR");
	bool is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

	paint.glyphs = is_utf8 ? &top_glyphs_utf8 : &top_glyphs_ascii;
	paint.ascending = is_utf8 ? "\u25b2" : "^";
	paint.descending = is_utf8 ? "\u25bc" : "v";
	paint.has_colours = has_colors() && !(no_color && *no_color);
	if (!paint.has_colours)
		return;
	start_color();
	use_default_colors();
	init_pair(PAINT_GOOD, COLOR_GREEN, -1);
	init_pair(PAINT_WARN, COLOR_YELLOW, -1);
	init_pair(PAINT_ALARM, COLOR_RED, -1);
	init_pair(PAINT_NAME, COLOR_CYAN, -1);
}

attr_t paint_colour(enum paint_colour colour)
{
	return paint.has_colours ? COLOR_PAIR(colour) : A_NORMAL;
}

void paint_text(int y, int x, attr_t attributes, const char *text)
{
	if (x >= COLS)
		return;
	attrset(attributes);
	mvaddnstr(y, x, text, COLS - x);
	attrset(A_NORMAL);
}

void paint_right(int y, attr_t attributes, const char *text)
{
	int length = (int)strlen(text);

	if (length < COLS)
		paint_text(y, COLS - length, attributes, text);
}

void paint_line(int y, attr_t attributes)
{
	attrset(attributes);
	mvhline(y, 0, ' ', COLS);
	attrset(A_NORMAL);
}
