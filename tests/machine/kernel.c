/* SPDX-License-Identifier: MIT */
/* Files of /proc and /sys, read line by line. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tests/harness/harness.h"
#include "tests/machine/kernel.h"

#define NODE_MEMINFO "/sys/devices/system/node/node%u/meminfo"

/* A number of a file like /proc/meminfo. */
static uint64_t number_in(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	unsigned long long n = 0;
	char line[512], *at;

	if (!file)
		harness_fail("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		at = strstr(line, name);
		if (at && sscanf(at + strlen(name), ": %llu", &n) == 1)
			break;
	}
	fclose(file);
	return n;
}

uint64_t meminfo(const char *name)
{
	return number_in("/proc/meminfo", name);
}

uint64_t shared_on(unsigned node)
{
	char path[64];

	snprintf(path, sizeof(path), NODE_MEMINFO, node);
	return number_in(path, "Shmem") * 1024;
}

int node_of_core(unsigned core)
{
	char path[80];
	unsigned node;

	for (node = 0; node < NODES; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpu%u", node, core);
		if (access(path, F_OK) == 0)
			return (int)node;
	}
	return -1;
}

int node_of(void *at)
{
	int node = -1;

	if (syscall(SYS_move_pages, 0, 1ul, &at, NULL, &node, 0) < 0)
		harness_fail("move_pages: %s", strerror(errno));
	return node;
}

void read_numa(pid_t pid, uint64_t ret[NODES])
{
	char path[64], line[1024], key[8], *at;
	unsigned node;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/numa_maps", (int)pid);
	file = fopen(path, "re");
	if (!file)
		harness_fail("%s: %s", path, strerror(errno));
	memset(ret, 0, NODES * sizeof(*ret));
	while (fgets(line, sizeof(line), file)) {
		if (!strstr(line, "memfd:thruster-default\\040"))
			continue;
		for (node = 0; node < NODES; node++) {
			snprintf(key, sizeof(key), " N%u=", node);
			at = strstr(line, key);
			ret[node] += at ? strtoull(at + strlen(key), NULL, 10) : 0;
		}
		printf("# numa_maps of %s: %s", pid == getpid() ? "the client" : "thrusterd",
			strchr(line, ' ') + 1);
	}
	fclose(file);
}

uint64_t mapped_page_kib(pid_t pid)
{
	unsigned long long kib = 0;
	bool is_here = false;
	char path[64], line[1024];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	file = fopen(path, "re");
	if (!file)
		harness_fail("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, "memfd:thruster-default (deleted)"))
			is_here = true;
		if (is_here && sscanf(line, "KernelPageSize: %llu", &kib) == 1)
			break;
	}
	fclose(file);
	return kib;
}
