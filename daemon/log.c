/* SPDX-License-Identifier: MIT */
/*
 * One line, one write, so that lines of several processes on one terminal do not mix. Names that
 * peers and files bring along are part of the line; none of them can begin another, or speak to the
 * terminal.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>
#include "daemon/clock.h"
#include "daemon/log.h"

#define LINES_A_SECOND 10
#define USERS 64u
#define FIELDS_MAX 12

static const struct {
	const char *name, *id;
} events[] = {
#define X(name, id) { #name, "MESSAGE_ID=" #id },
	LOG_EVENTS(X)
#undef X
};

static int level = LOG_NOTICE;

void log_set_level(int priority)
{
	level = priority;
}

static void tame(char *text, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 127)
			text[i] = '_';
}

/* Is standard error the journal's? */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static void print_line(int priority, const char *text)
{
	char line[1100];
	int n;

	if (is_journal())
		n = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	else
		n = snprintf(line, sizeof(line), "thrusterd: %s\n", text);
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody to tell */
}

void log_line(int priority, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (priority > level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tame(text, (int)strlen(text));
	print_line(priority, text);
}

struct entry {
	char text[FIELDS_MAX][160];
	struct iovec fields[FIELDS_MAX + 2];
	int n;
};

__attribute__((format(printf, 2, 3)))
static void entry_add(struct entry *entry, const char *format, ...)
{
	char *text = entry->text[entry->n];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(entry->text[0]), format, args);
	va_end(args);
	tame(text, (int)strlen(text));
	entry->fields[entry->n++] = (struct iovec){ text, strlen(text) };
}

static bool send_entry(enum log_event event, int priority, const struct log_fields *f,
	const char *message)
{
	struct entry entry = { .n = 0 };

	entry_add(&entry, "%s", events[event].id);
	entry_add(&entry, "PRIORITY=%d", priority);
	entry_add(&entry, "THRUSTER_EVENT=%s", events[event].name);
	entry_add(&entry, "SYSLOG_IDENTIFIER=thrusterd");
	if (f->arena)
		entry_add(&entry, "THRUSTER_ARENA=%s", f->arena);
	if (f->client_id)
		entry_add(&entry, "THRUSTER_CLIENT_ID=%u", f->client_id);
	if (f->client_pid)
		entry_add(&entry, "THRUSTER_CLIENT_PID=%d", (int)f->client_pid);
	if (f->has_uid)
		entry_add(&entry, "THRUSTER_CLIENT_UID=%u", (unsigned)f->client_uid);
	if (f->label)
		entry_add(&entry, "THRUSTER_LABEL=%s", f->label);
	if (f->cause)
		entry_add(&entry, "THRUSTER_CAUSE=%s", f->cause);
	if (f->has_leases) {
		entry_add(&entry, "THRUSTER_LEASES=%llu", (unsigned long long)f->leases);
		entry_add(&entry, "THRUSTER_RECLAIM_USEC=%llu",
			(unsigned long long)f->reclaim_usec);
	}
	entry.fields[entry.n++] = (struct iovec){ (void *)message, strlen(message) };
	return sd_journal_sendv(entry.fields, entry.n) == 0;
}

static int event_priority(enum log_event event)
{
	switch (event) {
	case EVENT_ARENA_SET_ASIDE:
	case EVENT_CONFIG_REFUSED:
		return LOG_ERR;
	case EVENT_CLIENT_OVER_QUOTA:
	case EVENT_PROTOCOL_VIOLATION:
		return LOG_WARNING;
	default:
		return LOG_NOTICE;
	}
}

void log_event(enum log_event event, const struct log_fields *fields, const char *format, ...)
{
	static const char key[] = "MESSAGE=";
	char text[1024] = "MESSAGE=", *message = text + sizeof(key) - 1;
	int priority = event_priority(event);
	va_list args;

	if (priority > level)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(text) - sizeof(key) + 1, format, args);
	va_end(args);
	tame(message, (int)strlen(message));
	if (!is_journal() || !send_entry(event, priority, fields, text))
		print_line(priority, message);
}

bool log_limit_allows(struct log_limit *limit, const char *what)
{
	unsigned long long second = clock_monotonic_ns() / 1000000000ull;

	if (second != limit->second) {
		if (limit->dropped)
			log_notice("%s: %u more of these not logged", what, limit->dropped);
		*limit = (struct log_limit){ .second = second };
	}
	if (limit->lines >= LINES_A_SECOND) {
		limit->dropped++;
		return false;
	}
	limit->lines++;
	return true;
}

bool log_limit_allows_user(uid_t uid, const char *what)
{
	static struct log_limit limits[USERS];

	return log_limit_allows(&limits[uid % USERS], what);
}
