/* SPDX-License-Identifier: MIT */
/*
 * Heat maps are tables: they can be read aloud, copied and scrolled, and their figures are text. A
 * cell's shade is linear, from nothing at 0 to full at the end of the scale that stands below.
 */

#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

#define CORES_MAX 4096u
#define DARK 0.74 /* a shade on which letters change their colour */

void report_shade(FILE *f, uint64_t part, uint64_t all)
{
	double v = report_percent(part, all) / 100;

	fprintf(f, "<td class=\"heat%s\" style=\"--v:%.3f\"", v > DARK ? " dark" : "", v);
}

void report_scale(FILE *f, const char *kind, uint64_t to, const char *words)
{
	fprintf(f, "<p class=\"scale %s\">0<i></i>", kind);
	report_number(f, to);
	fprintf(f, "%s</p>\n", words);
}

/* Cores that hold anything in any class. */
static unsigned mark_cores(const json_t *arena, bool *is_holding)
{
	json_t *class_, *core;
	unsigned n = 0;
	uint64_t id;
	size_t i, j;

	json_array_foreach(json_object_get(arena, "classes"), i, class_)
		json_array_foreach(json_object_get(class_, "cores"), j, core) {
			id = answer_number(core, "core");
			if (id >= CORES_MAX || is_holding[id] || !answer_number(core, "slots"))
				continue;
			is_holding[id] = true;
			n++;
		}
	return n;
}

static void core_cell(FILE *f, const json_t *core, bool with_text)
{
	uint64_t held = answer_number(core, "slots"), leased = answer_number(core, "leased");

	if (held == 0) {
		fprintf(f, "<td class=none title=\"core %u holds nothing\">·</td>",
			(unsigned)answer_number(core, "core"));
		return;
	}
	report_shade(f, leased, held);
	fprintf(f, " title=\"core %u: ", (unsigned)answer_number(core, "core"));
	report_number(f, leased);
	fputs(" of ", f);
	report_number(f, held);
	fputs(" slots leased\">", f);
	if (with_text) {
		report_number(f, leased);
		fputs("<small>of ", f);
		report_number(f, held);
		fputs("</small>", f);
	}
	fputs("</td>", f);
}

static void core_row(FILE *f, const json_t *arena, const json_t *class_, const bool *is_holding,
	bool with_text)
{
	json_t *core;
	uint64_t id;
	size_t i;

	fputs("<tr><th scope=row>", f);
	report_class(f, arena, class_);
	fputs("</th>", f);
	json_array_foreach(json_object_get(class_, "cores"), i, core) {
		id = answer_number(core, "core");
		if (id < CORES_MAX && is_holding[id])
			core_cell(f, core, with_text);
	}
	fprintf(f, "<td class=\"aside%s\">", answer_number(class_, "unheld") ? "" : " zero");
	report_number(f, answer_number(class_, "unheld"));
	fputs("</td></tr>\n", f);
}

void report_cores_map(FILE *f, const json_t *arena)
{
	bool is_holding[CORES_MAX] = { false };
	unsigned n = mark_cores(arena, is_holding), id;
	bool with_text = n <= REPORT_CORES_WITH_TEXT;
	json_t *class_;
	size_t i;

	if (n == 0) {
		fputs("<p class=missing>No core holds anything yet: nobody has rented here.</p>\n",
			f);
		return;
	}
	fprintf(f, "<div class=scroll><table class=\"map%s\"><tr><th scope=col>class</th>",
		with_text ? "" : " dense");
	for (id = 0; id < CORES_MAX; id++)
		if (is_holding[id])
			fprintf(f, "<th scope=col>%s%u</th>", with_text ? "core " : "", id);
	fputs("<th scope=col class=aside>free, nobody&#39;s</th></tr>\n", f);
	json_array_foreach(json_object_get(arena, "classes"), i, class_)
		core_row(f, arena, class_, is_holding, with_text);
	fputs("</table></div>\n", f);
	report_scale(f, "blue", 100,
		"\u202f% of the slots that the core holds are leased, by whomever; "
		"a point: it holds none. Slots that a thread holds are in no column.");
}
