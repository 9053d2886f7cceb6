/* SPDX-License-Identifier: MIT */
/*
 * How a line grows, from its figures. What is flat is said with some room, for medians of a few
 * samples are not exact; what grows is compared with the growth of x at the steepest place that
 * counts, the end.
 */

#include <math.h>
#include <stdio.h>
#include "bench/growth/curves.h"

#define FLAT_MAX 1.25
#define EXPONENT_MAX 1.25 /* with room for where a cache ends */
#define EACH_MAX 2.0      /* times what it is about */

struct place {
	double x, y, p10, p90;
};

/* Percent taken, as how scarce what is left has become. */
static double abscissa(enum shape shape, double x)
{
	return shape == SHAPE_SCARCITY ? 100 / (100 - x) : x;
}

static unsigned collect(const struct curve *curve, const struct line *line, struct place *places)
{
	unsigned i, n = 0;

	for (i = 0; i < curve->n_points; i++)
		if (line->figure[i].n >= VERDICT_SAMPLES_MIN && !curve->apart[i])
			places[n++] = (struct place){
				curve->at[i],
				figure_quantile(&line->figure[i], 0.5),
				figure_quantile(&line->figure[i], 0.1),
				figure_quantile(&line->figure[i], 0.9),
			};
	return n;
}

static double grown_by(const struct curve *curve, const struct line *line)
{
	struct place places[POINTS_MAX];
	unsigned n = collect(curve, line, places);

	return n ? places[n - 1].y - places[0].y : 0;
}

/* The quickest at the end are no slower than the first: the machine was too restless for more. */
static bool is_blurred(const struct place *first, const struct place *last)
{
	return last->p10 <= first->y;
}

/* y as the power of x that it is at the end of the curve. */
static double exponent(enum shape shape, const struct place *before, const struct place *last)
{
	double x = abscissa(shape, last->x) / abscissa(shape, before->x);

	return log(last->y / before->y) / log(x);
}

static double each_ns(const struct curve *curve, const struct verdict *verdict)
{
	return verdict->slope * (curve->y[0] == 'u' ? 1000 : 1);
}

static void tell(const struct curve *curve, const struct line *line, struct verdict *verdict,
	double power)
{
	enum shape shape = line->shape;
	char *text = verdict->text;
	size_t room = sizeof(verdict->text);
	int n = snprintf(text, room, "x %.3g from %.0f to %.0f %s", verdict->growth,
		verdict->x_from, verdict->x_to, curve->x);

	if (verdict->growth <= FLAT_MAX)
		n += snprintf(text + n, room - (size_t)n, ": flat");
	else if (verdict->is_blurred)
		n += snprintf(text + n, room - (size_t)n, ": flat within the spread");
	else if (shape == SHAPE_MEMORY)
		n += snprintf(text + n, room - (size_t)n,
			": %.3g ns more, and memory alone takes %.3g more", verdict->more,
			verdict->memory);
	else if (shape == SHAPE_SCARCITY)
		n += snprintf(text + n, room - (size_t)n,
			", while free slots become x %.3g scarcer",
			abscissa(shape, verdict->x_to) / abscissa(shape, verdict->x_from));
	else if (shape != SHAPE_FLAT)
		n += snprintf(text + n, room - (size_t)n,
			": at the end as x^%.2f, %.3g ns for each more", power,
			each_ns(curve, verdict));
	if (line->each_ns > 0)
		n += snprintf(text + n, room - (size_t)n, " (about %g by the design)",
			line->each_ns);
	if (shape == SHAPE_SILENT)
		return;
	snprintf(text + n, room - (size_t)n, "; %s",
		verdict->is_designed ? "as the design says" : "MORE than the design says");
}

static bool is_designed(const struct curve *curve, const struct line *line,
	const struct verdict *verdict, double power)
{
	if (line->each_ns > 0 && each_ns(curve, verdict) > EACH_MAX * line->each_ns)
		return false;
	if (verdict->growth <= FLAT_MAX || verdict->is_blurred)
		return true;
	switch (line->shape) {
	case SHAPE_MEMORY:
		return verdict->more <= verdict->memory;
	case SHAPE_LINEAR:
	case SHAPE_SCARCITY:
		return power <= EXPONENT_MAX;
	case SHAPE_SILENT:
		return true;
	default:
		return false;
	}
}

bool line_judge(const struct curve *curve, const struct line *line, struct verdict *ret)
{
	struct place places[POINTS_MAX];
	unsigned n = collect(curve, line, places);
	double power;

	if (n < 2)
		return false;
	*ret = (struct verdict){
		.x_from = places[0].x,
		.x_to = places[n - 1].x,
		.growth = places[n - 1].y / places[0].y,
		.more = places[n - 1].y - places[0].y,
		.slope = (places[n - 1].y - places[n - 2].y) / (places[n - 1].x - places[n - 2].x),
	};
	power = exponent(line->shape, &places[n - 2], &places[n - 1]);
	ret->is_blurred = is_blurred(&places[0], &places[n - 1]);
	if (line->shape == SHAPE_MEMORY)
		ret->memory = grown_by(curve, &curve->line[curve->n_lines - 1]);
	ret->is_designed = is_designed(curve, line, ret, power);
	tell(curve, line, ret, power);
	return true;
}
