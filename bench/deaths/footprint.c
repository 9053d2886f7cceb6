/* SPDX-License-Identifier: MIT */
/* /proc/PID/smaps, mapping by mapping, since a sum over all would have the arena's pages in it. */

#include <stdio.h>
#include <string.h>
#include "bench/deaths/footprint.h"

enum mapping { MAPPING_OTHER, MAPPING_ARENA, MAPPING_SHARED };

/* A memfd's name stands in the line as the daemon gave it, and " (deleted)" behind it. */
static enum mapping mapping_of(const char *line, const char *arena)
{
	const char *name = strstr(line, "/memfd:thruster-");
	char whole[96];

	if (!name)
		return MAPPING_OTHER;
	snprintf(whole, sizeof(whole), "/memfd:thruster-%s ", arena);
	return strncmp(name, whole, strlen(whole)) == 0 ? MAPPING_ARENA : MAPPING_SHARED;
}

static void add(struct footprint *ret, enum mapping mapping, const char *line)
{
	unsigned long long kib;

	if (mapping == MAPPING_ARENA)
		return;
	if (sscanf(line, "Rss: %llu", &kib) == 1) {
		ret->rss += kib * 1024;
		ret->own += mapping == MAPPING_SHARED ? kib * 1024 : 0;
	} else if (sscanf(line, "Anonymous: %llu", &kib) == 1 && mapping == MAPPING_OTHER) {
		ret->own += kib * 1024;
	}
}

bool footprint_take(struct footprint *ret, pid_t pid, const char *arena)
{
	enum mapping mapping = MAPPING_OTHER;
	unsigned long long first, end;
	char path[32], line[512];
	FILE *file;

	*ret = (struct footprint){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx-%llx ", &first, &end) == 2) {
			mapping = mapping_of(line, arena);
			ret->arenas += mapping == MAPPING_ARENA ? end - first : 0;
		} else {
			add(ret, mapping, line);
		}
	}
	fclose(file);
	return true;
}
