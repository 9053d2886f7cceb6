/* SPDX-License-Identifier: MIT */
/* What the programs in the kernel saw of an arena: asking, yielding, waiting, waking. */

#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

static const char *const fields[] = { "refills_total", "adoptions_total", "asks_total",
	"yields_total", "visits_total", "retries_total", "restarts_total", "exhausted_total",
	"waits_total", "wait_timeouts_total", "wakes_total" };

const json_t *report_traced_of(const json_t *stats, const json_t *arena)
{
	const json_t *contention = json_object_get(stats, "contention");
	json_t *traced;
	size_t i;

	json_array_foreach(json_object_get(contention, "arenas"), i, traced)
		if (answer_number(traced, "id") == answer_number(arena, "id"))
			return traced;
	return NULL;
}

/* The arena's own object of a class that was traced, which says more of it. */
static const json_t *class_in(const json_t *arena, const json_t *traced_class)
{
	const json_t *found = json_array_get(json_object_get(arena, "classes"),
		answer_number(traced_class, "class"));

	return found ? found : traced_class;
}

static void begin_table(FILE *f)
{
	fputs("<div class=scroll><table class=figures><thead><tr><th scope=col class=word>where"
	      "</th><th scope=col>refills</th><th scope=col>adoptions</th><th scope=col>asks</th>"
	      "<th scope=col>yields</th><th scope=col>visits</th><th scope=col>retries</th>"
	      "<th scope=col>restarts</th><th scope=col>exhausted</th><th scope=col>waits</th>"
	      "<th scope=col>timed out</th><th scope=col>wakes</th>"
	      "<th scope=col>longest wait</th></tr></thead><tbody>\n", f);
}

/* The rest of a row whose first cell is there. */
static void end_row(FILE *f, const json_t *counts)
{
	struct histogram waits = { 0 };
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		report_cell(f, counts, fields[i]);
	histogram_add(&waits, json_object_get(counts, "waits"));
	if (waits.count) {
		fputs("<td>", f);
		report_duration(f, waits.max_ns);
		fputs("</td></tr>\n", f);
	} else {
		fputs("<td class=zero>–</td></tr>\n", f);
	}
}

static void client_rows(FILE *f, const json_t *traced)
{
	const json_t *clients = json_object_get(traced, "clients");
	json_t *client;
	size_t i;

	json_array_foreach(clients, i, client) {
		if (i == REPORT_CLIENTS)
			break;
		fputs("<tr><td class=label>", f);
		report_text(f, answer_string(client, "label"));
		fprintf(f, " <small>client %u, pid %u</small></td>",
			(unsigned)answer_number(client, "id"),
			(unsigned)answer_number(client, "pid"));
		end_row(f, client);
	}
}

void report_traced(FILE *f, const json_t *arena, const json_t *traced)
{
	const json_t *clients = json_object_get(traced, "clients");
	json_t *class_, *core;
	size_t i, j;

	begin_table(f);
	json_array_foreach(json_object_get(traced, "classes"), i, class_)
		json_array_foreach(json_object_get(class_, "cores"), j, core) {
			fputs("<tr><td class=word>", f);
			report_class(f, arena, class_in(arena, class_));
			fprintf(f, ", core %u</td>", (unsigned)answer_number(core, "core"));
			end_row(f, core);
		}
	client_rows(f, traced);
	fputs("</tbody></table></div>\n", f);
	if (json_array_size(clients) > REPORT_CLIENTS) {
		fprintf(f, "<p class=note>The first %u clients of ", REPORT_CLIENTS);
		report_number(f, json_array_size(clients));
		fputs(".</p>\n", f);
	}
}
