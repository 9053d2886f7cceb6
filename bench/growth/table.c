/* SPDX-License-Identifier: MIT */
/* A table for each curve: a row for each point, and for each line median and spread. */

#include <stdio.h>
#include <string.h>
#include "bench/growth/curves.h"

/* Three digits are all that it is good for. */
static void write_number(char *text, size_t room, double number)
{
	snprintf(text, room, "%.*f", number < 10 ? 2 : number < 100 ? 1 : 0, number);
}

static void print_figure(const struct figure *figure)
{
	char median[16], p10[16], p90[16], text[64];

	if (figure->n == 0) {
		printf(" %22s", "absent");
		return;
	}
	write_number(median, sizeof(median), figure_quantile(figure, 0.5));
	write_number(p10, sizeof(p10), figure_quantile(figure, 0.1));
	write_number(p90, sizeof(p90), figure_quantile(figure, 0.9));
	snprintf(text, sizeof(text), "%s [%s %s]", median, p10, p90);
	printf(" %22s", text);
}

static void print_row(const struct curve *curve, unsigned point)
{
	const char *absence = NULL;
	unsigned i;

	printf("%9.0f", curve->at[point]);
	for (i = 0; i < curve->n_lines; i++) {
		const struct figure *figure = &curve->line[i].figure[point];

		print_figure(figure);
		if (figure->n == 0 && figure->absence)
			absence = figure->absence;
	}
	if (absence)
		printf("  %s", absence);
	if (curve->apart[point])
		printf("  (%s)", curve->apart[point]);
	printf("\n");
}

static void print_curve(const struct curve *curve)
{
	struct verdict verdict;
	unsigned i;

	printf("\n%s: %s, %s; median [p10 p90] of %u\n", curve->name, curve->what, curve->y,
		curve->line[0].figure[0].n);
	printf("  the design: %s\n", curve->design);
	printf("%9s", curve->x);
	for (i = 0; i < curve->n_lines; i++)
		printf(" %22s", curve->line[i].name);
	printf("\n");
	for (i = 0; i < curve->n_points; i++)
		print_row(curve, i);
	for (i = 0; i < curve->n_lines; i++)
		if (line_judge(curve, &curve->line[i], &verdict))
			printf("  %s: %s\n", curve->line[i].name, verdict.text);
}

void curves_print(void)
{
	unsigned i;

	for (i = 0; i < CURVES; i++)
		if (curves[i].is_wanted)
			print_curve(&curves[i]);
}
