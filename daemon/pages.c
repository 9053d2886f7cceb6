/* SPDX-License-Identifier: MIT */
/*
 * A shortage must be an error at the start and not a SIGBUS in a client later. The kernel refuses
 * to allocate what it has not, and to map huge pages that it cannot reserve; here the reason is
 * found out beforehand, so that it can be told.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/cleanup.h"
#include "daemon/nodes.h"
#include "daemon/pages.h"

#define STAT_BLOCK_BYTES 512u

static bool read_count(unsigned long long page_bytes, const char *file, unsigned long long *ret)
{
	char path[128];
	FILE *stream;
	bool ok;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%llukB/%s",
		page_bytes / 1024, file);
	stream = fopen(path, "re");
	if (!stream)
		return false;
	ok = fscanf(stream, "%llu", ret) == 1;
	fclose(stream);
	return ok;
}

int pages_check(const struct thr_geometry *geometry, char why[MEMORY_WHY_MAX])
{
	unsigned long long page = geometry->page_bytes, wanted = geometry->arena_bytes / page;
	unsigned long long free_pages, reserved = 0;

	if (page == THR_PAGE)
		return 0;
	if (!read_count(page, "free_hugepages", &free_pages)) {
		snprintf(why, MEMORY_WHY_MAX, "this machine has no pages of %llu bytes", page);
		return -ENOMEM;
	}
	read_count(page, "resv_hugepages", &reserved);
	free_pages = free_pages > reserved ? free_pages - reserved : 0;
	if (wanted <= free_pages)
		return 0;
	snprintf(why, MEMORY_WHY_MAX,
		"%llu pages of %llu bytes are needed, and %llu are free: see "
		"/sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
		wanted, page, free_pages, page / 1024);
	return -ENOMEM;
}

static unsigned huge_flags(uint64_t page_bytes)
{
	if (page_bytes == THR_PAGE)
		return 0;
	return MFD_HUGETLB | (unsigned)__builtin_ctzll(page_bytes) << MFD_HUGE_SHIFT;
}

static int allocate(int fd, const struct thr_geometry *geometry, bool is_lazy)
{
	uint64_t page = geometry->page_bytes, to = geometry->arena_bytes;
	int r;

	if (is_lazy)
		to = (geometry->metadata_bytes + page - 1) & ~(page - 1);
	r = nodes_allocate(fd, geometry, to);
	return r < 0 ? r : memory_allocate(fd, 0, to);
}

int pages_new(int *ret_fd, void **ret_at, const char *name, const struct thr_geometry *geometry,
	bool is_lazy, char why[MEMORY_WHY_MAX])
{
	_cleanup_(close_fd) int fd = -1;
	int r = pages_check(geometry, why);

	if (r < 0)
		return r;
	fd = memory_create(name, geometry->arena_bytes, huge_flags(geometry->page_bytes));
	if (fd < 0)
		return fd;
	r = allocate(fd, geometry, is_lazy);
	if (r == 0)
		r = memory_finish(fd, geometry->arena_bytes, ret_at);
	if (r == 0)
		*ret_fd = take_fd(fd);
	return r;
}

uint64_t pages_resident(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (uint64_t)st.st_blocks * STAT_BLOCK_BYTES;
}

int pages_give_back(int fd, uint64_t from, uint64_t to)
{
	from = (from + THR_PAGE - 1) & ~(uint64_t)(THR_PAGE - 1);
	to &= ~(uint64_t)(THR_PAGE - 1);
	if (from >= to)
		return 0;
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
		       (off_t)(to - from)) < 0
		       ? -errno
		       : 0;
}
