/* SPDX-License-Identifier: MIT */
/* What the tracing saw last, event by event, the latest first. */

#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

#define EVENTS_MAX 20u

static const char *words_of(const char *event)
{
	static const struct {
		const char *event, *words;
	} known[] = {
		{ "exhausted", "a rent found none free" },
		{ "long_wait", "a long wait" },
		{ "reclaim", "reclaimed" },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(event, known[i].event) == 0)
			return known[i].words;
	return event;
}

/* An arena's class by its number; NULL if either is gone. Of two arenas of one name the later. */
static const json_t *find_class(const json_t *stats, const json_t *event, const json_t **ret_arena)
{
	const json_t *found = NULL;
	json_t *arena;
	size_t i;

	json_array_foreach(json_object_get(stats, "arenas"), i, arena)
		if (strcmp(answer_string(arena, "name"), answer_string(event, "arena")) == 0) {
			*ret_arena = arena;
			found = json_array_get(json_object_get(arena, "classes"),
				answer_number(event, "class"));
		}
	return found;
}

static void how_much(FILE *f, const json_t *event)
{
	fputs("<td>", f);
	if (json_object_get(event, "wait_ns"))
		report_duration(f, answer_number(event, "wait_ns"));
	if (json_object_get(event, "leases")) {
		report_number(f, answer_number(event, "leases"));
		fputs(" leases", f);
	}
	fputs("</td>", f);
}

static void row(FILE *f, const json_t *stats, const json_t *event)
{
	uint64_t now = answer_number(stats, "timestamp_monotonic_ns"),
		 then = answer_number(event, "monotonic_ns");
	const json_t *arena = NULL, *class_ = find_class(stats, event, &arena);

	fputs("<tr><td>", f);
	report_duration(f, now > then ? now - then : 0);
	fputs(" ago</td><td class=word>", f);
	report_text(f, words_of(answer_string(event, "event")));
	fputs("</td>", f);
	report_cell(f, event, "arena");
	fputs("<td class=word>", f);
	/* A reclaim is of all classes. */
	if (class_ && !json_object_get(event, "leases"))
		report_class(f, arena, class_);
	fputs("</td>", f);
	how_much(f, event);
	report_id(f, event, "client_id");
	fputs("</tr>\n", f);
}

void report_events(FILE *f, const json_t *stats)
{
	const json_t *events =
		json_object_get(json_object_get(stats, "contention"), "events");
	size_t n = json_array_size(events), i;

	if (n == 0)
		return;
	fputs("<section class=card><h2>What the tracing saw last</h2>\n<div class=scroll>"
	      "<table class=figures><thead><tr><th scope=col>when</th>"
	      "<th scope=col class=word>what</th><th scope=col class=word>arena</th>"
	      "<th scope=col class=word>class</th><th scope=col>how much</th>"
	      "<th scope=col>client</th></tr></thead><tbody>\n",
		f);
	for (i = 0; i < n && i < EVENTS_MAX; i++)
		row(f, stats, json_array_get(events, n - 1 - i));
	fputs("</tbody></table></div>\n", f);
	if (n > EVENTS_MAX) {
		fprintf(f, "<p class=note>The last %u of ", EVENTS_MAX);
		report_number(f, n);
		fputs(" that the daemon remembers.</p>\n", f);
	}
	fputs("</section>\n", f);
}
