/* SPDX-License-Identifier: MIT */
/*
 * A histogram of durations as SVG. The axis is logarithmic, and a bucket is a power of two wide, so
 * all bars are equally broad. Places along the axis are parts of a hundred and the height is in
 * pixels: the picture is as wide as its room, and its letters are not stretched.
 */

#include "client/thrusterctl/report/report.h"

#define TOP 18.0     /* of the tallest bar */
#define BOTTOM 118.0 /* of all bars */
#define LEAST 2.0    /* of what is not 0 */
#define GAP 0.1      /* between bars, of the width of one */
#define BUCKETS_MIN 10u /* of a narrower axis one can read nothing */
#define LOG2_10 3.321928094887362

/* "1 us" where a unit begins, else only its tens; the first of an axis says always which unit. */
static void tick(FILE *f, unsigned decade, double x, bool is_first)
{
	static const char *const units[] = { "ns", "µs", "ms", "s" };
	static const unsigned tens[] = { 1, 10, 100 };
	bool with_unit = is_first || decade % 3 == 0;

	fprintf(f, "<line class=tick x1=\"%.2f%%\" x2=\"%.2f%%\" y1=%.0f y2=%.0f />"
		   "<text class=%s x=\"%.2f%%\" y=%.0f>%u%s%s</text>",
		x, x, BOTTOM, BOTTOM + 5, with_unit ? "unit" : "ten", x, BOTTOM + 19,
		tens[decade % 3], with_unit ? "\u202f" : "", with_unit ? units[decade / 3] : "");
}

static void ticks(FILE *f, unsigned first, unsigned last)
{
	double from = (double)first - 1, width = (double)(last - first + 1), x;
	bool is_first = true;
	unsigned decade;

	for (decade = 0; decade < 12; decade++) {
		x = (decade * LOG2_10 - from) / width * 100;
		if (x < 0 || x > 100)
			continue;
		tick(f, decade, x, is_first);
		is_first = false;
	}
}

static void grid(FILE *f, uint64_t tallest)
{
	double y;
	unsigned i;

	for (i = 0; i <= 2; i++) {
		y = BOTTOM - (BOTTOM - TOP) * i / 2;
		fprintf(f, "<line%s x1=0 x2=\"100%%\" y1=%.1f y2=%.1f />", i ? "" : " class=axis",
			y, y);
	}
	fprintf(f, "<text class=top x=0 y=%.0f>", TOP - 5);
	report_number(f, tallest);
	fprintf(f, "</text>");
}

static void bar(FILE *f, const struct histogram *histogram, unsigned k, double x, double width,
	uint64_t tallest)
{
	double height = (BOTTOM - TOP) * (double)histogram->bucket[k] / (double)tallest;

	if (height < LEAST)
		height = LEAST;
	fprintf(f, "<rect x=\"%.3f%%\" width=\"%.3f%%\" y=%.2f height=%.2f><title>",
		x + width * GAP / 2, width * (1 - GAP), BOTTOM - height, height);
	report_number(f, histogram->bucket[k]);
	fputs(": ", f);
	if (k > 0) {
		fputs("more than ", f);
		report_duration(f, UINT64_C(1) << (k - 1));
		fputs(", ", f);
	}
	fputs("at most ", f);
	report_duration(f, UINT64_C(1) << k);
	fputs("</title></rect>", f);
}

/* A bucket's bound, or the longest of all if that is less. */
static void quantile(FILE *f, const struct histogram *histogram, unsigned per_thousand)
{
	uint64_t bound = UINT64_C(1) << histogram_quantile(histogram, per_thousand);

	if (histogram->max_ns && histogram->max_ns < bound)
		bound = histogram->max_ns;
	fputs("<b>", f);
	report_duration(f, bound);
	fputs("</b>", f);
}

static void caption(FILE *f, const struct histogram *histogram)
{
	fputs("<p class=caption><b>", f);
	report_number(f, histogram->count);
	fputs("</b> in all; half within ", f);
	quantile(f, histogram, 500);
	fputs(", 99\u202f% within ", f);
	quantile(f, histogram, 990);
	fputs("; mean <b>", f);
	report_duration(f, histogram->sum_ns / histogram->count);
	if (histogram->max_ns) {
		fputs("</b>, longest <b>", f);
		report_duration(f, histogram->max_ns);
	}
	fputs("</b></p>\n", f);
}

void report_widen(unsigned *first, unsigned *last)
{
	if (*first > *last)
		*first = *last = HISTOGRAM_BUCKETS / 2;
	while (*last - *first + 1 < BUCKETS_MIN) {
		*first -= *first > 0;
		*last += *last < HISTOGRAM_BUCKETS - 1;
	}
}

void report_histogram(
	FILE *f, const struct histogram *histogram, unsigned first, unsigned last)
{
	uint64_t tallest = 1;
	unsigned k;
	double width = 100.0 / (last - first + 1);

	if (histogram->count == 0) {
		fputs("<p class=missing>none so far</p>\n", f);
		return;
	}
	for (k = first; k <= last; k++)
		if (histogram->bucket[k] > tallest)
			tallest = histogram->bucket[k];
	fputs("<svg class=histogram role=img aria-label=\"a histogram of durations\">", f);
	grid(f, tallest);
	for (k = first; k <= last; k++)
		if (histogram->bucket[k])
			bar(f, histogram, k, (k - first) * width, width, tallest);
	ticks(f, first, last);
	fputs("</svg>\n", f);
	caption(f, histogram);
}
