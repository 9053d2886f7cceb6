/* SPDX-License-Identifier: MIT */
/*
 * memfds have mode 0777 when they are made, which would let anybody with a read-only descriptor
 * reopen it for writing through /proc; hence the fchmod.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/cleanup.h"
#include "daemon/memory.h"

#define CHUNK_BYTES ((uint64_t)1 << 30)

static bool read_text(const char *path, char *text, size_t size)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	if (n <= 0)
		return false;
	text[n] = 0;
	return true;
}

static bool read_number(const char *directory, const char *file, uint64_t *ret)
{
	char path[4096 + 64], text[64];
	unsigned long long number;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	if (!read_text(path, text, sizeof(text)) || sscanf(text, "%llu", &number) != 1)
		return false; /* not there, or "max" */
	*ret = number;
	return true;
}

static bool memory_available(uint64_t *ret)
{
	unsigned long long kib;
	char text[4096];
	const char *line;

	if (!read_text("/proc/meminfo", text, sizeof(text)))
		return false;
	line = strstr(text, "MemAvailable:");
	if (!line || sscanf(line, "MemAvailable: %llu", &kib) != 1)
		return false;
	*ret = kib * 1024;
	return true;
}

/* The tightest limit from a control group up to its hierarchy's root. */
static int check_groups(const char *root, const char *group, const char *limit_file,
	const char *usage_file, uint64_t bytes, char why[MEMORY_WHY_MAX])
{
	char directory[4096];
	uint64_t limit, usage;
	char *end;

	if (snprintf(directory, sizeof(directory), "%s%s", root, group) >= (int)sizeof(directory))
		return 0;
	while (strlen(directory) >= strlen(root)) {
		if (read_number(directory, limit_file, &limit) &&
			read_number(directory, usage_file, &usage) &&
			(usage > limit || bytes > limit - usage)) {
			snprintf(why, MEMORY_WHY_MAX,
				"the control group %.100s has %llu bytes left of its limit",
				directory, (unsigned long long)(usage > limit ? 0 : limit - usage));
			return -ENOMEM;
		}
		end = strrchr(directory, '/');
		if (!end || end == directory)
			break;
		*end = 0;
	}
	return 0;
}

static int check_control_groups(uint64_t bytes, char why[MEMORY_WHY_MAX])
{
	char text[8192], *line, *next;
	int r = 0;

	if (!read_text("/proc/self/cgroup", text, sizeof(text)))
		return 0;
	for (line = text; r == 0 && line && *line; line = next) {
		char *group = strchr(line, ':');

		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		group = group ? strchr(group + 1, ':') : NULL;
		if (!group)
			continue;
		if (strncmp(line, "0::", 3) == 0) {
			r = check_groups("/sys/fs/cgroup", group + 1, "memory.max",
				"memory.current", bytes, why);
		} else if (strstr(line, ":memory:")) {
			r = check_groups("/sys/fs/cgroup/memory", group + 1,
				"memory.limit_in_bytes", "memory.usage_in_bytes", bytes, why);
		}
	}
	return r;
}

int memory_check(uint64_t bytes, char why[MEMORY_WHY_MAX])
{
	uint64_t available;

	if (memory_available(&available) && bytes > available) {
		snprintf(why, MEMORY_WHY_MAX, "this machine has %llu bytes available",
			(unsigned long long)available);
		return -ENOMEM;
	}
	return check_control_groups(bytes, why);
}

int memory_create(const char *name, uint64_t bytes, unsigned flags)
{
	_cleanup_(close_fd) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);

	if (fd < 0 || fchmod(fd, 0600) < 0 || ftruncate(fd, (off_t)bytes) < 0)
		return -errno;
	return take_fd(fd);
}

int memory_allocate(int fd, uint64_t from, uint64_t to)
{
	uint64_t chunk;

	for (; from < to; from += chunk) {
		chunk = to - from < CHUNK_BYTES ? to - from : CHUNK_BYTES;
		while (fallocate(fd, 0, (off_t)from, (off_t)chunk) < 0)
			if (errno != EINTR)
				return -errno;
	}
	return 0;
}

int memory_finish(int fd, uint64_t bytes, void **ret_at)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int r;

	if (at == MAP_FAILED)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		r = -errno;
		munmap(at, bytes);
		return r;
	}
	*ret_at = at;
	return 0;
}

int memory_new_shared(int *ret_fd, void **ret_at, const char *name, uint64_t bytes)
{
	_cleanup_(close_fd) int fd = memory_create(name, bytes, 0);
	int r;

	if (fd < 0)
		return fd;
	r = memory_allocate(fd, 0, bytes);
	if (r == 0)
		r = memory_finish(fd, bytes, ret_at);
	if (r == 0)
		*ret_fd = take_fd(fd);
	return r;
}

void *memory_map(int fd, uint64_t bytes)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *at;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 ||
		(uint64_t)st.st_size != bytes)
		return NULL;
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return at == MAP_FAILED ? NULL : at;
}

int memory_new_text(const char *name, const char *text, size_t length)
{
	_cleanup_(close_fd) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (done < length) {
		n = pwrite(fd, text + done, length - done, (off_t)done);
		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	if (fchmod(fd, 0600) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) <
			0)
		return -errno;
	return take_fd(fd);
}

static int reopen(int fd, int flags)
{
	char path[64];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, flags | O_CLOEXEC);
	if (own < 0)
		return errno == ENOENT ? -ENOSYS : -errno; /* no /proc here */
	return own;
}

int memory_reopen(int fd)
{
	return reopen(fd, O_RDWR);
}

int memory_reopen_read_only(int fd)
{
	return reopen(fd, O_RDONLY);
}
