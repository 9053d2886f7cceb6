/* SPDX-License-Identifier: MIT */
/*
 * Lengths: all are parts of a hundred of the room that there is, so that a page fits a telephone
 * and a wide screen alike. What is not 0 is at least 2 pixels wide (report.css), or one slot of
 * thousands could not be seen.
 */

#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

/* A slot is one of these; those of an open class that are free may be taken by anyone. */
struct parts {
	uint64_t leased, pending, takeable, walk, unheld;
};

static struct parts parts_of(const json_t *class_)
{
	uint64_t free_ = answer_number(class_, "free"), rest;
	struct parts p = {
		.pending = answer_number(class_, "pending"),
		.leased = answer_number(class_, "leased"),
		.takeable = answer_number(class_, "takeable"),
		.unheld = answer_number(class_, "unheld"),
	};

	/* Pending leases are counted as leases and the leased as slots: a run is several. */
	p.pending = p.pending < p.leased ? p.pending : p.leased;
	p.leased -= p.pending;
	if (strcmp(answer_string(class_, "claim"), "open") == 0)
		p.takeable = free_;
	rest = free_ > p.takeable ? free_ - p.takeable : 0;
	p.unheld = p.unheld < rest ? p.unheld : rest;
	p.walk = rest - p.unheld;
	return p;
}

static void part(FILE *f, const char *kind, const char *words, uint64_t n, uint64_t all)
{
	if (n == 0)
		return;
	fprintf(f, "<i class=%s style=\"width:%.3f%%\" title=\"", kind, report_percent(n, all));
	report_number(f, n);
	fprintf(f, " %s\"></i>", words);
}

/* A triangle above or below the bar. */
static void mark(FILE *f, const char *kind, const char *words, uint64_t n, uint64_t at,
	uint64_t all)
{
	fprintf(f, "<u class=%s style=\"left:%.3f%%\" title=\"%s ", kind,
		report_percent(at < all ? at : all, all), words);
	report_number(f, n);
	fputs("\"></u>", f);
}

static void bar(FILE *f, const json_t *class_)
{
	uint64_t slots = answer_number(class_, "slots"), least = answer_number(class_, "free_min"),
		 peak = answer_number(class_, "leased_peak");
	struct parts p = parts_of(class_);

	fputs("<div class=bar role=img aria-label=\"", f);
	report_number(f, p.leased + p.pending);
	fputs(" of ", f);
	report_number(f, slots);
	fputs(" slots leased\"><div class=track>", f);
	part(f, "leased", "leased", p.leased, slots);
	part(f, "pending", "pending", p.pending, slots);
	part(f, "takeable", "free to take", p.takeable, slots);
	part(f, "walk", "free, found by the next walk", p.walk, slots);
	part(f, "unheld", "free, held by no core", p.unheld, slots);
	fputs("</div>", f);
	mark(f, "peak", "most leased at once:", peak, peak, slots);
	mark(f, "low", "fewest free at once:", least, slots > least ? slots - least : 0, slots);
	fputs("</div>\n", f);
}

static void figure(FILE *f, const json_t *class_, const char *key, const char *word)
{
	fputs("<span><b>", f);
	report_number(f, answer_number(class_, key));
	fprintf(f, "</b>%s</span>", word);
}

/* What is mostly 0 and worth a line if not. */
static void asides(FILE *f, const json_t *class_)
{
	static const struct {
		const char *key, *words;
		bool is_bad;
	} all[] = {
		{ "exhausted_total", "rents that found none free", true },
		{ "waiters", "threads waiting now", true },
		{ "wait_timeouts_total", "waits that timed out", true },
		{ "pending", "handed over, not yet accepted", false },
	};
	size_t i, n = 0;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (answer_number(class_, all[i].key) == 0)
			continue;
		fprintf(f, "%s<span>%s: <b%s>", n++ ? " " : "<p class=asides>", all[i].words,
			all[i].is_bad ? " class=warn" : "");
		report_number(f, answer_number(class_, all[i].key));
		fputs("</b></span>", f);
	}
	if (n)
		fputs("</p>", f);
}

void report_occupancy(FILE *f, const json_t *arena, const json_t *class_)
{
	uint64_t leased = answer_number(class_, "leased"), slots = answer_number(class_, "slots");

	fputs("<div class=class><div class=name><b>", f);
	report_class(f, arena, class_);
	fputs("</b><span>", f);
	report_number(f, slots);
	fputs(" slots, ", f);
	report_text(f, answer_string(class_, "claim"));
	fputs(" class</span></div>\n<div>", f);
	bar(f, class_);
	asides(f, class_);
	fputs("</div><div class=figures><span class=share><b>", f);
	report_share(f, leased, slots);
	fputs("</b>leased</span>", f);
	figure(f, class_, "leased", "slots");
	figure(f, class_, "free", "free");
	figure(f, class_, "leased_peak", "at peak");
	figure(f, class_, "free_min", "least free");
	fputs("</div></div>\n", f);
}

void report_occupancy_legend(FILE *f)
{
	fputs("<p class=legend><span><i class=leased></i>leased</span> "
	      "<span><i class=pending></i>handed over, not yet accepted</span> "
	      "<span><i class=takeable></i>free to take at once</span> "
	      "<span><i class=walk></i>free, found by its holder&#39;s next walk</span> "
	      "<span><i class=unheld></i>free, held by no core</span> "
	      "<span><u class=peak></u>most ever leased</span> "
	      "<span><u class=low></u>fewest ever free</span></p>\n",
		f);
}

void report_split(FILE *f, uint64_t a, uint64_t b, const char *title)
{
	if (a + b == 0) {
		fputs("<td class=\"word zero\">–</td>", f);
		return;
	}
	fprintf(f, "<td class=split title=\"%s\"><div class=track><i class=local "
		   "style=\"width:%.2f%%\"></i><i class=remote style=\"width:%.2f%%\"></i></div>"
		   "</td>",
		title, report_percent(a, a + b), report_percent(b, a + b));
}

void report_length(FILE *f, uint64_t n, uint64_t longest)
{
	fprintf(f, "<div class=length><i style=\"width:%.2f%%\"></i></div>",
		report_percent(n, longest));
}
