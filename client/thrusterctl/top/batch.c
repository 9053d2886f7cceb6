/* SPDX-License-Identifier: MIT */
/*
 * The same tables as lines of text, all columns of them, each row with the name of its arena, so
 * that a line that is found in a log says what it is about. Each picture is made when there is an
 * answer to compare with, that is after an interval.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/top/layout.h"
#include "client/thrusterctl/top/text.h"
#include "client/thrusterctl/top/top.h"

#define NS_PER_S 1000000000

static void sleep_s(double s)
{
	struct timespec left = { (time_t)s, (long)((s - (double)(time_t)s) * NS_PER_S) };

	nanosleep(&left, NULL);
}

static int arena_width(const struct top_row *rows, size_t n)
{
	size_t i, width = strlen("ARENA");

	for (i = 0; i < n; i++)
		if (strlen(top_string(rows[i].arena, "name")) > width)
			width = strlen(top_string(rows[i].arena, "name"));
	return (int)width;
}

static bool is_last(const struct top_layout *layout, size_t i)
{
	return i + 1 == layout->n;
}

/* Text to the left, numbers to the right, and no blanks at the end of a line. */
static void print_cell(const struct top_layout *layout, size_t i, bool is_text, const char *text)
{
	int width = layout->places[i].width;

	if (!is_text)
		printf(" %*s", width, text);
	else if (is_last(layout, i))
		printf(" %s", text);
	else
		printf(" %-*s", width, text);
}

static void print_rows(const struct top_samples *samples, const struct top_table *table,
	const struct top_row *rows, size_t n, const struct top_layout *layout)
{
	int width = table->is_grouped ? arena_width(rows, n) : 0;
	const struct top_column *column;
	char text[TOP_CELL_MAX];
	size_t i, j;

	if (table->is_grouped)
		printf(" %-*s", width, "ARENA");
	for (i = 0; i < layout->n; i++) {
		column = &table->columns[layout->places[i].column];
		print_cell(layout, i, top_is_text(column), column->title);
	}
	putchar('\n');
	for (j = 0; j < n; j++) {
		if (table->is_grouped)
			printf(" %-*s", width, top_string(rows[j].arena, "name"));
		for (i = 0; i < layout->n; i++) {
			column = &table->columns[layout->places[i].column];
			top_write_cell(text, samples, &rows[j], column, layout->places[i].width);
			print_cell(layout, i, top_is_text(column), text);
		}
		putchar('\n');
	}
}

/* A percentage needs no room for a bar. */
static void fit_bars(struct top_layout *layout, const struct top_table *table)
{
	size_t i;

	for (i = 0; i < layout->n; i++)
		if (table->columns[layout->places[i].column].kind == TOP_FILL)
			layout->places[i].width = (int)strlen("LEASED");
}

static void print_table(const struct top_samples *samples, const struct top_table *table,
	const struct top_options *options)
{
	struct top_choice choice = { options->arena, "", table->sort,
		top_is_quantity(&table->columns[table->sort]) };
	struct top_layout layout = { 0 };
	struct top_row *rows;
	size_t n;

	if (top_rows_make(&rows, &n, samples, table, &choice) < 0) {
		fprintf(stderr, "thrusterctl: out of memory\n");
		exit(EXIT_ERROR);
	}
	top_layout_make(&layout, table, rows, n, table->sort, TOP_LINE_MAX);
	fit_bars(&layout, table);
	if (strcasecmp(table->view, table->name) == 0)
		printf("\n%s\n", table->view);
	else
		printf("\n%s, %s\n", table->view, table->name);
	if (n > 0)
		print_rows(samples, table, rows, n, &layout);
	else
		printf(" no %s\n", table->rows);
	free(rows);
}

static void print_time(const json_t *answer)
{
	double ns = top_number(answer, "timestamp_realtime_ns");
	time_t s = (time_t)(ns / NS_PER_S);
	char text[64];
	struct tm tm;

	if (localtime_r(&s, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &tm))
		printf("%s  ", text);
}

static void print_picture(const struct top_samples *samples, const struct top_options *options)
{
	char text[TOP_LINE_MAX];
	size_t i;

	print_time(samples->now);
	top_write_daemon(text, sizeof(text), samples->now);
	printf("%s\n", text);
	top_write_totals(text, sizeof(text), samples, options->arena);
	printf("%s\n", text);
	top_write_ebpf(text, sizeof(text), samples->now);
	printf("%s\n", text);
	for (i = 0; i < top_n_tables; i++)
		if (top_tables[i].source < TOP_EBPF_CORES ||
			top_field(samples->now, "contention.arenas"))
			print_table(samples, &top_tables[i], options);
	putchar('\n');
	fflush(stdout);
}

enum exit_status top_batch(
	const struct command *command, const struct top_options *options, json_t *first)
{
	struct top_samples samples = { 0 };
	enum exit_status status = EXIT_OK;
	unsigned long n;
	json_t *answer;

	top_samples_push(&samples, first);
	for (n = 0; (options->iterations == 0 || n < options->iterations) && !ferror(stdout); n++) {
		sleep_s(options->interval);
		status = answer_get(&answer, command, WIRE_QUESTION_STATS, 0);
		if (status != EXIT_OK)
			continue;
		top_samples_push(&samples, answer);
		print_picture(&samples, options);
	}
	top_samples_fini(&samples);
	return status;
}
