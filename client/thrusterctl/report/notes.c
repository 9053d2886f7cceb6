/* SPDX-License-Identifier: MIT */
/*
 * What one should look at, in sentences, each by a rule that is plain: something is at its end, is
 * over its bound, or is broken. No guesses.
 */

#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

struct notes {
	FILE *f;
	unsigned n;
};

static bool is_retired(const json_t *arena)
{
	return strcmp(answer_string(arena, "state"), "retired") == 0;
}

/* The caller ends the item. */
static void begin(struct notes *notes, const char *kind)
{
	fprintf(notes->f, "<li class=%s>", kind);
	notes->n++;
}

static void whose(struct notes *notes, const json_t *arena, const json_t *class_)
{
	fputs("<b>", notes->f);
	report_text(notes->f, answer_string(arena, "name"));
	if (class_) {
		fputs(", ", notes->f);
		report_class(notes->f, arena, class_);
	}
	fputs(is_retired(arena) ? "</b> (retired): " : "</b>: ", notes->f);
}

static void end(struct notes *notes, uint64_t n, const char *words)
{
	fprintf(notes->f, "%s: ", words);
	report_number(notes->f, n);
	fputs("</li>\n", notes->f);
}

static void of_class(struct notes *notes, const json_t *arena, const json_t *class_)
{
	uint64_t exhausted = answer_number(class_, "exhausted_total"),
		 waiters = answer_number(class_, "waiters"),
		 timeouts = answer_number(class_, "wait_timeouts_total");

	if (answer_number(class_, "free") == 0) {
		begin(notes, "bad");
		whose(notes, arena, class_);
		fputs("all slots are leased</li>\n", notes->f);
	}
	if (exhausted) {
		begin(notes, "warn");
		whose(notes, arena, class_);
		end(notes, exhausted,
			"rents that found no free slot in the class, since it was made");
	}
	if (waiters) {
		begin(notes, "warn");
		whose(notes, arena, class_);
		end(notes, waiters, "threads that wait for a slot now");
	}
	if (timeouts) {
		begin(notes, "warn");
		whose(notes, arena, class_);
		end(notes, timeouts, "waits that ended without a slot");
	}
}

static void of_clients(struct notes *notes, const json_t *arena)
{
	uint64_t over = 0, refused = 0;
	json_t *client;
	size_t i;

	json_array_foreach(json_object_get(arena, "clients"), i, client) {
		over += json_is_true(json_object_get(client, "over_quota"));
		refused += answer_number(client, "refused_total") != 0;
	}
	if (over) {
		begin(notes, "warn");
		whose(notes, arena, NULL);
		end(notes, over, "clients that are over the quota");
	}
	if (refused) {
		begin(notes, "warn");
		whose(notes, arena, NULL);
		end(notes, refused, "clients that gave back leases that were stale or not theirs");
	}
}

static void of_arena(struct notes *notes, const json_t *arena)
{
	json_t *class_;
	size_t i;

	json_array_foreach(json_object_get(arena, "classes"), i, class_)
		of_class(notes, arena, class_);
	of_clients(notes, arena);
	if (is_retired(arena)) {
		begin(notes, "info");
		whose(notes, arena, NULL);
		fputs("it stays until its last client leaves</li>\n", notes->f);
	}
}

static void of_daemon(struct notes *notes, const json_t *stats)
{
	const json_t *daemon = json_object_get(stats, "daemon"),
		     *ebpf = json_object_get(json_object_get(stats, "contention"), "ebpf");
	static const struct {
		const char *object, *key, *words;
	} faults[] = {
		{ "integrity", "audit_faults_total", "audits that found a broken rule" },
		{ "daemon", "set_aside_total", "arenas that were found damaged and set aside" },
		{ "daemon", "protocol_violations_total", "messages that broke the protocol" },
		{ "daemon", "connections_refused_total",
			"connections that were refused because there were too many" },
	};
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		uint64_t n = answer_number(json_object_get(stats, faults[i].object), faults[i].key);

		if (n == 0)
			continue;
		begin(notes, i < 2 ? "bad" : "warn");
		end(notes, n, faults[i].words);
	}
	if (answer_number(ebpf, "lost_events")) {
		begin(notes, "warn");
		end(notes, answer_number(ebpf, "lost_events"),
			"events that the tracing lost, so that its figures are too low");
	}
	if (answer_number(daemon, "runs_total") > 1) {
		begin(notes, "info");
		end(notes, answer_number(daemon, "runs_total"),
			"runs of the daemon with this state, the present one included");
	}
}

/* Collected first: the heading is about how many there are. */
void report_notes(FILE *f, const json_t *stats)
{
	char *items = NULL;
	struct notes notes = { 0 };
	json_t *arena;
	size_t size, i;

	notes.f = open_memstream(&items, &size);
	if (!notes.f)
		return;
	json_array_foreach(json_object_get(stats, "arenas"), i, arena)
		of_arena(&notes, arena);
	of_daemon(&notes, stats);
	fclose(notes.f);
	if (notes.n)
		fprintf(f, "<section class=card><h2>Worth a look</h2><ul class=notes>%s</ul>"
			   "</section>\n", items);
	else
		fputs("<section class=\"card calm\"><p>Nothing stands out: no class ran out, "
		      "nobody waits, nothing was found broken.</p></section>\n",
			f);
	free(items);
}
