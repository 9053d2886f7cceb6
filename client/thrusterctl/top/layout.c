/* SPDX-License-Identifier: MIT */
/*
 * First what must be there, then some room for names and bars, then further columns by rank, and
 * what is left to names and bars again.
 */

#include <stdio.h>
#include <string.h>
#include "client/thrusterctl/top/layout.h"
#include "client/thrusterctl/top/text.h"

#define RANK_MAX 2
#define TEXT_IDEAL 16
#define BAR_IDEAL 25
#define BAR_MAX 45

struct plan {
	const struct top_table *table;
	bool is_shown[TOP_COLUMNS_MAX];
	int width[TOP_COLUMNS_MAX], need[TOP_COLUMNS_MAX];
	int left;
};

/* As wide as the widest that stands in it, for what must not be abridged or may be long. */
static int need_of(const struct top_column *column, const struct top_row *rows, size_t n_rows)
{
	int need = column->width, length;
	char text[24];
	size_t i;

	if (column->kind == TOP_FILL)
		return BAR_MAX;
	for (i = 0; i < n_rows && (column->kind == TOP_ID || top_is_text(column)); i++) {
		if (column->kind == TOP_ID)
			length = snprintf(text, sizeof(text), "%.0f",
				top_number(rows[i].now, column->field));
		else
			length = (int)strlen(top_text(&rows[i], column));
		need = length > need ? length : need;
	}
	return need;
}

static bool try_show(struct plan *plan, size_t i)
{
	if (plan->is_shown[i] || plan->left < plan->width[i] + 1)
		return plan->is_shown[i];
	plan->left -= plan->width[i] + 1;
	plan->is_shown[i] = true;
	return true;
}

static void grow(struct plan *plan, size_t i, int to)
{
	int more = (to < plan->need[i] ? to : plan->need[i]) - plan->width[i];

	if (!plan->is_shown[i] || more <= 0)
		return;
	if (more > plan->left)
		more = plan->left;
	plan->width[i] += more;
	plan->left -= more;
}

static void grow_all(struct plan *plan, size_t n, int text, int bar)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (plan->table->columns[i].kind == TOP_FILL)
			grow(plan, i, bar);
		else if (top_is_text(&plan->table->columns[i]))
			grow(plan, i, text);
	}
}

void top_layout_make(struct top_layout *layout, const struct top_table *table,
	const struct top_row *rows, size_t n_rows, size_t sort, int width)
{
	struct plan plan = { .table = table, .left = width };
	size_t i, n = top_n_columns(table);
	int rank, x = 0;

	layout->n = 0;
	layout->is_narrow = false;
	for (i = 0; i < n; i++) {
		plan.need[i] = need_of(&table->columns[i], rows, n_rows);
		if (plan.need[i] < layout->need[i])
			plan.need[i] = layout->need[i];
		layout->need[i] = plan.need[i];
		plan.width[i] = table->columns[i].kind == TOP_ID ? plan.need[i] :
								   table->columns[i].width;
	}
	try_show(&plan, sort);
	for (i = 0; i < n; i++)
		if (table->columns[i].rank == 0 && !try_show(&plan, i))
			layout->is_narrow = true;
	grow_all(&plan, n, TEXT_IDEAL, BAR_IDEAL);
	for (rank = 1; rank <= RANK_MAX; rank++)
		for (i = 0; i < n; i++)
			if (table->columns[i].rank == rank)
				try_show(&plan, i);
	grow_all(&plan, n, TOP_CELL_MAX, BAR_MAX);
	for (i = 0; i < n; i++) {
		if (!plan.is_shown[i])
			continue;
		layout->places[layout->n++] = (struct top_place){ i, x + 1, plan.width[i] };
		x += plan.width[i] + 1;
	}
}
