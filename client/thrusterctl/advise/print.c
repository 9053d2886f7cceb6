/* SPDX-License-Identifier: MIT */
/* What is advised, for people: the figures in a table, and then why, class by class. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/advise/arena.h"
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/table.h"

#define COLUMNS 80
#define INDENT 8

static void add_unmet(struct table *table, const struct advise_figures *f)
{
	if (f->exhausted && !(f->knows_waiters && f->waiters_peak))
		table_add(table, "?");
	else
		table_add_number(table, f->exhausted ? f->waiters_peak : 0);
}

static void print_table(const struct advise_arena *a)
{
	static const char *const titles[] = { "CLASS", "SLOTS", "PEAK", "EXHAUSTED", "UNMET",
		"ADVISED", NULL };
	json_t *classes = json_object_get(a->arena, "classes");
	struct table table;
	uint32_t i;

	table_init(&table, titles);
	for (i = 0; i < a->n_classes; i++) {
		table_add_bytes(&table, answer_number(json_array_get(classes, i), "slot_bytes"));
		table_add_number(&table, a->figures[i].slots);
		table_add_number(&table, a->figures[i].peak);
		table_add_number(&table, a->figures[i].exhausted);
		add_unmet(&table, &a->figures[i]);
		table_add_number(&table, a->class_[i].slots);
	}
	table_print(&table);
	table_fini(&table);
}

/* Words in lines of COLUMNS, all but the first indented. */
static void print_wrapped(const char *text)
{
	size_t column = INDENT, n;

	while (*text) {
		n = strcspn(text, " ");
		if (column + 1 + n > COLUMNS) {
			printf("\n%*s", INDENT, "");
			column = INDENT;
		}
		printf(" %.*s", (int)n, text);
		column += 1 + n;
		text += n + (text[n] == ' ');
	}
	putchar('\n');
}

static void print_reasons(const struct advise_arena *a, const struct advise_terms *terms)
{
	json_t *classes = json_object_get(a->arena, "classes");
	char *text = NULL, size_text[32];
	struct table cell;
	size_t size;
	uint32_t i;
	FILE *f;

	for (i = 0; i < a->n_classes; i++) {
		f = open_memstream(&text, &size);
		if (!f)
			return;
		advise_tell(f, &a->figures[i], terms, &a->class_[i]);
		fclose(f);
		cell = (struct table){ 0 };
		table_add_bytes(&cell, answer_number(json_array_get(classes, i), "slot_bytes"));
		snprintf(size_text, sizeof(size_text), "%s:", cell.cells[0]);
		printf("%*s", INDENT, size_text);
		print_wrapped(text);
		table_fini(&cell);
		free(text);
	}
}

void advise_arena_print(const struct advise_arena *a, const struct advise_terms *terms)
{
	const double mib = 1 << 20;

	printf("arena %s: %.1f MiB now, ", answer_string(a->arena, "name"),
		(double)answer_number(a->arena, "size_bytes") / mib);
	if (a->is_possible)
		printf("%.1f MiB as advised\n", (double)a->size_bytes / mib);
	else
		printf("and as advised larger than an arena can be\n");
	print_table(a);
	print_reasons(a, terms);
	if (a->advised_clients != a->max_clients)
		printf("max_clients %" PRIu64 ", not %" PRIu64 ": %" PRIu64 " were attached.\n",
			a->advised_clients, a->max_clients, a->clients);
	putchar('\n');
}
