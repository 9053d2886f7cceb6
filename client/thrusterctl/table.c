/* SPDX-License-Identifier: MIT */
/* Collect all cells first; then the widths are known. */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/table.h"

void table_init(struct table *table, const char *const *titles)
{
	*table = (struct table){ 0 };
	while (titles[table->n_columns] && table->n_columns < TABLE_COLUMNS_MAX) {
		table->titles[table->n_columns] = titles[table->n_columns];
		table->n_columns++;
	}
}

void table_fini(struct table *table)
{
	free(table->cells);
}

void table_add(struct table *table, const char *text)
{
	/* Grows by doubling: whenever the count is a power of two. */
	if ((table->n_cells & (table->n_cells - 1)) == 0) {
		size_t room = table->n_cells ? table->n_cells * 2 : 1;
		void *cells = realloc(table->cells, room * sizeof(*table->cells));

		if (!cells) {
			fprintf(stderr, "thrusterctl: out of memory\n");
			exit(EXIT_FAILURE);
		}
		table->cells = cells;
	}
	snprintf(table->cells[table->n_cells++], sizeof(*table->cells), "%s", text);
}

void table_add_number(struct table *table, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	table_add(table, text);
}

void table_write_bytes(char *text, size_t size, uint64_t bytes)
{
	static const char units[] = " KMGTPE";
	double n = (double)bytes;
	size_t unit = 0;

	while (n >= 1024 && unit < sizeof(units) - 2) {
		n /= 1024;
		unit++;
	}
	if (unit == 0)
		snprintf(text, size, "%" PRIu64, bytes);
	else
		snprintf(text, size, n < 10 ? "%.1f%c" : "%.0f%c", n, units[unit]);
}

void table_add_bytes(struct table *table, uint64_t bytes)
{
	char text[32];

	table_write_bytes(text, sizeof(text), bytes);
	table_add(table, bytes ? text : "-");
}

void table_add_duration(struct table *table, uint64_t ns)
{
	uint64_t s = ns / 1000000000u;
	char text[32];

	if (s < 100)
		snprintf(text, sizeof(text), "%.1fs", (double)ns / 1e9);
	else if (s < 6000)
		snprintf(text, sizeof(text), "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else if (s < 360000)
		snprintf(text, sizeof(text), "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(
			text, sizeof(text), "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
	table_add(table, text);
}

static bool is_text(const char *title)
{
	return *title == '<';
}

static void print_row(const struct table *table, const int *widths, size_t first)
{
	size_t i, n = table->n_columns;
	const char *text;

	for (i = 0; i < n; i++) {
		text = first == SIZE_MAX ? table->titles[i] + is_text(table->titles[i]) :
					   table->cells[first + i];
		if (!is_text(table->titles[i]))
			printf("%*s", widths[i], text);
		else if (i + 1 < n)
			printf("%-*s", widths[i], text);
		else
			printf("%s", text);
		if (i + 1 < n)
			printf("  ");
	}
	putchar('\n');
}

void table_print(const struct table *table)
{
	int widths[TABLE_COLUMNS_MAX], width;
	size_t i;

	for (i = 0; i < table->n_columns; i++)
		widths[i] = (int)strlen(table->titles[i] + is_text(table->titles[i]));
	for (i = 0; i < table->n_cells; i++) {
		width = (int)strlen(table->cells[i]);
		if (width > widths[i % table->n_columns])
			widths[i % table->n_columns] = width;
	}
	print_row(table, widths, SIZE_MAX);
	for (i = 0; i + table->n_columns <= table->n_cells; i += table->n_columns)
		print_row(table, widths, i);
}
