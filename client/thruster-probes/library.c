/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/maps names what is mapped as the process sees it; /proc/PID/root leads there from
 * anywhere. A file that was deleted or replaced has no path any more: map_files has it still.
 */

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "client/thruster-probes/library.h"

#define DELETED " (deleted)"

static bool is_deleted(const char *path)
{
	size_t n = strlen(path);

	return n > sizeof(DELETED) - 1 && strcmp(path + n - (sizeof(DELETED) - 1), DELETED) == 0;
}

static bool is_library(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && strncmp(name + 1, LIBRARY_NAME, sizeof(LIBRARY_NAME) - 1) == 0;
}

bool library_each_of(pid_t pid, void (*each)(const char *path, void *userdata), void *userdata)
{
	char line[PATH_MAX + 128], path[PATH_MAX + 64];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (!maps)
		return false;
	while (fgets(line, sizeof(line), maps)) {
		char *at = strchr(line, '/');
		unsigned long from, to;

		line[strcspn(line, "\n")] = 0;
		if (!at || !is_library(at) || sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		if (is_deleted(at))
			snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", (int)pid, from,
				to);
		else
			snprintf(path, sizeof(path), "/proc/%d/root%.*s", (int)pid, PATH_MAX, at);
		each(path, userdata);
	}
	fclose(maps);
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid); /* it may be linked statically */
	each(path, userdata);
	return true;
}
