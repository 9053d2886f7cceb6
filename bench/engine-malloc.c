/* SPDX-License-Identifier: MIT */
/*
 * malloc() and free(), whosever they are: other allocators are put in the C library's place by the
 * dynamic linker, which passes over a library that it cannot find, so it is looked for.
 */

#include <link.h>
#include <stdlib.h>
#include "bench/acts.h"
#include "bench/worker.h"

static int rent(struct lane *lane, size_t bytes, union item *ret)
{
	(void)lane;
	ret->address = malloc(bytes);
	keep(ret->address);
	return ret->address ? 0 : -ENOMEM;
}

static int give(struct lane *lane, union item *item)
{
	(void)lane;
	free(item->address);
	return 0;
}

static void *data(struct lane *lane, union item *item)
{
	(void)lane;
	return item->address;
}

static const struct acts engine_acts = { rent, give, data, NULL, NULL, word_pack, word_unpack,
	sizeof(uint64_t), NULL, NULL };

#define ACTS engine_acts
#define ACTS_ACROSS engine_acts
#include "bench/engine-bodies.h"

static int find_library(struct dl_phdr_info *info, size_t size, void *name)
{
	(void)size;
	return strstr(info->dlpi_name, name) != NULL;
}

static int enter_named(const char *library)
{
	return dl_iterate_phdr(find_library, (void *)(uintptr_t)library) ? 0 : -ELIBACC;
}

static int enter_jemalloc(struct lane *lane)
{
	(void)lane;
	return enter_named("jemalloc");
}

static int enter_mimalloc(struct lane *lane)
{
	(void)lane;
	return enter_named("mimalloc");
}

static int enter_tcmalloc(struct lane *lane)
{
	(void)lane;
	return enter_named("tcmalloc");
}

#define CODE(name, enter) { name, enter, NULL, NULL, NULL, bodies, begin, end }

const struct engine_code glibc_code = CODE("glibc", NULL);
const struct engine_code jemalloc_code = CODE("jemalloc", enter_jemalloc);
const struct engine_code mimalloc_code = CODE("mimalloc", enter_mimalloc);
const struct engine_code tcmalloc_code = CODE("tcmalloc", enter_tcmalloc);
