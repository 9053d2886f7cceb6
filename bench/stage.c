/* SPDX-License-Identifier: MIT */
/*
 * The memory that the program and its workers share, and how they meet in it: a counter for each
 * meeting, used once between two resets.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bench/stage.h"

int stage_open(struct stage **ret, int fd)
{
	void *pages = mmap(NULL, sizeof(**ret), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (pages == MAP_FAILED)
		return -errno;
	*ret = pages;
	return 0;
}

int stage_new(struct stage **ret, int *ret_fd)
{
	int fd = memfd_create("thruster-bench", 0), r = 0; /* the workers inherit it */

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(**ret)) < 0)
		r = -errno;
	if (r == 0)
		r = stage_open(ret, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

void stage_reset(struct stage *stage, int fd)
{
	size_t bytes = offsetof(struct stage, buffers);

	/* What was never touched need not be written. */
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) < 0)
		memset(stage, 0, bytes);
}

void stage_meet(struct stage *stage, enum meeting meeting, unsigned lanes)
{
	uint32_t *arrived = &stage->arrived[meeting];
	unsigned spins = 0;

	__atomic_add_fetch(arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(arrived, __ATOMIC_ACQUIRE) < lanes)
		spin(&spins);
}
