/* SPDX-License-Identifier: MIT */
/* The curves as one JSON object, every sample included, so that other statistics can be made. */

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "bench/fail.h"
#include "bench/growth/curves.h"

#define JSON_VERSION 1
#define DIGITS 6

static void set(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value) < 0)
		fail("out of memory");
}

static json_t *point_json(const struct curve *curve, const struct figure *figure, unsigned point)
{
	json_t *object = json_object(), *samples;
	unsigned i;

	set(object, "x", json_integer((json_int_t)curve->at[point]));
	if (figure->n == 0) {
		set(object, "absent", json_string(figure->absence ? figure->absence : "not run"));
		return object;
	}
	samples = json_array();
	for (i = 0; i < figure->n; i++)
		json_array_append_new(samples, json_real(figure->sample[i]));
	set(object, "median", json_real(figure_quantile(figure, 0.5)));
	set(object, "p10", json_real(figure_quantile(figure, 0.1)));
	set(object, "p90", json_real(figure_quantile(figure, 0.9)));
	set(object, "n", json_integer(figure->n));
	set(object, "samples", samples);
	if (curve->apart[point])
		set(object, "apart", json_string(curve->apart[point]));
	return object;
}

static json_t *line_json(const struct curve *curve, const struct line *line)
{
	json_t *object = json_object(), *points = json_array();
	struct verdict verdict;
	unsigned i;

	set(object, "name", json_string(line->name));
	for (i = 0; i < curve->n_points; i++)
		json_array_append_new(points, point_json(curve, &line->figure[i], i));
	set(object, "points", points);
	if (!line_judge(curve, line, &verdict))
		return object;
	set(object, "growth", json_real(verdict.growth));
	set(object, "slope", json_real(verdict.slope));
	set(object, "as_designed", line->shape == SHAPE_SILENT
		? json_null() : json_boolean(verdict.is_designed));
	set(object, "verdict", json_string(verdict.text));
	return object;
}

static json_t *curve_json(const struct curve *curve)
{
	json_t *object = json_object(), *series = json_array();
	unsigned i;

	set(object, "name", json_string(curve->name));
	set(object, "what", json_string(curve->what));
	set(object, "x", json_string(curve->x));
	set(object, "y", json_string(curve->y));
	set(object, "x_is_log", json_boolean(curve->x_is_log));
	set(object, "design", json_string(curve->design));
	for (i = 0; i < curve->n_lines; i++)
		json_array_append_new(series, line_json(curve, &curve->line[i]));
	set(object, "series", series);
	return object;
}

void curves_write_json(const char *path, bool is_quick, double seconds)
{
	json_t *top = json_object(), *list = json_array();
	size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(DIGITS);
	unsigned i;
	int r;

	for (i = 0; i < CURVES; i++)
		if (curves[i].is_wanted)
			json_array_append_new(list, curve_json(&curves[i]));
	set(top, "version", json_integer(JSON_VERSION));
	set(top, "quick", json_boolean(is_quick));
	set(top, "seconds", json_real(seconds));
	set(top, "curves", list);
	if (strcmp(path, "-") == 0)
		r = json_dumpf(top, stdout, flags);
	else
		r = json_dump_file(top, path, flags);
	if (r < 0)
		fail("cannot write %s", path);
	json_decref(top);
}
