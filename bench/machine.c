/* SPDX-License-Identifier: MIT */
/*
 * The cores that the kernel lets us use, ordered so that hyperthreads of one core come late: the
 * first two are two cores if there are two. And the processors' accounts, to tell afterwards
 * whether somebody else ran meanwhile.
 */

#include <ctype.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "bench/fail.h"
#include "bench/machine.h"

#define CORES_MAX 4096

/* fail()s if it is not a list. */
static void parse_list(const char *list, cpu_set_t *set, size_t bytes)
{
	char *end;
	long from, to;

	do {
		from = to = strtol(list, &end, 10);
		if (end != list && *end == '-') {
			list = end + 1;
			to = strtol(list, &end, 10);
		}
		if (end == list || from < 0 || to < from || to >= CORES_MAX ||
			(*end && *end != ','))
			fail("--cores: a list such as 0,2-3 is wanted");
		for (; from <= to; from++)
			CPU_SET_S((size_t)from, bytes, set);
		list = end + 1;
	} while (*end);
}

/* The first of the processors that share this one's core; itself if that cannot be found out. */
static int first_sibling(int cpu)
{
	char path[128];
	FILE *file;
	int first = cpu;

	snprintf(path, sizeof(path),
		"/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
	file = fopen(path, "re");
	if (!file)
		return cpu;
	if (fscanf(file, "%d", &first) != 1)
		first = cpu;
	fclose(file);
	return first;
}

/* How many processors of the set have the same core and a lower number. */
static int rank(int cpu, const cpu_set_t *set, size_t bytes)
{
	int first = first_sibling(cpu), i, n = 0;

	for (i = first; i < cpu; i++)
		n += CPU_ISSET_S((size_t)i, bytes, set) && first_sibling(i) == first;
	return n;
}

static void choose_cores(struct machine *machine, const cpu_set_t *set, size_t bytes)
{
	int wanted, cpu, left = CPU_COUNT_S(bytes, set);

	for (wanted = 0; left > 0 && machine->n_cores < LANES_MAX; wanted++) {
		for (cpu = 0; cpu < CORES_MAX && machine->n_cores < LANES_MAX; cpu++) {
			if (!CPU_ISSET_S((size_t)cpu, bytes, set) ||
				rank(cpu, set, bytes) != wanted)
				continue;
			machine->core[machine->n_cores++] = cpu;
			left--;
		}
	}
}

/* The value of the first line of /proc/cpuinfo that has one of the names. */
static void find_model(char *ret, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256], *value;

	snprintf(ret, size, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "model name", 10) != 0 && strncmp(line, "CPU part", 8) != 0)
			continue;
		value = strchr(line, ':');
		if (!value)
			continue;
		value[strcspn(value, "\n")] = 0;
		for (value++; isspace((unsigned char)*value); value++)
			;
		snprintf(ret, size, "%s", value);
		break;
	}
	if (file)
		fclose(file);
}

void machine_init(struct machine *machine, const char *list)
{
	size_t bytes = CPU_ALLOC_SIZE(CORES_MAX);
	cpu_set_t *allowed = CPU_ALLOC(CORES_MAX), *wanted = CPU_ALLOC(CORES_MAX);
	long configured = sysconf(_SC_NPROCESSORS_CONF);
	struct utsname name;

	memset(machine, 0, sizeof(*machine));
	if (!allowed || !wanted || sched_getaffinity(0, bytes, allowed) < 0)
		fail("cannot see which cores there are: %s", strerror(errno));
	if (list) {
		CPU_ZERO_S(bytes, wanted);
		parse_list(list, wanted, bytes);
		CPU_AND_S(bytes, allowed, allowed, wanted);
		if (!CPU_EQUAL_S(bytes, allowed, wanted))
			fail("--cores: not all of %s are ours to use", list);
	}
	choose_cores(machine, allowed, bytes);
	machine->n_configured = configured > 0 ? (uint32_t)configured : machine->n_cores;
	find_model(machine->model, sizeof(machine->model));
	uname(&name);
	snprintf(machine->kernel, sizeof(machine->kernel), "%s %s %s", name.sysname, name.release,
		name.machine);
	snprintf(machine->libc, sizeof(machine->libc), "glibc %s", gnu_get_libc_version());
	CPU_FREE(allowed);
	CPU_FREE(wanted);
}

struct load machine_load(void)
{
	FILE *file = fopen("/proc/stat", "re");
	uint64_t t[8] = { 0 };
	struct load load = { 0 };
	size_t i;

	if (!file)
		return load;
	if (fscanf(file,
		    "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		    " %" SCNu64 " %" SCNu64,
		    &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) == 8) {
		for (i = 0; i < 8; i++)
			load.all += t[i];
		load.idle = t[3] + t[4];
		load.steal = t[7];
	}
	fclose(file);
	return load;
}
