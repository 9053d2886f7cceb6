/* SPDX-License-Identifier: MIT */
/*
 * Copying the boards out of a process. A board is a memfd of the daemon's that is opened anew
 * through /proc, for reading. Whoever runs this may be root and the process anybody's, so nothing
 * in it is trusted: it is copied first and checked then, and no byte is read that a seal does not
 * keep in place.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "client/thrusterctl/boards/boards.h"
#include "client/thrusterctl/boards/daemons.h"
#include "shm/figures.h"
#include "shm/geometry.h"

#define NAME_BEGINS "/memfd:thruster-"
#define NAME_ENDS "-board (deleted)"

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* An arena's name goes to a terminal. */
static bool is_name(const char name[THR_NAME_MAX])
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t n = strnlen(name, THR_NAME_MAX);

	return n > 0 && n < THR_NAME_MAX && strspn(name, allowed) == n;
}

static bool copy_clients(struct board *to, const struct thr_board *from)
{
	const struct thr_geometry *g = &to->geometry;
	const uint32_t *roster = (const uint32_t *)((const char *)from + g->roster_offset);
	uint32_t seat, id;

	to->clients = calloc(g->seats, sizeof(*to->clients));
	if (!to->clients)
		return false;
	for (seat = 1; seat <= g->seats; seat++)
		if ((id = load_relaxed(&roster[seat])) != 0)
			to->clients[to->n_clients++] = id;
	return true;
}

/* That the geometry is valid means also that the roster ends within the board. */
static bool copy_board(struct board *to, const struct thr_board *from, uint64_t bytes)
{
	if (load_acquire(&from->magic) != THR_BOARD_MAGIC || from->abi != THR_ABI)
		return false;
	memcpy(to->name, from->name, sizeof(to->name));
	memcpy(&to->geometry, &from->geometry, sizeof(to->geometry));
	if (!is_name(to->name) || !thr_geometry_is_valid(&to->geometry) ||
		to->geometry.board_bytes != bytes)
		return false;
	to->nonce = from->nonce;
	to->run = load_relaxed(&from->run);
	to->quota_bytes = load_relaxed(&from->quota_bytes);
	to->quota_leases = load_relaxed(&from->quota_leases);
	to->has_figures = figures_read(&from->figures, &to->figures);
	return copy_clients(to, from);
}

static bool read_board(struct board *ret, int fd)
{
	struct stat st;
	void *at;
	bool is_one;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 ||
		(uint64_t)st.st_size < sizeof(struct thr_board))
		return false;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return false;
	is_one = copy_board(ret, at, (uint64_t)st.st_size);
	munmap(at, (size_t)st.st_size);
	return is_one;
}

/* A daemon may have the same board open twice. */
static bool is_new(const struct boards *boards, const struct board *board)
{
	size_t i;

	for (i = 0; i < boards->n; i++)
		if (boards->board[i].nonce == board->nonce)
			return false;
	return true;
}

static void add_board(struct boards *boards, int fd)
{
	struct board board = { .clients = NULL }, *more;

	if (!read_board(&board, fd) || !is_new(boards, &board)) {
		free(board.clients);
		return;
	}
	more = reallocarray(boards->board, boards->n + 1, sizeof(*more));
	if (!more) {
		fprintf(stderr, "thrusterctl: out of memory\n");
		exit(EXIT_FAILURE);
	}
	boards->board = more;
	boards->board[boards->n++] = board;
}

static void look_at(struct boards *boards, int directory, const char *number)
{
	char target[256];
	ssize_t n = readlinkat(directory, number, target, sizeof(target) - 1);
	int fd;

	if (n < 0)
		return;
	target[n] = 0;
	if (strncmp(target, NAME_BEGINS, strlen(NAME_BEGINS)) != 0 || !ends_with(target, NAME_ENDS))
		return;
	fd = openat(directory, number, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	add_board(boards, fd);
	close(fd);
}

bool boards_find(struct boards *ret, const char *path)
{
	struct dirent *entry;
	char name[64];
	DIR *directory;

	*ret = (struct boards){ .pid = daemon_find(path) };
	snprintf(name, sizeof(name), "/proc/%d/fd", (int)ret->pid);
	directory = ret->pid ? opendir(name) : NULL;
	if (!directory)
		return false;
	while ((entry = readdir(directory)))
		look_at(ret, dirfd(directory), entry->d_name);
	closedir(directory);
	return ret->n > 0;
}

void boards_fini(struct boards *boards)
{
	size_t i;

	for (i = 0; i < boards->n; i++)
		free(boards->board[i].clients);
	free(boards->board);
}
