/* SPDX-License-Identifier: MIT */
/* The section of one arena: how full, where, who waits, who takes from whom, and who is there. */

#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

/* Maps of more cores stand one below the other. */
#define CORES_ABREAST 5u

/* Of a table that is open to begin with. */
#define ROWS_OPEN 32u

static void fact(FILE *f, const char *words)
{
	fprintf(f, "<span>%s", words);
}

static void head(FILE *f, const json_t *arena)
{
	const json_t *memory = json_object_get(arena, "memory");
	const char *state = answer_string(arena, "state");

	fputs("<header><h2>", f);
	report_text(f, answer_string(arena, "name"));
	fprintf(f, "</h2> <em class=\"pill %s\">", strcmp(state, "served") ? "warn" : "good");
	report_text(f, state);
	fputs("</em><p class=facts>", f);
	fact(f, "<b>");
	report_bytes(f, answer_number(arena, "size_bytes"));
	fputs("</b>, ", f);
	report_bytes(f, answer_number(memory, "resident_bytes"));
	fputs(" of it resident</span> ", f);
	fact(f, "<b>");
	report_number(f, json_array_size(json_object_get(arena, "clients")));
	fputs("</b> of at most ", f);
	report_number(f, answer_number(arena, "max_clients"));
	fputs(" clients</span> ", f);
	if (answer_number(arena, "quota_bytes")) {
		fact(f, "quota <b>");
		report_bytes(f, answer_number(arena, "quota_bytes"));
		fputs("</b> a client</span> ", f);
	}
	if (answer_number(arena, "quota_leases")) {
		fact(f, "quota <b>");
		report_number(f, answer_number(arena, "quota_leases"));
		fputs("</b> leases a client</span> ", f);
	}
	fact(f, "id ");
	fprintf(f, "%" JSON_INTEGER_FORMAT "</span></p></header>\n",
		json_integer_value(json_object_get(arena, "id")));
}

static void occupancy(FILE *f, const json_t *arena)
{
	json_t *class_;
	size_t i;

	fputs("<h3>How full each class is</h3>\n", f);
	json_array_foreach(json_object_get(arena, "classes"), i, class_)
		report_occupancy(f, arena, class_);
	report_occupancy_legend(f);
}

/* As the clients tell it, or else as it was traced. */
static struct histogram waits_of(const json_t *class_, const json_t *traced, size_t index)
{
	struct histogram waits = { 0 };
	json_t *other, *core;
	size_t i, j;

	histogram_add(&waits, json_object_get(class_, "waits"));
	if (waits.is_there)
		return waits;
	json_array_foreach(json_object_get(traced, "classes"), i, other)
		if (answer_number(other, "class") == index)
			json_array_foreach(json_object_get(other, "cores"), j, core)
				histogram_add(&waits, json_object_get(core, "waits"));
	/* Of classes in which nothing happened the tracing is silent. */
	waits.is_there = traced != NULL;
	return waits;
}

/* One axis for all classes, so that they can be compared. */
static void share_axis(const json_t *arena, const json_t *traced, unsigned *first, unsigned *last)
{
	unsigned low, high;
	struct histogram waits;
	json_t *class_;
	size_t i;

	*first = HISTOGRAM_BUCKETS - 1;
	*last = 0;
	json_array_foreach(json_object_get(arena, "classes"), i, class_) {
		waits = waits_of(class_, traced, i);
		if (!histogram_range(&waits, &low, &high))
			continue;
		*first = low < *first ? low : *first;
		*last = high > *last ? high : *last;
	}
	report_widen(first, last);
}

static void waits_figure(FILE *f, const json_t *arena, const json_t *class_,
	const struct histogram *waits, unsigned first, unsigned last)
{
	fputs("<figure><figcaption><b>", f);
	report_class(f, arena, class_);
	fputs("</b>", f);
	if (answer_number(class_, "wait_timeouts_total")) {
		fputs(" <em class=warn>", f);
		report_number(f, answer_number(class_, "wait_timeouts_total"));
		fputs(" timed out</em>", f);
	}
	fputs("</figcaption>\n", f);
	report_histogram(f, waits, first, last);
	fputs("</figure>\n", f);
}

static void waiting(FILE *f, const json_t *stats, const json_t *arena, const json_t *traced)
{
	unsigned first, last;
	bool is_told = false;
	struct histogram waits;
	json_t *class_;
	size_t i;

	fputs("<h3>How long rents waited for a slot</h3>\n", f);
	share_axis(arena, traced, &first, &last);
	fputs("<div class=small-multiples>", f);
	json_array_foreach(json_object_get(arena, "classes"), i, class_) {
		waits = waits_of(class_, traced, i);
		if (!waits.is_there)
			continue;
		is_told = true;
		waits_figure(f, arena, class_, &waits, first, last);
	}
	fputs("</div>\n", f);
	if (!is_told)
		report_missing(f, stats);
	else
		fputs("<p class=note>Waits that ended, by how long they took; each bar stands for "
		      "times up to twice those of the one before, and &quot;within&quot; is the "
		      "upper bound of a bar. The axis of time is the same for all classes, that of "
		      "counts is not.</p>\n", f);
}

static void stealing(FILE *f, const json_t *stats, const json_t *traced)
{
	fputs("<h3>Who took segments from whom</h3>\n", f);
	if (traced && json_object_get(traced, "steals"))
		report_steals_map(f, traced);
	else
		report_missing(f, stats);
}

static size_t n_cores(const json_t *arena)
{
	const json_t *class_ = json_array_get(json_object_get(arena, "classes"), 0);

	return json_array_size(json_object_get(class_, "cores"));
}

static void clients(FILE *f, const json_t *stats, const json_t *arena)
{
	fputs("<h3>Clients <small>", f);
	report_number(f, json_array_size(json_object_get(arena, "clients")));
	fputs("</small></h3>\n", f);
	report_clients(f, stats, arena);
}

/* Long tables are folded up: of many cores there are many rows. */
static void fold(FILE *f, const char *title, size_t rows)
{
	fprintf(f, "<details%s><summary><h3>%s</h3></summary>\n",
		rows <= ROWS_OPEN ? " open" : "", title);
}

static size_t n_pairs(const json_t *arena)
{
	return n_cores(arena) * json_array_size(json_object_get(arena, "classes"));
}

void report_arena(FILE *f, const json_t *stats, const json_t *arena)
{
	const json_t *traced = report_traced_of(stats, arena);

	fputs("<section class=card>", f);
	head(f, arena);
	occupancy(f, arena);
	fprintf(f, "<div class=%s><div><h3>Which core holds what</h3>\n",
		n_cores(arena) <= CORES_ABREAST ? "halves" : "stack");
	report_cores_map(f, arena);
	fputs("</div><div>", f);
	stealing(f, stats, traced);
	fputs("</div></div>\n", f);
	waiting(f, stats, arena, traced);
	clients(f, stats, arena);
	fold(f, "What each core did", n_pairs(arena));
	report_cores(f, arena);
	fputs("</details>\n", f);
	if (traced) {
		fold(f, "What was traced", n_pairs(arena));
		report_traced(f, arena, traced);
		fputs("</details>\n", f);
	}
	fputs("</section>\n", f);
}
