/* SPDX-License-Identifier: MIT */
/*
 * What somebody can do who gets one of the daemon's descriptors: every way to change a size, a seal
 * or a sealed content is tried and refused; and how an amount that cannot be had is answered.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/cleanup.h"
#include "daemon/memory.h"
#include "tests/unit/must.h"

#define BYTES 40960u

/* Beyond what a file can have: refused before a page is allocated. */
#define TOO_MUCH ((uint64_t)1 << 63)

static void check_size_is_fixed(int fd)
{
	struct stat st;

	cr_assert_eq(ftruncate(fd, BYTES - 4096), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(ftruncate(fd, BYTES + 4096), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(fallocate(fd, 0, BYTES, 4096), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(pwrite(fd, "x", 1, BYTES), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_size, BYTES);
}

static void check_mode(int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	cr_assert_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static bool can_be_mapped_for_writing(int fd)
{
	void *at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return false;
	munmap(at, BYTES);
	return true;
}

Test(memory, shared_is_allocated_sealed_and_private_to_its_owner)
{
	_cleanup_(close_fd) int fd = -1, own = -1;
	struct stat st;
	char *at;

	cr_assert_eq(memory_new_shared(&fd, (void **)&at, "unit", BYTES), 0);
	cr_assert_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	check_mode(fd);
	check_size_is_fixed(fd);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_geq(st.st_blocks * 512, BYTES, "pages are not there yet");
	cr_assert(at[0] == 0 && at[BYTES - 1] == 0);
	own = memory_reopen(fd);
	cr_assert_geq(own, 0);
	cr_assert(can_be_mapped_for_writing(own));
	check_size_is_fixed(own);
	at[BYTES - 1] = 'x';
	cr_assert_eq(pread(own, at, 1, BYTES - 1), 1);
	cr_assert_eq(at[0], 'x');
	munmap(at, BYTES);
}

/* Whoever has a descriptor that is for reading alone can neither write nor map for writing. */
Test(memory, a_reader_of_a_board_can_never_write)
{
	_cleanup_(close_fd) int fd = -1, reader = -1;
	char *at, *theirs, *again;

	cr_assert_eq(memory_new_shared(&fd, (void **)&at, "unit", BYTES), 0);
	check_mode(fd);
	check_size_is_fixed(fd);
	reader = memory_reopen_read_only(fd);
	cr_assert_geq(reader, 0);
	cr_assert_eq(pwrite(reader, "x", 1, 0), -1);
	cr_assert_eq(errno, EBADF);
	cr_assert_not(can_be_mapped_for_writing(reader));
	cr_assert(fallocate(reader, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == -1);
	theirs = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, reader, 0);
	cr_assert_neq(theirs, MAP_FAILED);
	cr_assert_eq(mprotect(theirs, BYTES, PROT_READ | PROT_WRITE), -1);
	at[5] = 'x';
	cr_assert_eq(theirs[5], 'x');
	/* The daemon's next run maps it anew. */
	again = memory_map(fd, BYTES);
	cr_assert(again);
	again[5] = 'y';
	cr_assert_eq(theirs[5], 'y');
	cr_assert_null(memory_map(fd, BYTES / 2), "of another size");
	munmap(again, BYTES);
	munmap(theirs, BYTES);
	munmap(at, BYTES);
}

Test(memory, a_text_cannot_be_changed)
{
	static const char text[] = "{ \"an\": \"answer\" }";
	_cleanup_(close_fd) int fd = memory_new_text("unit", text, strlen(text));
	_cleanup_(close_fd) int empty = memory_new_text("unit", "", 0);
	char copy[64] = "";
	struct stat st;

	cr_assert_geq(fd, 0);
	check_mode(fd);
	cr_assert_eq(pread(fd, copy, sizeof(copy) - 1, 0), (ssize_t)strlen(text));
	cr_assert_str_eq(copy, text);
	cr_assert_eq(pwrite(fd, "x", 1, 0), -1);
	cr_assert_eq(ftruncate(fd, 0), -1);
	cr_assert_eq(ftruncate(fd, 100), -1);
	cr_assert_not(can_be_mapped_for_writing(fd));
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
	cr_assert_geq(empty, 0);
	cr_assert_eq(fstat(empty, &st), 0);
	cr_assert_eq(st.st_size, 0);
}

/* Each has a lock of its own, and the file knows who of them still stands. */
Test(memory, a_reopened_descriptor_is_an_open_file_of_its_own)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 7, .l_len = 1 },
		     ask;
	_cleanup_(close_fd) int fd = -1;
	void *at;
	int own;

	cr_assert_eq(memory_new_shared(&fd, &at, "unit", BYTES), 0);
	own = memory_reopen(fd);
	cr_assert_geq(own, 0);
	cr_assert_eq(fcntl(own, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	cr_assert_eq(fcntl(own, F_OFD_SETLK, &lock), 0);
	ask = lock;
	cr_assert_eq(fcntl(fd, F_OFD_GETLK, &ask), 0);
	cr_assert_neq(ask.l_type, F_UNLCK);
	close(own);
	ask = lock;
	cr_assert_eq(fcntl(fd, F_OFD_GETLK, &ask), 0);
	cr_assert_eq(ask.l_type, F_UNLCK);
	munmap(at, BYTES);
	cr_assert_eq(memory_reopen(-1), -ENOSYS);
}

Test(memory, what_cannot_be_had_is_refused_with_a_reason)
{
	char why[MEMORY_WHY_MAX] = "";

	cr_assert_eq(memory_check(0, why), 0);
	cr_assert_eq(memory_check(4096, why), 0);
	cr_assert_str_empty(why);
	cr_assert_eq(memory_check((uint64_t)1 << 60, why), -ENOMEM);
	cr_assert(strstr(why, "bytes available") || strstr(why, "bytes left"), "it says: %s", why);
	*why = 0;
	cr_assert_eq(memory_check(UINT64_MAX, why), -ENOMEM);
	cr_assert_str_not_empty(why);
}

Test(memory, a_failure_leaves_nothing_behind)
{
	int fd = 99, before, after;
	void *at = &fd;

	before = dup(0);
	close(before);
	cr_assert_eq(memory_new_shared(&fd, &at, "unit", TOO_MUCH), -EINVAL);
	cr_assert_eq(fd, 99);
	cr_assert_eq(at, (void *)&fd);
	after = dup(0);
	close(after);
	cr_assert_eq(after, before, "a descriptor was left open");
}
