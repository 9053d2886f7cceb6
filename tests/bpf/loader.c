/* SPDX-License-Identifier: MIT */
/*
 * Files that clients name. Whoever may rename files where a client's library lies must not get
 * probes into a file that is not his: what was read is what is attached to.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ebpf/loader.h"
#include "shm/atomics.h"
#include "tests/harness/harness.h"

#define ROUNDS 40u
#define TRIES 4000u

static char directory[] = "/tmp/thruster-loader-XXXXXX";
static char ours[128], other[128], why[LOADER_WHY_MAX];
static struct loader *loader;

static void set_up(void)
{
	const char *reason;

	if (!probes_can_trace(&reason))
		cr_skip_test("%s", reason);
	cr_assert(mkdtemp(directory));
	snprintf(ours, sizeof(ours), "%s/libthruster-client.so", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	cr_assert_eq(loader_new(&loader, false, why), 0, "%s", why);
}

static void clean_up(void)
{
	char command[256];

	loader_free(loader);
	loader = NULL;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

TestSuite(loader, .init = set_up, .fini = clean_up, .timeout = 60);

Test(loader, a_pipe_is_not_waited_for, .timeout = 10)
{
	cr_assert_eq(mkfifo(ours, 0600), 0);
	cr_assert_eq(loader_attach(loader, ours, why), -ENODATA, "%s", why);
	cr_assert(strstr(why, ours), "%s", why);
}

/* A program of somebody else's, which runs: nothing but instructions that do nothing. */
static uint8_t *make_other(const char *as_large_as)
{
	struct stat st;
	int fd = open(other, O_RDWR | O_CREAT | O_TRUNC, 0700);
	uint8_t *at;

	cr_assert_eq(stat(as_large_as, &st), 0);
	cr_assert_eq(ftruncate(fd, st.st_size), 0);
	at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(at, 0x90, (size_t)st.st_size);
	munmap(at, (size_t)st.st_size);
	at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	cr_assert_neq(at, MAP_FAILED);
	close(fd);
	return at;
}

static uint32_t is_over;

static void *exchange(void *argument)
{
	(void)argument;
	while (!load_acquire(&is_over))
		renameat2(AT_FDCWD, ours, AT_FDCWD, other, RENAME_EXCHANGE);
	return NULL;
}

static bool has_probe(const uint8_t *program, const struct notes *notes)
{
	unsigned i;

	for (i = 0; i < notes->n; i++)
		if (program[notes->site[i].offset] != 0x90)
			return true;
	return false;
}

Test(loader, what_was_read_is_attached_to)
{
	const char *library = getenv("THRUSTER_LIBRARY");
	uint8_t *program = make_other(library);
	struct notes notes;
	char command[600];
	unsigned round, i;
	pthread_t thread;

	snprintf(command, sizeof(command), "cp %s %s", library, ours);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(notes_read(library, &notes, why), 0);
	cr_assert(!has_probe(program, &notes));
	pthread_create(&thread, NULL, exchange, NULL);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < TRIES && !loader_files(loader); i++)
			loader_attach(loader, ours, why);
		cr_assert(!has_probe(program, &notes), "a breakpoint in a file without probes");
		loader_free(loader);
		cr_assert_eq(loader_new(&loader, false, why), 0, "%s", why);
	}
	store_release(&is_over, 1);
	pthread_join(thread, NULL);
}

static void *shrink(void *argument)
{
	const char *library = getenv("THRUSTER_LIBRARY");
	int from = open(library, O_RDONLY | O_CLOEXEC), to = open(ours, O_RDWR | O_CLOEXEC);
	struct stat st;
	uint8_t *all;

	(void)argument;
	cr_assert_eq(fstat(from, &st), 0);
	all = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, from, 0);
	while (!load_acquire(&is_over)) {
		if (ftruncate(to, 4096) < 0 || pwrite(to, all, (size_t)st.st_size, 0) < 0)
			break;
	}
	munmap(all, (size_t)st.st_size);
	close(from);
	close(to);
	return NULL;
}

/* It is read as it is, or not; who reads it lives. */
Test(loader, a_file_may_shrink_while_it_is_read)
{
	char command[600];
	struct notes notes;
	pthread_t thread;
	unsigned i;

	snprintf(command, sizeof(command), "cp %s %s", getenv("THRUSTER_LIBRARY"), ours);
	cr_assert_eq(system(command), 0);
	pthread_create(&thread, NULL, shrink, NULL);
	for (i = 0; i < TRIES; i++)
		notes_read(ours, &notes, why);
	store_release(&is_over, 1);
	pthread_join(thread, NULL);
}

/* As large as a file without pages may say it is. */
Test(loader, notes_are_not_read_without_limit)
{
	char command[900];
	struct notes notes;

	snprintf(command, sizeof(command),
		"cp %s %s && truncate -s 1T %s && python3 -c '\n"
		"import struct\n"
		"f = open(\"%s\", \"r+b\")\n"
		"h = f.read(64)\n"
		"at, = struct.unpack_from(\"<Q\", h, 40)\n"
		"for i in range(1, struct.unpack_from(\"<H\", h, 60)[0]):\n"
		"    f.seek(at + 64 * i + 4)\n"
		"    if struct.unpack(\"<I\", f.read(4))[0] == 7:\n"
		"        f.seek(at + 64 * i + 32)\n"
		"        f.write(struct.pack(\"<Q\", 1 << 39))\n"
		"'", getenv("THRUSTER_LIBRARY"), ours, ours, ours);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(notes_read(ours, &notes, why), -ENODATA);
}
