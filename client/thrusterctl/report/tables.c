/* SPDX-License-Identifier: MIT */
/* Tables: the same as the pictures in figures, and what no picture shows. */

#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

/* "<th>a<th>b" of a list that ends with NULL; a title that begins with '<' is of text. */
static void begin_table(FILE *f, const char *const *titles)
{
	fputs("<div class=scroll><table class=figures><thead><tr>", f);
	for (; *titles; titles++)
		fprintf(f, "<th scope=col%s>%s</th>", **titles == '<' ? " class=word" : "",
			*titles + (**titles == '<'));
	fputs("</tr></thead><tbody>\n", f);
}

static void end_table(FILE *f)
{
	fputs("</tbody></table></div>\n", f);
}

static void bytes_cell(FILE *f, uint64_t bytes)
{
	fputs("<td>", f);
	report_bytes(f, bytes);
	fputs("</td>", f);
}

/* "-" for a duration that is not told; 0 is one that is. */
static void duration_cell(FILE *f, const json_t *object, const char *key)
{
	if (!json_is_integer(json_object_get(object, key))) {
		report_cell(f, object, key);
		return;
	}
	fputs(answer_number(object, key) ? "<td>" : "<td class=zero>", f);
	report_duration(f, answer_number(object, key));
	fputs("</td>", f);
}

/* ---- cores */

static const char *const core_fields[] = { "slots", "leased", "takeable", "rents_total",
	"local_returns_total", "remote_returns_total", "refills_total", "adoptions_total",
	"visits_total", "restarts_total", "exhausted_total" };

#define N_CORE_FIELDS (sizeof(core_fields) / sizeof(core_fields[0]))

static bool has_anything(const json_t *core)
{
	size_t i;

	for (i = 0; i < N_CORE_FIELDS; i++)
		if (answer_number(core, core_fields[i]))
			return true;
	return false;
}

static void core_row(FILE *f, const json_t *arena, const json_t *class_, const json_t *core)
{
	size_t i;

	fputs("<tr><td class=word>", f);
	report_class(f, arena, class_);
	fputs("</td>", f);
	report_id(f, core, "core");
	for (i = 0; i < N_CORE_FIELDS; i++) {
		report_cell(f, core, core_fields[i]);
		if (strcmp(core_fields[i], "remote_returns_total") == 0)
			report_split(f, answer_number(core, "local_returns_total"),
				answer_number(core, "remote_returns_total"),
				"local and remote returns");
	}
	fputs("</tr>\n", f);
}

void report_cores(FILE *f, const json_t *arena)
{
	static const char *const titles[] = { "<class", "core", "holds", "leased", "takeable",
		"rents", "local returns", "remote", "<local / remote", "refills", "adoptions",
		"visits", "restarts", "exhausted", NULL };
	size_t i, j, n = 0, n_idle = 0;
	json_t *class_, *core;

	json_array_foreach(json_object_get(arena, "classes"), i, class_)
		json_array_foreach(json_object_get(class_, "cores"), j, core) {
			if (!has_anything(core)) {
				n_idle++;
				continue;
			}
			if (n++ == 0)
				begin_table(f, titles);
			core_row(f, arena, class_, core);
		}
	if (n)
		end_table(f);
	if (n_idle) {
		fputs("<p class=note>", f);
		report_number(f, n_idle);
		fputs(" pairs of class and core in which nothing ever happened are left "
		      "out.</p>\n", f);
	}
}

/* ---- clients */

static int by_bytes(const void *a, const void *b)
{
	uint64_t x = answer_number(*(json_t *const *)a, "leased_bytes"),
		 y = answer_number(*(json_t *const *)b, "leased_bytes");

	return x < y ? 1 : x > y ? -1 : 0;
}

