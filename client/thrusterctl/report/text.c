/* SPDX-License-Identifier: MIT */
/* Words and figures of a page. Spaces within a figure are narrow and do not break. */

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

#define THIN "\u202f"
#define NS_PER_S 1000000000u

void report_text(FILE *f, const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		case '\'':
			fputs("&#39;", f);
			break;
		default:
			fputc(*s, f);
		}
}

void report_number(FILE *f, uint64_t n)
{
	if (n >= 1000) {
		report_number(f, n / 1000);
		fprintf(f, THIN "%03u", (unsigned)(n % 1000));
	} else {
		fprintf(f, "%u", (unsigned)n);
	}
}

/* As few digits as say it: three, and none behind a point that are 0. */
static void print_figure(FILE *f, double x, const char *unit)
{
	char text[32], *end;

	snprintf(text, sizeof(text), x < 9.995 ? "%.2f" : x < 99.95 ? "%.1f" : "%.0f", x);
	if (strchr(text, '.')) {
		for (end = text + strlen(text); end[-1] == '0'; end--)
			;
		end[end[-1] == '.' ? -1 : 0] = '\0';
	}
	fprintf(f, "%s" THIN "%s", text, unit);
}

void report_bytes(FILE *f, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double n = (double)bytes;
	size_t unit = 0;

	while (n >= 1023.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		n /= 1024;
		unit++;
	}
	print_figure(f, n, units[unit]);
}

void report_duration(FILE *f, uint64_t ns)
{
	uint64_t s = ns / NS_PER_S;

	if (ns < 1000)
		print_figure(f, (double)ns, "ns");
	else if (ns < 1000000)
		print_figure(f, (double)ns / 1e3, "µs");
	else if (ns < NS_PER_S)
		print_figure(f, (double)ns / 1e6, "ms");
	else if (s < 100)
		print_figure(f, (double)ns / 1e9, "s");
	else if (s < 6000)
		fprintf(f, "%" PRIu64 THIN "min %02" PRIu64 THIN "s", s / 60, s % 60);
	else if (s < 360000)
		fprintf(f, "%" PRIu64 THIN "h %02" PRIu64 THIN "min", s / 3600, s / 60 % 60);
	else
		fprintf(f, "%" PRIu64 THIN "d %02" PRIu64 THIN "h", s / 86400, s / 3600 % 24);
}

void report_time(FILE *f, uint64_t realtime_ns)
{
	time_t s = (time_t)(realtime_ns / NS_PER_S);
	char text[64];
	struct tm tm;

	if (!localtime_r(&s, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", &tm))
		strcpy(text, "?");
	report_text(f, text);
}

double report_percent(uint64_t part, uint64_t all)
{
	return all ? 100 * ((double)part / (double)all) : 0;
}

void report_share(FILE *f, uint64_t part, uint64_t all)
{
	double share = report_percent(part, all);

	if (share > 0 && share < 0.1)
		fputs("&lt;" THIN "0.1" THIN "%", f);
	else if (share > 99.9 && part < all)
		fputs("&gt;" THIN "99.9" THIN "%", f);
	else
		fprintf(f, "%.*f" THIN "%%", share == 0 || share == 100 ? 0 : 1, share);
}

/* To the byte: a size that somebody configured is known by its number. */
static void print_exact(FILE *f, uint64_t bytes)
{
	if (bytes < 1024 || bytes % 1024 == 0) {
		report_bytes(f, bytes);
		return;
	}
	report_number(f, bytes);
	fputs(THIN "B", f);
}

void report_class(FILE *f, const json_t *arena, const json_t *class_)
{
	uint64_t size = answer_number(class_, "slot_bytes");
	json_t *other;
	unsigned n = 0;
	size_t i;

	print_exact(f, size);
	json_array_foreach(json_object_get(arena, "classes"), i, other)
		n += answer_number(other, "slot_bytes") == size;
	if (n > 1 && json_object_get(class_, "stride_bytes")) {
		fputs(" every ", f);
		print_exact(f, answer_number(class_, "stride_bytes"));
	}
}

void report_id(FILE *f, const json_t *object, const char *key)
{
	const json_t *id = json_object_get(object, key);

	if (json_is_integer(id))
		fprintf(f, "<td>%" JSON_INTEGER_FORMAT "</td>", json_integer_value(id));
	else
		fputs("<td class=zero title=\"not told\">–</td>", f);
}

void report_label(FILE *f, const json_t *object)
{
	const char *label = json_string_value(json_object_get(object, "label"));

	if (label && *label) {
		fputs("<td class=label>", f);
		report_text(f, label);
	} else {
		fprintf(f, "<td class=\"label zero\">%s", label ? "no label" : "nobody there");
	}
	fputs("</td>", f);
}

void report_cell(FILE *f, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_string(value)) {
		fputs("<td class=word>", f);
		report_text(f, json_string_value(value));
	} else if (json_is_integer(value)) {
		fputs(json_integer_value(value) ? "<td>" : "<td class=zero>", f);
		report_number(f, (uint64_t)json_integer_value(value));
	} else {
		fputs("<td class=zero title=\"not told\">–", f);
	}
	fputs("</td>", f);
}

void report_missing(FILE *f, const json_t *stats)
{
	const json_t *ebpf = json_object_get(json_object_get(stats, "contention"), "ebpf");
	const char *reason = json_string_value(json_object_get(ebpf, "reason"));

	fputs("<p class=missing>not traced: ", f);
	if (reason && *reason)
		report_text(f, reason);
	else if (strcmp(answer_string(ebpf, "state"), "attached") == 0)
		fputs("this daemon does not tell it", f);
	else
		fputs("the daemon gives no reason", f);
	fputs("</p>\n", f);
}
