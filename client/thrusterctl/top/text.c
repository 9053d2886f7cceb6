/* SPDX-License-Identifier: MIT */
/* Numbers keep three digits and take a unit when they grow; small counts stay exact. */

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "client/thrusterctl/table.h"
#include "client/thrusterctl/top/text.h"

#define NS_PER_S 1e9

const struct top_glyphs top_glyphs_ascii = { "#", "-", ".", "|" };
const struct top_glyphs top_glyphs_utf8 = { "\u2588", "\u258c", "\u00b7", "\u2502" };

/* Three digits and a unit, in steps of 1000; the last unit takes all that is larger. */
static void write_scaled(
	char text[TOP_CELL_MAX], double n, const char *const *units, size_t n_units)
{
	size_t unit = 0;

	while (n >= 999.5 && unit + 1 < n_units) {
		n /= 1000;
		unit++;
	}
	snprintf(text, TOP_CELL_MAX, n >= 99.95 ? "%.0f%s" : n >= 9.995 ? "%.1f%s" : "%.2f%s", n,
		units[unit]);
}

static void write_large(char text[TOP_CELL_MAX], double n)
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E" };

	write_scaled(text, n, units, sizeof(units) / sizeof(units[0]));
}

void top_write_count(char text[TOP_CELL_MAX], double n, int width)
{
	int length = snprintf(text, TOP_CELL_MAX, "%.0f", n);

	if (length > width)
		write_large(text, n);
}

void top_write_rate(char text[TOP_CELL_MAX], double n)
{
	if (n == 0)
		snprintf(text, TOP_CELL_MAX, "0");
	else if (n < 99.95)
		snprintf(text, TOP_CELL_MAX, n < 0.995 ? "%.2f" : "%.1f", n);
	else
		top_write_count(text, n, 5);
}

void top_write_bytes(char text[TOP_CELL_MAX], double n)
{
	table_write_bytes(text, TOP_CELL_MAX, (uint64_t)n);
}

void top_write_duration(char text[TOP_CELL_MAX], double ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double s = floor(ns / NS_PER_S);

	if (ns < 0)
		ns = s = 0;
	if (ns == 0)
		snprintf(text, TOP_CELL_MAX, "0");
	else if (ns < 1000)
		snprintf(text, TOP_CELL_MAX, "%.0fns", ns);
	else if (s < 100)
		write_scaled(text, ns, units, sizeof(units) / sizeof(units[0]));
	else if (s < 6000)
		snprintf(text, TOP_CELL_MAX, "%.0fm%02.0fs", floor(s / 60), fmod(s, 60));
	else if (s < 360000)
		snprintf(text, TOP_CELL_MAX, "%.0fh%02.0fm", floor(s / 3600),
			floor(fmod(s, 3600) / 60));
	else
		snprintf(text, TOP_CELL_MAX, "%.0fd%02.0fh", floor(s / 86400),
			floor(fmod(s, 86400) / 3600));
}

/* How old something is, nobody wants to know by the millisecond. */
void top_write_age(char text[TOP_CELL_MAX], double ns)
{
	if (ns < 100 * NS_PER_S)
		snprintf(text, TOP_CELL_MAX, "%.0fs", floor(fmax(0, ns) / NS_PER_S));
	else
		top_write_duration(text, ns);
}

/* Rounded down, so that 100 is all of it; up from nothing, so that 0 is none of it. */
static void write_percent(char text[TOP_CELL_MAX], double n)
{
	if (n > 0 && n < 1)
		snprintf(text, TOP_CELL_MAX, "<1%%");
	else
		snprintf(text, TOP_CELL_MAX, "%.0f%%", floor(n));
}

/* What is too long ends with a tilde; what a terminal might take for a command is no text. */
static void write_text(char text[TOP_CELL_MAX], const char *from, int width)
{
	int i;

	for (i = 0; from[i] && i < width && i < TOP_CELL_MAX - 1; i++)
		text[i] = from[i] > ' ' && from[i] < 0x7f ? from[i] : '?';
	text[i] = 0;
	if (from[i] && i > 0)
		text[i - 1] = '~';
}

static void write_value(char text[TOP_CELL_MAX], double n, enum top_kind kind, int width)
{
	switch (kind) {
	case TOP_ARENA:
	case TOP_TEXT:
		return;
	case TOP_ID:
		snprintf(text, TOP_CELL_MAX, "%.0f", n);
		return;
	case TOP_NUMBER:
		top_write_count(text, n, width < 6 ? width : 6);
		return;
	case TOP_SIZE:
	case TOP_BYTES:
		top_write_bytes(text, n);
		return;
	case TOP_AGE:
		top_write_age(text, n);
		return;
	case TOP_DURATION:
	case TOP_MEAN:
		top_write_duration(text, n);
		return;
	case TOP_RATE:
		top_write_rate(text, n);
		return;
	case TOP_FILL:
	case TOP_SHARE:
	case TOP_LOAD:
		write_percent(text, n);
		return;
	}
}

void top_write_cell(char text[TOP_CELL_MAX], const struct top_samples *samples,
	const struct top_row *row, const struct top_column *column, int width)
{
	char value[TOP_CELL_MAX] = "-";
	double n;

	if (top_is_text(column)) {
		write_text(text, top_text(row, column), width);
		return;
	}
	n = top_value(samples, row, column);
	if (!isnan(n))
		write_value(value, n < 0 ? 0 : n, column->kind, width);
	write_text(text, value, width);
}

void top_write_bar(char *text, size_t size, int cells, double percent, double mark,
	const struct top_glyphs *glyphs)
{
	int halves = (int)floor(percent / 100 * cells * 2), at, i;
	const char *glyph;
	size_t n = 0;

	if (isnan(percent) || halves < 0)
		halves = 0;
	if (halves == 0 && percent > 0)
		halves = 1;
	at = isnan(mark) || mark <= 0 ? -1 : (int)ceil(mark / 100 * cells) - 1;
	for (i = 0; i < cells && n < size; i++) {
		if (2 * i + 1 < halves)
			glyph = glyphs->full;
		else if (2 * i < halves)
			glyph = glyphs->half;
		else
			glyph = i == at ? glyphs->mark : glyphs->empty;
		n += (size_t)snprintf(text + n, size - n, "%s", glyph);
	}
}
