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
#include <unistd.h>
#include "daemon/clock.h"
#include "daemon/log.h"

#define LINES_A_SECOND 10

static bool verbose;

void log_set_verbose(bool is_verbose)
{
	verbose = is_verbose;
}

static void tame(char *text, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 127)
			text[i] = '_';
}

void log_line(int priority, const char *format, ...)
{
	char text[1024];
	int n = 0, room = (int)sizeof(text) - 1;
	va_list args;

	if (priority == LOG_DEBUG && !verbose)
		return;
	if (getenv("JOURNAL_STREAM"))
		n = snprintf(text, sizeof(text), "<%d>", priority);
	else
		n = snprintf(text, sizeof(text), "thrusterd: ");
	va_start(args, format);
	n += vsnprintf(text + n, (size_t)(room - n), format, args);
	va_end(args);
	if (n >= room)
		n = room - 1;
	tame(text, n);
	text[n++] = '\n';
	if (write(STDERR_FILENO, text, (size_t)n) < 0)
		return; /* nobody to tell */
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
