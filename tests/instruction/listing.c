/* SPDX-License-Identifier: MIT */
/*
 * listing.py does the reading of a disassembly; here its lines become an array that is sorted by
 * address. The binary is found through the loader, so a library that was put in the place of the
 * built one (a faulty one, on purpose) is listed, and not the one that it stands for.
 */

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/harness/harness.h"
#include "tests/instruction/listing.h"

#define SCRIPT "tests/instruction/listing.py"

static const char *keep(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		harness_fail("memory");
	return copy;
}

static void *grow(void *array, unsigned n, size_t size)
{
	if (n & (n - 1)) /* only at powers of two */
		return array;
	array = realloc(array, (n ? 2 * (size_t)n : 1) * size);
	if (!array)
		harness_fail("memory");
	return array;
}

static void take_instruction(struct listing *l, char *rest)
{
	const char *offset = strsep(&rest, "\t"), *function = strsep(&rest, "\t");
	const char *source = strsep(&rest, "\t"), *excuse = strsep(&rest, "\t");

	if (!excuse || !rest)
		harness_fail("a line of %s is short", SCRIPT);
	l->at = grow(l->at, l->n, sizeof(*l->at));
	l->at[l->n++] = (struct instruction){
		.offset = strtoull(offset, NULL, 16),
		.function = l->n > 1 && strcmp(l->at[l->n - 2].function, function) == 0 ?
			l->at[l->n - 2].function : keep(function),
		.source = keep(source),
		.text = keep(rest),
		.excuse = atoi(excuse),
	};
}

static int by_offset(const void *a, const void *b)
{
	const struct instruction *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void listing_load(struct listing *l, const char *path, uintptr_t base, const char *excuses,
	const char *functions)
{
	char line[PATH_MAX + 512], *rest;
	FILE *pipe;

	*l = (struct listing){ .base = base };
	snprintf(line, sizeof(line), "python3 '%s/%s' '%s' '%s' %s", getenv("THRUSTER_SOURCE"),
		SCRIPT, path, excuses, functions);
	pipe = popen(line, "re");
	if (!pipe)
		harness_fail("popen: %s", strerror(errno));
	while (fgets(line, sizeof(line), pipe)) {
		line[strcspn(line, "\n")] = 0;
		rest = line;
		if (strcmp(strsep(&rest, "\t"), "I") == 0) {
			take_instruction(l, rest);
		} else {
			strsep(&rest, "\t");
			l->excuse = grow(l->excuse, l->n_excuses, sizeof(*l->excuse));
			l->excuse[l->n_excuses++] = keep(rest);
		}
	}
	if (pclose(pipe) != 0 || l->n == 0)
		harness_fail("%s finds no instruction in %s", SCRIPT, path);
	qsort(l->at, l->n, sizeof(*l->at), by_offset);
}

const char *listing_whereabouts(const void *address, uintptr_t *ret_base)
{
	static char self[PATH_MAX];
	struct link_map *map;
	Dl_info info;

	if (!dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP))
		harness_fail("no file at %p", address);
	*ret_base = map->l_addr;
	if (map->l_name[0])
		return map->l_name;
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		harness_fail("/proc/self/exe: %s", strerror(errno));
	return self;
}

int listing_find(const struct listing *l, uintptr_t address)
{
	struct instruction key = { .offset = address - l->base }, *found;

	found = bsearch(&key, l->at, l->n, sizeof(*l->at), by_offset);
	return found ? (int)(found - l->at) : -1;
}

const char *listing_name(const struct listing *l, int i)
{
	static char names[4][512];
	static unsigned turn;
	char *name = names[turn++ % 4];
	int first = i;

	if (i < 0)
		return "nowhere";
	while (first > 0 && l->at[first - 1].function == l->at[i].function)
		first--;
	snprintf(name, sizeof(names[0]), "%s+%#llx (%s: %s)", l->at[i].function,
		(unsigned long long)(l->at[i].offset - l->at[first].offset), l->at[i].source,
		l->at[i].text);
	return name;
}
