/* SPDX-License-Identifier: MIT */
/*
 * The page from its head to its foot. It forbids itself everything but its own style: a browser
 * runs no script and fetches nothing here, whatever a label says.
 */

#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

static void begin_page(FILE *f, const char *host)
{
	fputs("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
	      "<meta http-equiv=Content-Security-Policy "
	      "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	      "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=color-scheme content=\"light dark\">\n<title>Thruster on ",
		f);
	report_text(f, host);
	fprintf(f, "</title>\n<style>\n%s</style></head><body>\n", report_style);
}

static void masthead(FILE *f, const char *host, const json_t *stats)
{
	const json_t *daemon = json_object_get(stats, "daemon");
	uint64_t now_ns = answer_number(stats, "timestamp_realtime_ns"),
		 since = answer_number(daemon, "started_realtime_ns");

	fputs("<header class=masthead><p class=brand>Thruster</p><h1>", f);
	report_text(f, host);
	fputs("</h1><p class=facts><span>as it was at <b>", f);
	report_time(f, now_ns);
	fputs("</b></span> <span>thrusterd <b>", f);
	report_text(f, answer_string(daemon, "version"));
	fprintf(f, "</b>, pid %u</span> <span>", (unsigned)answer_number(daemon, "pid"));
	report_text(f, answer_string(daemon, "state"));
	fputs(" since <b>", f);
	report_time(f, since);
	fputs("</b>, for ", f);
	report_duration(f, now_ns > since ? now_ns - since : 0);
	fputs("</span></p></header>\n", f);
}

struct totals {
	uint64_t arenas, slots, leased, bytes, resident, clients, seats, exhausted, waiters;
	bool has_waiters;
};

static void add_class(struct totals *t, const json_t *class_)
{
	t->slots += answer_number(class_, "slots");
	t->leased += answer_number(class_, "leased");
	t->exhausted += answer_number(class_, "exhausted_total");
	t->waiters += answer_number(class_, "waiters");
	t->has_waiters |= json_is_integer(json_object_get(class_, "waiters"));
}

static struct totals add_up(const json_t *stats)
{
	struct totals t = { 0 };
	json_t *arena, *class_;
	size_t i, j;

	json_array_foreach(json_object_get(stats, "arenas"), i, arena) {
		t.arenas++;
		t.bytes += answer_number(arena, "size_bytes");
		t.resident +=
			answer_number(json_object_get(arena, "memory"), "resident_bytes");
		t.clients += json_array_size(json_object_get(arena, "clients"));
		t.seats += answer_number(arena, "max_clients");
		json_array_foreach(json_object_get(arena, "classes"), j, class_)
			add_class(&t, class_);
	}
	return t;
}

static void begin_tile(FILE *f, const char *title)
{
	fprintf(f, "<div class=tile><h2>%s</h2><p><b>", title);
}

static void end_tile(FILE *f, uint64_t n, const char *words)
{
	fputs("</b> <span>of ", f);
	report_number(f, n);
	fprintf(f, "%s</span></p></div>\n", words);
}

static void tiles(FILE *f, const json_t *stats)
{
	const json_t *reclaim = json_object_get(stats, "reclaim");
	struct totals t = add_up(stats);

	fputs("<div class=tiles>\n", f);
	begin_tile(f, "Slots leased");
	report_number(f, t.leased);
	end_tile(f, t.slots, "");
	begin_tile(f, "Memory resident");
	report_bytes(f, t.resident);
	fputs("</b> <span>of ", f);
	report_bytes(f, t.bytes);
	fprintf(f, " in %u %s</span></p></div>\n", (unsigned)t.arenas,
		t.arenas == 1 ? "arena" : "arenas");
	begin_tile(f, "Clients attached");
	report_number(f, t.clients);
	end_tile(f, t.seats, " seats");
	begin_tile(f, "Threads waiting");
	if (t.has_waiters) {
		report_number(f, t.waiters);
		fputs("</b> <span>now</span></p></div>\n", f);
	} else {
		fputs("–</b> <span>not told by this daemon</span></p></div>\n", f);
	}
	begin_tile(f, "Rents found none free");
	report_number(f, t.exhausted);
	fputs("</b> <span>in all</span></p></div>\n", f);
	begin_tile(f, "Leases taken back");
	report_number(f, answer_number(reclaim, "leases_total"));
	fputs("</b> <span>clients lost: ", f);
	report_number(f, answer_number(reclaim, "clients_total"));
	fputs("</span></p></div>\n", f);
	fputs("</div>\n", f);
}

/* Those that are served come first: a retired one is a matter of the past. */
static void arenas(FILE *f, const json_t *stats, bool is_retired)
{
	json_t *arena;
	size_t i;

	json_array_foreach(json_object_get(stats, "arenas"), i, arena)
		if ((strcmp(answer_string(arena, "state"), "retired") == 0) == is_retired)
			report_arena(f, stats, arena);
}

static void end_page(FILE *f)
{
	fputs("<footer><p>How to read it: a bar is all slots of a class. Its two marks are the "
	      "extremes of samples, about one a second, since the arena was made; a rent that "
	      "found none free counts as a sample. What is not zero is drawn at least two "
	      "pixels wide. Shades and bars are linear; axes of time are logarithmic.</p>\n"
	      "<p>Written by <code>thrusterctl report</code> " THRUSTER_VERSION
	      ". The figures are those of <code>thrusterctl stats --json</code>; statistics.md "
	      "says what each means, and whose word it is. Labels are the clients&#39; own.</p>"
	      "</footer></body></html>\n",
		f);
}

void report_write(FILE *f, const json_t *material)
{
	const json_t *stats = json_object_get(material, "stats");
	const char *host = answer_string(material, "host");

	begin_page(f, host);
	masthead(f, host, stats);
	fputs("<main>\n", f);
	tiles(f, stats);
	report_notes(f, stats);
	arenas(f, stats, false);
	arenas(f, stats, true);
	fputs("<section class=card><h2>The oldest leases</h2>\n", f);
	report_leases(f, json_object_get(material, "leases"));
	fputs("</section>\n", f);
	report_events(f, stats);
	report_daemon(f, stats);
	fputs("</main>\n", f);
	end_page(f);
}
