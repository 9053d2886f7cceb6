/* SPDX-License-Identifier: MIT */
/* What is of no single arena: reclaims, the integrity of the pages, and the tracing. */

#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

static void row(FILE *f, const char *words, const json_t *object, const char *key)
{
	if (!json_object_get(object, key))
		return;
	fprintf(f, "<tr><th scope=row>%s</th>", words);
	report_cell(f, object, key);
	fputs("</tr>\n", f);
}

static void duration_row(FILE *f, const char *words, const json_t *object, const char *key)
{
	fprintf(f, "<tr><th scope=row>%s</th><td>", words);
	report_duration(f, answer_number(object, key));
	fputs("</td></tr>\n", f);
}

static void reclaims(FILE *f, const json_t *stats)
{
	const json_t *reclaim = json_object_get(stats, "reclaim");
	struct histogram took = { 0 };
	unsigned first, last;

	fputs("<section class=card><h2>What was taken back</h2><table class=facts>\n", f);
	row(f, "clients gone without a detach", reclaim, "clients_total");
	row(f, "leases taken back from them", reclaim, "leases_total");
	if (answer_number(reclaim, "clients_total")) {
		duration_row(f, "the last time that took", reclaim, "duration_last_ns");
		duration_row(f, "the longest time", reclaim, "duration_max_ns");
	}
	fputs("</table>\n", f);
	histogram_add(&took, json_object_get(reclaim, "duration"));
	if (histogram_range(&took, &first, &last)) {
		report_widen(&first, &last);
		fputs("<figure><figcaption>How long the reclaim of a client took</figcaption>\n",
			f);
		report_histogram(f, &took, first, last);
		fputs("</figure>\n", f);
	} else {
		fprintf(f, "<p class=missing>%s</p>\n", took.is_there
			? "No client that had leases was lost so far."
			: "This daemon does not tell how the times are distributed.");
	}
	fputs("</section>\n", f);
}

static void integrity(FILE *f, const json_t *stats)
{
	const json_t *figures = json_object_get(stats, "integrity"),
		     *daemon = json_object_get(stats, "daemon");
	json_t *arena;
	size_t i;

	fputs("<section class=card><h2>Integrity</h2><table class=facts>\n", f);
	row(f, "audits of an arena", figures, "audits_total");
	row(f, "audits that found a broken rule", figures, "audit_faults_total");
	row(f, "arenas set aside as damaged", daemon, "set_aside_total");
	row(f, "messages that broke the protocol", daemon, "protocol_violations_total");
	row(f, "connections refused, too many", daemon, "connections_refused_total");
	row(f, "runs of the daemon with this state", daemon, "runs_total");
	fputs("</table>\n", f);
	if (!figures)
		fputs("<p class=missing>Audits are not told: by this daemon, or to this user."
		      "</p>\n",
			f);
	json_array_foreach(json_object_get(daemon, "set_aside"), i, arena) {
		fputs("<p class=\"note warn\">set aside: ", f);
		report_text(f, answer_string(arena, "name"));
		fputs(": ", f);
		report_text(f, answer_string(arena, "reason"));
		fputs("</p>\n", f);
	}
	fputs("</section>\n", f);
}

static void state(FILE *f, const char *words, const json_t *object)
{
	const char *reason = json_string_value(json_object_get(object, "reason")),
		   *is = answer_string(object, "state");

	fprintf(f, "<tr><th scope=row>%s</th><td class=word><em class=\"pill %s\">", words,
		strcmp(is, "attached") == 0 ? "good" : "");
	report_text(f, is);
	fputs("</em>", f);
	if (reason && *reason) {
		fputs("<br>", f);
		report_text(f, reason);
	}
	fputs("</td></tr>\n", f);
}

static void probes(FILE *f, const json_t *ebpf)
{
	const json_t *array = json_object_get(ebpf, "probes");
	json_t *probe;
	size_t i;

	if (json_array_size(array) == 0)
		return;
	fputs("<div class=scroll><table class=figures><thead><tr><th scope=col class=word>probe"
	      "</th><th scope=col class=word>file</th><th scope=col>at</th></tr></thead>"
	      "<tbody>\n", f);
	json_array_foreach(array, i, probe) {
		fputs("<tr>", f);
		report_cell(f, probe, "probe");
		fputs("<td class=label>", f);
		report_text(f, answer_string(probe, "file"));
		fputs("</td>", f);
		report_id(f, probe, "offset");
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n", f);
}

static void tracing(FILE *f, const json_t *stats)
{
	const json_t *ebpf = json_object_get(json_object_get(stats, "contention"), "ebpf");

	fputs("<section class=card><h2>Tracing</h2><table class=facts>\n", f);
	state(f, "eBPF programs", ebpf);
	if (json_object_get(ebpf, "fast_reclaim"))
		state(f, "the end of clients, from the kernel",
			json_object_get(ebpf, "fast_reclaim"));
	row(f, "by", ebpf, "backend");
	if (answer_number(ebpf, "since_realtime_ns")) {
		fputs("<tr><th scope=row>since</th><td>", f);
		report_time(f, answer_number(ebpf, "since_realtime_ns"));
		fputs("</td></tr>\n", f);
	}
	row(f, "events lost", ebpf, "lost_events");
	row(f, "segments taken, not kept by whom", ebpf, "lost_steals");
	row(f, "events of strangers", ebpf, "strangers_total");
	row(f, "arenas and clients without room", ebpf, "untracked");
	fputs("</table>\n", f);
	probes(f, ebpf);
	fputs("</section>\n", f);
}

void report_daemon(FILE *f, const json_t *stats)
{
	fputs("<div class=thirds>\n", f);
	reclaims(f, stats);
	integrity(f, stats);
	tracing(f, stats);
	fputs("</div>\n", f);
}
