/* SPDX-License-Identifier: MIT */
/* Lines of `thrusterctl top` that are no table: the daemon, the sums, an arena, eBPF. */

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "client/thrusterctl/top/text.h"

/* A line that is written piece by piece, and cut where there is no more room. */
struct line {
	char *text;
	size_t size, n;
};

static void __attribute__((format(printf, 2, 3))) append(struct line *line, const char *format, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = vsnprintf(line->text + line->n, line->size - line->n, format, arguments);
	va_end(arguments);
	if (r > 0)
		line->n += (size_t)r;
	if (line->n >= line->size)
		line->n = line->size - 1;
}

static struct line line_begin(char *text, size_t size)
{
	*text = 0;
	return (struct line){ text, size, 0 };
}

/* Somebody else's words. */
static void append_words(struct line *line, const char *words)
{
	char *c = line->text + line->n;

	append(line, "%s", words);
	for (; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void append_bytes(struct line *line, double n)
{
	char text[TOP_CELL_MAX];

	top_write_bytes(text, n);
	append(line, "%s", isnan(n) ? "-" : text);
}

static void append_rate(struct line *line, double n)
{
	char text[TOP_CELL_MAX];

	top_write_rate(text, n);
	append(line, "%s", isnan(n) ? "-" : text);
}

void top_write_arena(char *text, size_t size, const json_t *arena)
{
	struct line line = line_begin(text, size);
	size_t clients = json_array_size(json_object_get(arena, "clients"));
	double over = top_number(arena, "over_quota_total");

	append_words(&line, top_string(arena, "name"));
	append(&line, ": ");
	append_bytes(&line, top_number(arena, "size_bytes"));
	append(&line, ", ");
	append_bytes(&line, top_number(arena, "memory.resident_bytes"));
	append(&line, " resident, %zu of %.0f clients", clients, top_number(arena, "max_clients"));
	if (strcmp(top_string(arena, "state"), "served") != 0) {
		append(&line, ", ");
		append_words(&line, top_string(arena, "state"));
	}
	if (json_is_true(top_field(arena, "memory.trimming")))
		append(&line, ", trimming");
	if (over > 0)
		append(&line, ", %.0f over quota so far", over);
}

static void append_some(struct line *line, const json_t *ebpf, const char *field, const char *what)
{
	double n = top_number(ebpf, field);

	if (n > 0)
		append(line, ", %.0f %s", n, what);
}

void top_write_ebpf(char *text, size_t size, const json_t *answer)
{
	struct line line = line_begin(text, size);
	const json_t *ebpf = top_field(answer, "contention.ebpf");
	const char *state = top_string(ebpf, "state"), *reason = top_string(ebpf, "reason");
	double since = top_number(ebpf, "since_realtime_ns");
	char age[TOP_CELL_MAX];

	append(&line, "eBPF: ");
	append_words(&line, *state ? state : "unknown");
	if (strcmp(state, "attached") != 0) {
		append(&line, "%s", *reason ? ": " : "");
		append_words(&line, reason);
		return;
	}
	if (!isnan(since)) {
		top_write_age(age, top_number(answer, "timestamp_realtime_ns") - since);
		append(&line, " for %s", age);
	}
	if (*top_string(ebpf, "backend")) {
		append(&line, ", ");
		append_words(&line, top_string(ebpf, "backend"));
	}
	append_some(&line, ebpf, "lost_events", "events lost");
	append_some(&line, ebpf, "lost_steals", "steals lost");
	append_some(&line, ebpf, "untracked", "untracked");
	append(&line, "; all is per second");
	if (*reason) {
		append(&line, "; ");
		append_words(&line, reason);
	}
}

void top_write_daemon(char *text, size_t size, const json_t *answer)
{
	struct line line = line_begin(text, size);
	double up = top_number(answer, "timestamp_realtime_ns") -
		    top_number(answer, "daemon.started_realtime_ns");
	char age[TOP_CELL_MAX];

	top_write_age(age, up);
	append(&line, "thrusterd ");
	append_words(&line, top_string(answer, "daemon.version"));
	append(&line, "  pid %.0f  up %s", top_number(answer, "daemon.pid"), age);
	if (top_number(answer, "daemon.runs_total") > 1)
		append(&line, "  run %.0f", top_number(answer, "daemon.runs_total"));
	if (top_number(answer, "reclaim.leases_total") > 0)
		append(&line, "  %.0f reclaimed", top_number(answer, "reclaim.leases_total"));
	if (top_number(answer, "daemon.set_aside_total") > 0)
		append(&line, "  %.0f set aside", top_number(answer, "daemon.set_aside_total"));
}

void top_write_totals(
	char *text, size_t size, const struct top_samples *samples, const char *arena)
{
	struct line line = line_begin(text, size);
	struct top_totals totals = top_totals_make(samples, arena);

	if (arena) {
		append(&line, "arena ");
		append_words(&line, arena);
	} else {
		append(&line, "%zu arena%s", totals.arenas, plural(totals.arenas));
	}
	append(&line, "  %zu client%s  ", totals.clients, plural(totals.clients));
	append_bytes(&line, totals.leased_bytes);
	append(&line, " of ");
	append_bytes(&line, totals.bytes);
	append(&line, " leased  ");
	append_rate(&line, totals.rents);
	append(&line, " rents/s  ");
	append_rate(&line, totals.exhausted);
	append(&line, " exh/s");
}
