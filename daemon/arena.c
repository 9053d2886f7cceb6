/* SPDX-License-Identifier: MIT */
/*
 * The life of an arena and of the seats in it. The order of unseating is what keeps a lease from
 * being lost between a sender and a receiver who dies: clear the roster, then the barrier, then the
 * walk [P4], and only then is the seat vacant.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include "daemon/arena.h"
#include "daemon/cleanup.h"
#include "daemon/clock.h"
#include "daemon/memory.h"
#include "shm/atomics.h"
#include "shm/figures.h"
#include "shm/reclaim.h"
#include "shm/wait.h"

static void arena_write_board(struct arena *arena)
{
	struct thr_board *board = arena->board;

	board->abi = THR_ABI;
	board->fenced = thr_barrier() < 0;
	if (getrandom(&board->nonce, sizeof(board->nonce), 0) != sizeof(board->nonce))
		board->nonce = clock_realtime_ns();
	memcpy(board->name, arena->name, sizeof(board->name));
	board->geometry = arena->geometry;
	arena->roster = (uint32_t *)((uint8_t *)board + arena->geometry.roster_offset);
	store_release(&board->magic, THR_BOARD_MAGIC);
}

static int arena_init(
	struct arena *arena, const struct config_arena *config, char why[MEMORY_WHY_MAX])
{
	char name[THR_NAME_MAX + 32];
	int r;

	memcpy(arena->name, config->name, sizeof(arena->name));
	arena->geometry = config->geometry;
	arena->access = config->access;
	arena->fd = arena->board_fd = -1;
	r = memory_check(arena->geometry.arena_bytes + arena->geometry.board_bytes, why);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "thruster-%s", arena->name);
	r = memory_new_shared(&arena->fd, &arena->pages, name, arena->geometry.arena_bytes);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "thruster-%s-board", arena->name);
	r = memory_new_board(&arena->board_fd, (void **)&arena->board, name,
		arena->geometry.board_bytes);
	if (r < 0)
		return r;
	thr_view_init(&arena->view, arena->pages, &arena->geometry);
	thr_view_format(&arena->view);
	arena_write_board(arena);
	r = seats_init(&arena->seats, arena, arena->geometry.seats);
	if (r < 0)
		return r;
	return census_init(&arena->census, &arena->view, config->undelivered_grace_ms * NS_PER_MS);
}

int arena_new(struct arena **ret, const struct config_arena *config, char why[MEMORY_WHY_MAX])
{
	struct arena *arena = calloc(1, sizeof(*arena));
	int r;

	*why = 0;
	r = arena ? arena_init(arena, config, why) : -ENOMEM;
	if (r < 0) {
		if (!*why)
			snprintf(why, MEMORY_WHY_MAX, "%s", strerror(-r));
		arena_free(arena);
		return r;
	}
	*ret = arena;
	return 0;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	census_fini(&arena->census);
	seats_fini(&arena->seats);
	if (arena->pages)
		munmap(arena->pages, arena->geometry.arena_bytes);
	if (arena->board)
		munmap(arena->board, arena->geometry.board_bytes);
	close_fd(&arena->fd);
	close_fd(&arena->board_fd);
	free(arena);
}

/*
 * The byte of a seat in the arena's file; locks may lie anywhere, so no data is touched by it. A
 * hostile client can lock other seats' bytes; then these seats are not to be had.
 */
static struct flock seat_lock(const struct client *client)
{
	return (struct flock){
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = client->seat.n,
		.l_len = 1,
	};
}

static int arena_open_for(const struct arena *arena, const struct client *client, int *ret_fd)
{
	_cleanup_(close_fd) int fd = memory_reopen(arena->fd);
	struct flock lock = seat_lock(client);

	if (fd < 0)
		return fd;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EAGAIN || errno == EACCES ? -EUSERS : -errno;
	*ret_fd = take_fd(fd);
	return 0;
}

/* A label goes to logs and terminals: printable ASCII, and no quotes. */
static void label_copy(char to[THR_NAME_MAX], const char *from)
{
	size_t i;

	for (i = 0; i < THR_NAME_MAX - 1 && from[i]; i++)
		to[i] = from[i] > ' ' && from[i] < 127 && from[i] != '"' && from[i] != '\\'
				? from[i]
				: '_';
	memset(to + i, 0, THR_NAME_MAX - i);
}

int arena_seat(struct arena *arena, const struct peer *peer, const char *label,
	struct client **ret_client, int *ret_fd)
{
	struct client *client;
	int r;

	if (!access_allows(&arena->access, peer))
		return -EACCES;
	client = seats_take(&arena->seats);
	if (!client)
		return -EUSERS;
	r = arena_open_for(arena, client, ret_fd);
	if (r < 0) {
		seats_give(&arena->seats, client);
		return r;
	}
	client->pid = peer->pid;
	client->uid = peer->uid;
	client->gid = peer->gid;
	client->attached_realtime_ns = clock_realtime_ns();
	label_copy(client->label, label);
	memset(&arena->view.seats[client->seat.n], 0, sizeof(struct thr_seat));
	store_release(&arena->roster[client->seat.n], client->id.n); /* [P5] */
	*ret_client = client;
	return 0;
}

bool arena_is_touched_by(const struct arena *arena, const struct client *client)
{
	struct flock lock = seat_lock(client);

	return fcntl(arena->fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

uint64_t arena_unseat(struct arena *arena, struct client *client)
{
	struct thr_reclaimed sum = { 0 };
	uint64_t begun = clock_monotonic_ns();
	uint32_t i;

	store_release(&arena->roster[client->seat.n], 0);
	if (!arena->board->fenced)
		thr_barrier(); /* [P4] */
	fence_full();
	thr_reclaim_seat(&arena->view, client->seat, &sum);
	/* A client that was killed may have freed a slot and not have come to look whether anybody
	 * waits. The flag is not asked: it is no more than a client's word. */
	if (!client->is_leaving || (sum.total && wait_is_wanted(arena->view.control, true)))
		thr_wait_wake(arena->view.control);

	for (i = 0; i < arena->geometry.classes; i++)
		arena->reclaimed_leases[i] += sum.leases[i];
	if (!client->is_leaving) {
		arena->reclaimed_clients++;
		arena->reclaim_last_ns = clock_monotonic_ns() - begun;
		if (arena->reclaim_last_ns > arena->reclaim_max_ns)
			arena->reclaim_max_ns = arena->reclaim_last_ns;
	}
	seats_give(&arena->seats, client);
	return sum.total;
}

void arena_sample(struct arena *arena)
{
	struct thr_figures figures = { 0 };
	uint32_t i;

	census_walk(&arena->census, &arena->view, arena->reclaimed_leases);
	/* Also if nothing was taken back: a returner may have been stopped before it could wake. */
	if (wait_is_wanted(arena->view.control, true))
		thr_wait_wake(arena->view.control);
	figures.sampled_monotonic_ns = arena->census.sampled_ns;
	figures.clients = arena->seats.n_taken;
	for (i = 0; i < arena->geometry.classes; i++)
		figures.class_[i] = arena->census.class_[i].figures;
	figures_publish(&arena->board->figures, &figures);
}

struct thr_verdict arena_judge(const struct arena *arena)
{
	uint32_t claims[THR_CLASSES_MAX], i;

	for (i = 0; i < arena->geometry.classes; i++)
		claims[i] = arena->geometry.class_[i].claim;
	return thr_judge(&arena->view, arena->roster, claims);
}
