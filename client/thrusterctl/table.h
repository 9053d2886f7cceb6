/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TABLE_H
#define CLIENT_THRUSTERCTL_TABLE_H

/* Figures in columns for people: as wide as they must be, text to the left, numbers to the right.
 */

#include <stddef.h>
#include <stdint.h>

#define TABLE_COLUMNS_MAX 16u

struct table {
	size_t n_columns, n_cells;
	const char *titles[TABLE_COLUMNS_MAX]; /* one that begins with '<' is of text, without it */
	char (*cells)[32];
};

/* `titles` ends with NULL and must outlive the table. */
void table_init(struct table *table, const char *const *titles);
void table_fini(struct table *table);

/* The next cell, row by row. A text that is too long for a cell is cut. */
void table_add(struct table *table, const char *text);
void table_add_number(struct table *table, uint64_t number);

/* "-" for 0, else 4096 -> "4.0K", in powers of 1024. */
void table_add_bytes(struct table *table, uint64_t bytes);
void table_write_bytes(char *text, size_t size, uint64_t bytes); /* 0 is "0" */

/* 1500000000 -> "1.5s". */
void table_add_duration(struct table *table, uint64_t ns);

void table_print(const struct table *table);

#endif
