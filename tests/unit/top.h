/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_TOP_H
#define TESTS_UNIT_TOP_H

/* Two answers, made up as a test needs them, and what thrusterctl top makes of them. */

#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/top/layout.h"
#include "client/thrusterctl/top/text.h"
#include "client/thrusterctl/top/view.h"

#define LARGEST "9223372036854775807"

static struct top_samples samples;
static struct top_row *rows;
static size_t n_rows;
static struct top_choice choice;
static const struct top_table *table;

static inline void clean_up(void)
{
	free(rows);
	top_samples_fini(&samples);
}

/* JSON with single quotes, for which C has more sympathy. */
static inline json_t *__attribute__((format(printf, 1, 2))) json(const char *format, ...)
{
	static char text[16384];
	json_error_t error;
	va_list arguments;
	json_t *root;
	char *c;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	for (c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	root = json_loads(text, 0, &error);
	cr_assert(root, "%s: %s", error.text, text);
	return root;
}

/* An answer of a daemon's nth run, after so many ms, with these arenas. */
static inline void push(unsigned ms, unsigned run, const char *arenas)
{
	top_samples_push(&samples,
		json("{'timestamp_monotonic_ns': %u000000, 'timestamp_realtime_ns': %u000000,"
		     " 'daemon': {'started_realtime_ns': %u, 'runs_total': %u},"
		     " 'arenas': [%s]}",
			ms, ms, run + 1, run, arenas));
}

/* One class with so many rents and, on its core, restarts. */
static inline const char *arena(unsigned id, unsigned long long rents, unsigned long long exhausted)
{
	static char text[2][1024];
	static unsigned n;

	snprintf(text[n ^= 1], sizeof(text[0]),
		"{'name': 'a', 'id': %u, 'clients': [], 'classes': [{'slot_bytes': 1024,"
		" 'slots': 100, 'leased': 25, 'leased_peak': 50, 'rents_total': %llu,"
		" 'exhausted_total': %llu, 'cores': []}]}", id, rents, exhausted);
	return text[n];
}

/* Rows of the table that takes them from `source`, by its own order. */
static inline void make(enum top_source source)
{
	for (table = top_tables; table->source != source; table++)
		;
	if (!choice.filter)
		choice = (struct top_choice){ .filter = "", .sort = table->sort };
	free(rows);
	rows = NULL;
	cr_assert_eq(top_rows_make(&rows, &n_rows, &samples, table, &choice), 0);
}

static inline size_t column_of(const char *title)
{
	size_t i;

	for (i = 0; i < top_n_columns(table); i++)
		if (strcmp(table->columns[i].title, title) == 0)
			return i;
	cr_assert_fail("no column %s", title);
	return 0;
}

static inline double value(size_t row, const char *title)
{
	cr_assert_lt(row, n_rows);
	return top_value(&samples, &rows[row], &table->columns[column_of(title)]);
}

static inline const char *cell(size_t row, const char *title)
{
	static char text[TOP_CELL_MAX];
	const struct top_column *column = &table->columns[column_of(title)];

	cr_assert_lt(row, n_rows);
	top_write_cell(text, &samples, &rows[row], column, column->width);
	return text;
}

#define must_be(a, b) cr_expect_float_eq(a, (double)(b), 1e-6, "%g is not %g", a, (double)(b))

#endif
