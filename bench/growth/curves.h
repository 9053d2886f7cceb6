/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GROWTH_CURVES_H
#define BENCH_GROWTH_CURVES_H

/*
 * What is measured: curves of one or more lines, each with a figure at every point. A line carries
 * what the design says of it; the verdict is made of the figures alone.
 */

#include <stdbool.h>
#include <stddef.h>

#define POINTS_MAX 8u
#define LINES_MAX 4u
#define VERDICT_SAMPLES_MIN 3u
#define SAMPLES_MAX 101u
#define QUOTED_MAX 200u

enum curve_id {
	RENT_SLOTS,
	RENT_CLASSES,
	RENT_CLIENTS,
	RENT_OCCUPANCY,
	RECLAIM_SLOTS,
	RECLAIM_CLIENTS,
	STATS_SLOTS,
	STATS_CLIENTS,
	CURVES,
};

enum shape {
	SHAPE_FLAT,
	SHAPE_LINEAR,   /* y grows by the same for each x, at most */
	SHAPE_SCARCITY, /* x in percent taken: y grows at most as what is left becomes scarce */
	SHAPE_MEMORY,   /* grows by no more ns than the curve's last line, which is memory alone */
	SHAPE_SILENT,   /* the design says nothing */
};

struct figure {
	const char *absence; /* why there is none; NULL if there is, or will be */
	unsigned n;
	double sample[SAMPLES_MAX];
};

struct line {
	const char *name;
	enum shape shape;
	double each_ns; /* what the design says that each more costs; 0: nothing */
	struct figure figure[POINTS_MAX];
};

struct curve {
	const char *name, *what, *x, *y, *design;
	bool x_is_log;
	unsigned n_lines, n_points;
	struct line line[LINES_MAX];
	double at[POINTS_MAX];
	const char *apart[POINTS_MAX]; /* why the verdict leaves the point out, or NULL */
	bool is_wanted;
};

extern struct curve curves[CURVES];

/* Those whose name has the pattern in it or matches it as a file name does; NULL: all. Returns how
 * many. Quick: few and small points. */
unsigned curves_choose(const char *pattern, bool is_quick);

bool curve_is_wanted(enum curve_id id);

/* One sample more. What is not positive was not to be had: the figure is absent. */
void curve_add(enum curve_id id, unsigned line, unsigned point, double value);

void curve_absent(enum curve_id id, unsigned point, const char *why);

/* Of a figure that has samples. */
double figure_quantile(const struct figure *figure, double part);

/* From the first point to the last of those that count: how a line grows. */
struct verdict {
	double x_from, x_to;
	double growth;    /* the last median by the first */
	double more;      /* the last median less the first */
	double memory;    /* the same of the curve's last line, where that matters */
	double slope;     /* what one more x costs at the end of the curve */
	bool is_blurred;  /* the first and the last are within each other's spread */
	bool is_designed; /* grows no more than the design says */
	char text[QUOTED_MAX];
};

/* False if there are not two points with enough samples to compare. */
bool line_judge(const struct curve *curve, const struct line *line, struct verdict *ret);

/* The report. */
void curves_print(void);
void curves_write_json(const char *path, bool is_quick, double seconds);

#endif