static void client_row(FILE *f, const json_t *client, uint64_t now_ns, uint64_t most)
{
	static const char *const fields[] = {
		"exhausted_total", "hand_overs_total", "accepts_total", "refused_total" };
	uint64_t bytes = answer_number(client, "leased_bytes"),
		 since = answer_number(client, "attached_realtime_ns");
	size_t i;

	fputs("<tr>", f);
	report_label(f, client);
	report_id(f, client, "id");
	report_id(f, client, "pid");
	fputs("<td>", f);
	report_duration(f, now_ns > since ? now_ns - since : 0);
	fputs("</td>", f);
	report_cell(f, client, "leased");
	fputs("<td class=long>", f);
	report_bytes(f, bytes);
	if (json_is_true(json_object_get(client, "over_quota")))
		fputs(" <em class=warn>over quota</em>", f);
	report_length(f, bytes, most);
	fputs("</td>", f);
	report_cell(f, client, "waits_total");
	duration_cell(f, client, "wait_max_ns");
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		report_cell(f, client, fields[i]);
	fputs("</tr>\n", f);
}

void report_clients(FILE *f, const json_t *stats, const json_t *arena)
{
	static const char *const titles[] = { "<label", "id", "pid", "attached for", "leases",
		"bytes", "waits", "longest wait", "exhausted", "handed over", "accepted", "refused",
		NULL };
	const json_t *clients = json_object_get(arena, "clients");
	uint64_t now_ns = answer_number(stats, "timestamp_realtime_ns");
	size_t n = json_array_size(clients), i;
	const json_t **sorted = calloc(n + 1, sizeof(*sorted));

	if (n == 0 || !sorted) {
		fputs("<p class=missing>Nobody is attached.</p>\n", f);
		free(sorted);
		return;
	}
	for (i = 0; i < n; i++)
		sorted[i] = json_array_get(clients, i);
	qsort(sorted, n, sizeof(*sorted), by_bytes);
	begin_table(f, titles);
	for (i = 0; i < n && i < REPORT_CLIENTS; i++)
		client_row(f, sorted[i], now_ns, answer_number(sorted[0], "leased_bytes"));
	end_table(f);
	free(sorted);
	if (n > REPORT_CLIENTS) {
		fprintf(f, "<p class=note>The %u with the most bytes, of ", REPORT_CLIENTS);
		report_number(f, n);
		fputs("; <code>thrusterctl clients</code> lists all.</p>\n", f);
	}
}

/* ---- leases */

static void lease_row(FILE *f, const json_t *lease, uint64_t oldest)
{
	fputs("<tr><td class=long>", f);
	report_duration(f, answer_number(lease, "age_ns"));
	report_length(f, answer_number(lease, "age_ns"), oldest);
	fputs("</td>", f);
	report_cell(f, lease, "arena");
	bytes_cell(f, answer_number(lease, "size_bytes"));
	report_id(f, lease, "slot");
	report_cell(f, lease, "state");
	report_label(f, lease);
	report_id(f, lease, "client_id");
	report_id(f, lease, "pid");
	fputs("</tr>\n", f);
}

void report_leases(FILE *f, const json_t *answer)
{
	static const char *const titles[] = { "age", "<arena", "size", "slot", "<state", "<label",
		"client", "pid", NULL };
	const json_t *leases = json_object_get(answer, "leases");
	uint64_t oldest = answer_number(json_array_get(leases, 0), "age_ns");
	json_t *lease;
	size_t i;

	if (json_array_size(leases) == 0) {
		fputs("<p class=missing>Nothing is leased.</p>\n", f);
		return;
	}
	begin_table(f, titles);
	json_array_foreach(leases, i, lease)
		lease_row(f, lease, oldest);
	end_table(f);
	fprintf(f, "<p class=note>The oldest %zu of ", json_array_size(leases));
	report_number(f, answer_number(answer, "leases_total"));
	fputs(" leases. An age counts from when the daemon first saw the lease, and begins anew "
	      "with a hand-over.</p>\n", f);
}
