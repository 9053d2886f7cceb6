/* SPDX-License-Identifier: MIT */
/* Names of files may be a client's: nothing in them begins a line, or speaks to the terminal. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include "client/thruster-probes/status.h"

#define LINE_MAX_BYTES 600

static int last_error; /* that was told; 0 = the daemon has been met since */

static const char *refusal(int error)
{
	switch (error) {
	case -EACCES:
		return "it lets only root and its own user trace";
	case -EBUSY:
		return "another thruster-probes is connected already";
	case -EOPNOTSUPP:
		return "\"ebpf\" is \"disabled\" in its configuration";
	case -ECONNREFUSED:
		return "not there";
	case -ECONNRESET:
		return "it is going";
	case -ETIMEDOUT:
		return "it does not answer";
	default:
		return strerror(-error);
	}
}

void status_say(const char *priority, const char *format, ...)
{
	char line[LINE_MAX_BYTES], *c;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	for (c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '_';
	fprintf(stderr, "%s%s\n", getenv("JOURNAL_STREAM") ? priority : "thruster-probes: ", line);
}

void status_met(const json_t *text)
{
	const char *state = "", *reason = "", *backend = "";
	size_t n = json_array_size(json_object_get(text, "probes"));

	json_unpack((json_t *)text, "{s:s, s:s, s:s}", "state", &state, "reason", &reason,
		"backend", &backend);
	last_error = 0;
	if (strcmp(state, "attached") == 0)
		sd_notifyf(0, "READY=1\nSTATUS=Tracing: %zu probes, by %s%s%s", n, backend,
			*reason ? "; " : "", reason);
	else
		sd_notifyf(0, "READY=1\nSTATUS=Not tracing: %s", reason);
}

void status_not_met(const char *socket_path, int error)
{
	if (error == last_error)
		return;
	last_error = error;
	sd_notifyf(0, "READY=1\nSTATUS=Not tracing: the daemon at %s: %s", socket_path,
		refusal(error));
	status_say(error == -EACCES || error == -EBUSY ? SD_WARNING : SD_NOTICE,
		"the daemon at %s: %s", socket_path, refusal(error));
}
