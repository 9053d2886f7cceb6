/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TOP_TEXT_H
#define CLIENT_THRUSTERCTL_TOP_TEXT_H

/* Values as text that is never longer than its column. Printable ASCII, whatever came in. */

#include "client/thrusterctl/top/model.h"

#define TOP_CELL_MAX 128
#define TOP_LINE_MAX 512
#define TOP_PERCENT_WIDTH 5

/* What a bar is drawn with; each is one column wide. */
struct top_glyphs {
	const char *full, *half, *empty, *mark;
};

extern const struct top_glyphs top_glyphs_ascii, top_glyphs_utf8;

/* One value; "-" if it is not known. Of a TOP_FILL only the percent. */
void top_write_cell(char text[TOP_CELL_MAX], const struct top_samples *samples,
	const struct top_row *row, const struct top_column *column, int width);

/*
 * A bar of so many cells. Something is seen of whatever is not 0, and only 100 fills it; the mark
 * stands at the end of its own percentage, if the bar does not reach it.
 */
void top_write_bar(char *text, size_t size, int cells, double percent, double mark,
	const struct top_glyphs *glyphs);

/* Numbers: at most five columns for counts, bytes and rates, six for durations. */
void top_write_count(char text[TOP_CELL_MAX], double n, int width);
void top_write_rate(char text[TOP_CELL_MAX], double n);
void top_write_bytes(char text[TOP_CELL_MAX], double n);
void top_write_duration(char text[TOP_CELL_MAX], double ns);
void top_write_age(char text[TOP_CELL_MAX], double ns);

/* An arena in a line: its memory, and what is special about it. */
void top_write_arena(char *text, size_t size, const json_t *arena);

/* eBPF in a line, whether it is attached or not. */
void top_write_ebpf(char *text, size_t size, const json_t *answer);

/* The daemon, and sums over the arenas that are shown. */
void top_write_daemon(char *text, size_t size, const json_t *answer);
void top_write_totals(
	char *text, size_t size, const struct top_samples *samples, const char *arena);

#endif
