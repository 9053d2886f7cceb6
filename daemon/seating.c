/* SPDX-License-Identifier: MIT */
/*
 * Taking and vacating the seats of an arena. The order of unseating is what keeps a lease from
 * being lost between a sender and a receiver who dies: clear the roster, then the barrier, then the
 * walk [P4], and only then is the seat vacant.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include "daemon/arena.h"
#include "daemon/cleanup.h"
#include "daemon/clock.h"
#include "daemon/memory.h"
#include "shm/atomics.h"
#include "shm/probes.h"
#include "shm/reclaim.h"
#include "shm/wait.h"
#include "shm/waits.h"

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
	_cleanup_(close_fd) int fd = memory_reopen(arena->fds.pages);
	struct flock lock = seat_lock(client);

	if (fd < 0)
		return fd;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EAGAIN || errno == EACCES ? -EUSERS : -errno;
	/* By this ebpf/exit.bpf.c knows whose it is; nobody reads or writes there. */
	if (lseek(fd, client->id.n, SEEK_SET) < 0)
		return -errno;
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

static int seat(struct arena *arena, const struct peer *peer, const char *label,
	struct client **ret_client, int *ret_fd)
{
	struct client *client;
	int r;

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
	seats_note(&arena->seats, client);
	store_release(&arena->roster[client->seat.n], client->id.n); /* [P5] */
	*ret_client = client;
	return 0;
}

int arena_seat(struct arena *arena, const struct peer *peer, const char *label,
	struct client **ret_client, int *ret_fd)
{
	if (!access_allows(&arena->access, peer))
		return -EACCES;
	if (arena->is_retired)
		return -ENOENT;
	return seat(arena, peer, label, ret_client, ret_fd);
}

int arena_seat_self(
	struct arena *arena, const char *label, struct client **ret_client, int *ret_fd)
{
	struct peer self = { .pid = getpid(), .uid = getuid(), .gid = getgid(), .pidfd = -1 };
	int r = seat(arena, &self, label, ret_client, ret_fd);

	if (r == 0)
		(*ret_client)->is_daemon = true;
	return r;
}

int arena_open_board(const struct arena *arena)
{
	return memory_reopen_read_only(arena->fds.board);
}

bool arena_is_touched_by(const struct arena *arena, const struct client *client)
{
	struct flock lock = seat_lock(client);

	return fcntl(arena->fds.pages, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

static void arena_count_reclaim(struct arena *arena, const struct client *client,
	const struct thr_reclaimed *sum, uint64_t begun_ns)
{
	struct ledger *l = arena->ledger;
	uint32_t i;

	for (i = 0; i < arena->geometry.classes; i++)
		l->class_[i].reclaimed_total += sum->leases[i];
	if (client->is_leaving || client->is_ending)
		return;
	l->reclaimed_clients++;
	l->reclaim_last_ns = clock_monotonic_ns() - begun_ns;
	l->reclaims.ns_total += l->reclaim_last_ns;
	l->reclaims.bucket[waits_bucket(l->reclaim_last_ns)]++;
	if (l->reclaim_last_ns > l->reclaims.ns_max)
		l->reclaims.ns_max = l->reclaim_last_ns;
}

/* Nobody waits in the name of a vacant seat; but that somebody did counts. */
static void arena_end_waits(struct arena *arena, struct seat_id seat)
{
	struct thr_seat *line = &arena->view.seats[seat.n];
	static const uint16_t none[THR_CLASSES_MAX];

	if (memcmp(line->waiters_peak, none, sizeof(none)) != 0)
		census_count_waiters(&arena->census, &arena->view);
	memset(line->waiters, 0, sizeof(line->waiters));
	memset(line->waiters_peak, 0, sizeof(line->waiters_peak));
}

/* By class, for who traces. */
static void tell_probes(const struct arena *arena, const struct client *client,
	const struct thr_reclaimed *sum, uint64_t ns)
{
	int cpu = sched_getcpu();
	struct core_id core = { cpu < 0 ? 0 : (uint32_t)cpu };
	uint32_t i;

	for (i = 0; i < arena->geometry.classes; i++)
		if (sum->leases[i])
			PROBE(reclaim, &arena->view.class_[i], client->seat, core, sum->leases[i],
				ns);
}

uint64_t arena_take_back(struct arena *arena, struct client *client)
{
	struct thr_reclaimed sum = { 0 };
	uint64_t begun = clock_monotonic_ns();
	STATE_AT_WORK(&arena->at_work[STATE_LOOP], arena->id);

	store_release(&arena->roster[client->seat.n], 0);
	if (!arena->board->fenced)
		thr_barrier(); /* [P4] */
	fence_full();
	thr_reclaim_seat(&arena->view, client->seat, &sum);
	/* A client that was killed may have freed a slot and not have come to look whether anybody
	 * waits. The flag is not asked: it is no more than a client's word. */
	if (!client->is_leaving || (sum.total && wait_is_wanted(arena->view.control, true)))
		thr_wait_wake(arena->view.control, WAIT_ALL);
	arena_count_reclaim(arena, client, &sum, begun);
	arena_end_waits(arena, client->seat);
	tell_probes(arena, client, &sum, clock_monotonic_ns() - begun);
	client->is_ending = true;
	return sum.total;
}

uint64_t arena_unseat(struct arena *arena, struct client *client)
{
	uint64_t leases = arena_take_back(arena, client);

	seats_give(&arena->seats, client);
	return leases;
}
