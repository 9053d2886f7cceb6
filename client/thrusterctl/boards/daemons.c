/* SPDX-License-Identifier: MIT */
/*
 * Who listens at a socket? The kernel names the process that called listen(): the daemon, or the
 * service manager who did it on its behalf. Then it is the process called thrusterd that has this
 * very socket open; the manager has it, too, and keeps the boards besides, and is not it.
 */

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "client/connection.h"
#include "client/thrusterctl/boards/daemons.h"

#define CONNECT_MS 200u
#define SOCKETS_MAX 8
#define LISTENS 0x10000u /* the kernel's __SO_ACCEPTCON */

static bool is_thrusterd(pid_t pid)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = 0;
	fclose(file);
	return strcmp(name, "thrusterd\n") == 0;
}

/* Connecting needs nothing of a daemon that is stopped, as long as there is room in the queue. */
static pid_t listener_of(const char *path)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	int fd;

	if (thr_connection_open(&fd, path, CONNECT_MS) < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		peer.pid = 0;
	close(fd);
	return peer.pid;
}

/* The inode of a listening socket in a line of /proc/net/unix, 0 if it is none at this path. */
static uint64_t inode_in(const char *line, const char *path)
{
	unsigned flags;
	uint64_t inode;
	int n = 0;

	if (sscanf(line, "%*s %*s %*s %x %*s %*s %" SCNu64 " %n", &flags, &inode, &n) != 2 || !n)
		return 0;
	return flags & LISTENS && strcmp(line + n, path) == 0 ? inode : 0;
}

/* More than one if an earlier daemon's file was replaced. */
static size_t sockets_at(const char *path, uint64_t inodes[SOCKETS_MAX])
{
	char line[PATH_MAX], resolved[PATH_MAX];
	FILE *file = fopen("/proc/net/unix", "re");
	uint64_t inode;
	size_t n = 0;

	if (!file)
		return 0;
	if (!realpath(path, resolved))
		snprintf(resolved, sizeof(resolved), "%s", path);
	while (n < SOCKETS_MAX && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		inode = inode_in(line, path);
		if (!inode)
			inode = inode_in(line, resolved);
		if (inode)
			inodes[n++] = inode;
	}
	fclose(file);
	return n;
}

static bool is_one_of(const char *target, const uint64_t *inodes, size_t n)
{
	char name[64];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "socket:[%" PRIu64 "]", inodes[i]);
		if (strcmp(target, name) == 0)
			return true;
	}
	return false;
}

static bool has_open(pid_t pid, const uint64_t *inodes, size_t n)
{
	char path[64], target[128];
	struct dirent *entry;
	bool found = false;
	DIR *directory;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	if (!directory)
		return false;
	while (!found && (entry = readdir(directory))) {
		length = readlinkat(
			dirfd(directory), entry->d_name, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = 0;
		found = is_one_of(target, inodes, n);
	}
	closedir(directory);
	return found;
}

pid_t daemon_find(const char *path)
{
	pid_t pid = listener_of(path), found = 0;
	uint64_t inodes[SOCKETS_MAX];
	struct dirent *entry;
	DIR *directory;
	size_t n;

	if (pid > 0 && is_thrusterd(pid))
		return pid;
	n = sockets_at(path, inodes);
	directory = n ? opendir("/proc") : NULL;
	if (!directory)
		return 0;
	while (!found && (entry = readdir(directory))) {
		pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid > 0 && is_thrusterd(pid) && has_open(pid, inodes, n))
			found = pid;
	}
	closedir(directory);
	return found;
}
