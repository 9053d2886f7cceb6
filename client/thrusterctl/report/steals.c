/* SPDX-License-Identifier: MIT */
/*
 * Who took segments from whom: a square of the cores that gave or took any. Threads that hold by
 * themselves are not told apart; together they are one more, the last.
 */

#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

#define CORES_MAX 256u     /* more are more than anybody looks at */
#define THREADS UINT64_MAX /* instead of a core */

struct matrix {
	unsigned n;
	uint64_t core[CORES_MAX]; /* in ascending order */
	uint64_t *segments;       /* from * n + to, by places in `core` */
	uint64_t most;
	bool is_cut;
};

static uint64_t core_of(const json_t *steal, const char *key)
{
	return json_object_get(steal, key) ? answer_number(steal, key) : THREADS;
}

static unsigned place_of(const struct matrix *m, uint64_t core)
{
	unsigned at = 0;

	while (at < m->n && m->core[at] < core)
		at++;
	return at;
}

static void add_core(struct matrix *m, uint64_t core)
{
	unsigned at = place_of(m, core);

	if (at < m->n && m->core[at] == core)
		return;
	if (m->n == CORES_MAX) {
		m->is_cut = true;
		return;
	}
	memmove(&m->core[at + 1], &m->core[at], (m->n - at) * sizeof(m->core[0]));
	m->core[at] = core;
	m->n++;
}

static void add_steal(struct matrix *m, const json_t *steal)
{
	uint64_t from = core_of(steal, "from"), to = core_of(steal, "to"), *segments;
	unsigned row = place_of(m, from), column = place_of(m, to);

	if (row == m->n || m->core[row] != from || column == m->n || m->core[column] != to)
		return;
	segments = &m->segments[row * m->n + column];
	*segments += answer_number(steal, "segments");
	if (*segments > m->most)
		m->most = *segments;
}

static void fill(struct matrix *m, const json_t *steals)
{
	json_t *steal;
	size_t i;

	json_array_foreach(steals, i, steal) {
		add_core(m, core_of(steal, "from"));
		add_core(m, core_of(steal, "to"));
	}
	m->segments = calloc((size_t)m->n * m->n + 1, sizeof(m->segments[0]));
	if (!m->segments)
		return;
	json_array_foreach(steals, i, steal)
		add_steal(m, steal);
}

static void name(FILE *f, uint64_t core)
{
	if (core == THREADS)
		fputs("threads", f);
	else
		fprintf(f, "%u", (unsigned)core);
}

static void row(FILE *f, const struct matrix *m, unsigned from)
{
	uint64_t segments;
	unsigned to;

	fputs("<tr><th scope=row>from ", f);
	name(f, m->core[from]);
	fputs("</th>", f);
	for (to = 0; to < m->n; to++) {
		segments = m->segments[from * m->n + to];
		if (segments == 0) {
			fprintf(f, "<td class=none>%s</td>", from == to ? "" : "·");
			continue;
		}
		report_shade(f, segments, m->most);
		fputs(" title=\"", f);
		report_number(f, segments);
		fputs(" from ", f);
		name(f, m->core[from]);
		fputs(" to ", f);
		name(f, m->core[to]);
		fputs("\">", f);
		if (m->n <= REPORT_CORES_WITH_TEXT)
			report_number(f, segments);
		fputs("</td>", f);
	}
	fputs("</tr>\n", f);
}

static void draw(FILE *f, const struct matrix *m)
{
	bool with_text = m->n <= REPORT_CORES_WITH_TEXT;
	unsigned i;

	fprintf(f, "<div class=scroll><table class=\"map steals%s\"><tr><td></td>",
		with_text ? "" : " dense");
	for (i = 0; i < m->n; i++) {
		fprintf(f, "<th scope=col>%s", with_text ? "to " : "");
		name(f, m->core[i]);
		fputs("</th>", f);
	}
	fputs("</tr>\n", f);
	for (i = 0; i < m->n; i++)
		row(f, m, i);
	fputs("</table></div>\n", f);
	report_scale(f, "orange", m->most,
		" segments went from the core of the row to that of the column");
	if (m->is_cut)
		fprintf(f, "<p class=note>Only %u cores are shown.</p>\n", CORES_MAX);
}

void report_steals_map(FILE *f, const json_t *traced)
{
	struct matrix m = { 0 };

	fill(&m, json_object_get(traced, "steals"));
	if (m.most == 0)
		fputs("<p class=missing>No core has taken a segment from another.</p>\n", f);
	else
		draw(f, &m);
	free(m.segments);
}
