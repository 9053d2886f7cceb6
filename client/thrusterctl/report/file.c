/* SPDX-License-Identifier: MIT */
/*
 * Under another name in the same directory first, and then renamed: whoever opens the file sees all
 * of it or the one before, and a full disk leaves nothing. What is no file but a device or a pipe
 * is written to as it is.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "client/thrusterctl/report/report.h"

static int write_all(int fd, const char *text, size_t size)
{
	ssize_t n;

	while (size > 0) {
		n = write(fd, text, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Write, close, and say what of it failed; some file systems tell of a full disk only then. */
static int fill(int fd, const char *text, size_t size)
{
	int r = write_all(fd, text, size);

	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

/* mkstemp() makes files that nobody else may read; a page is a file like others. */
static void open_to_readers(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	(void)!fchmod(fd, 0666 & ~mask);
}

static int put(const char *temporary, const char *path, bool may_replace)
{
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, may_replace ? 0 : RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL || may_replace)
		return -errno;
	/* A file system that cannot do that, but perhaps the same in two steps. */
	if (link(temporary, path) < 0)
		return -errno;
	unlink(temporary);
	return 0;
}

static int save_beside(const char *path, const char *text, size_t size, bool may_replace)
{
	char *temporary;
	int fd, r;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkstemp(temporary);
	r = fd < 0 ? -errno : 0;
	if (r == 0) {
		open_to_readers(fd);
		r = fill(fd, text, size);
		if (r == 0)
			r = put(temporary, path, may_replace);
		if (r < 0)
			unlink(temporary);
	}
	free(temporary);
	return r;
}

static int save_over(const char *path, const char *text, size_t size)
{
	char *real;
	struct stat st;
	int fd, r;

	if (stat(path, &st) < 0)
		return save_beside(path, text, size, true);
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return fd < 0 ? -errno : fill(fd, text, size);
	}
	real = realpath(path, NULL); /* a link stays one */
	if (!real)
		return -errno;
	r = save_beside(real, text, size, true);
	free(real);
	return r;
}

bool report_save(const char *path, const char *text, size_t size, bool may_replace)
{
	int r = may_replace ? save_over(path, text, size) : save_beside(path, text, size, false);

	if (r < 0)
		fprintf(stderr, "thrusterctl: cannot write %s: %s%s\n", path, strerror(-r),
			r == -EEXIST ? "; name another with --output" : "");
	return r == 0;
}
