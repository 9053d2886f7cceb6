/* SPDX-License-Identifier: MIT */
/*
 * Attaching: ask the daemon for a seat, map what it sends, check it, and keep the connection. The
 * descriptors are closed at once. What then stands for this client is its mapping of the arena:
 * the open file description behind it carries the seat lock, which the kernel drops when the last
 * mapping is gone, however that comes about.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "client/attach.h"
#include "client/connection.h"
#include "client/pool.h"
#include "shm/atomics.h"
#include "shm/geometry.h"
#include "shm/probes.h"
#include "shm/record.h"
#include "shm/wait.h"
#include "shm/wire.h"

#define ATTACH_TIMEOUT_MS 10000u

/* Of the first release: nobody can rightly have a smaller one. */
#define OPTIONS_SIZE_FIRST 32u

_Static_assert(sizeof(struct thruster_attach_options) >= OPTIONS_SIZE_FIRST ||
		       sizeof(void *) != 8, "the options only grow");

static int options_read(
	struct thruster_attach_options *ret, const struct thruster_attach_options *o)
{
	struct thruster_attach_options known = { .size = sizeof(known) };
	const unsigned char *bytes = (const unsigned char *)o;
	size_t i;

	if (o) {
		if (o->size < OPTIONS_SIZE_FIRST)
			return -EINVAL;
		for (i = sizeof(known); i < o->size; i++)
			if (bytes[i])
				return -E2BIG;
		memcpy(&known, o, o->size < sizeof(known) ? o->size : sizeof(known));
	}
	known.socket_path = thr_connection_path(known.socket_path);
	if (!known.label)
		known.label = program_invocation_short_name;
	if (known.timeout_ms == 0)
		known.timeout_ms = ATTACH_TIMEOUT_MS;
	*ret = known;
	return 0;
}

/* Both descriptors must be memfds of the promised size that can never shrink under our mapping. */
static int check_memfd(int fd, uint64_t bytes)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 ||
		(uint64_t)st.st_size != bytes)
		return -EPROTO;
	return 0;
}

/* Map at an address that is a multiple of `align`, a power of two. */
static int map_aligned(void **ret, int fd, uint64_t bytes, uint64_t align)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), reserve = align > page ? align : 0;
	uint8_t *area, *at;
	uintptr_t gap;

	bytes = (bytes + page - 1) & ~(page - 1);

	area = mmap(NULL, bytes + reserve, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		-1, 0);
	if (area == MAP_FAILED)
		return -errno;
	gap = -(uintptr_t)area & (align - 1);
	if (!reserve)
		gap = 0;
	at = mmap(area + gap, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	if (at == MAP_FAILED) {
		int r = -errno;

		munmap(area, bytes + reserve);
		return r;
	}
	if (gap)
		munmap(area, gap);
	if (reserve - gap)
		munmap(at + bytes, reserve - gap);
	*ret = at;
	return 0;
}

static int map_board(struct thruster_pool *pool, int fd, uint64_t bytes)
{
	void *at;
	int r = check_memfd(fd, bytes);

	if (r < 0)
		return r;
	if (bytes < sizeof(struct thr_board))
		return -EPROTO;
	at = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	pool->board = at;
	pool->board_bytes = bytes;
	if (madvise(at, bytes, MADV_DONTFORK) < 0)
		return -errno;
	if (pool->board->magic != THR_BOARD_MAGIC || pool->board->abi != THR_ABI)
		return -EPROTO;
	return 0;
}

static int map_arena(struct thruster_pool *pool, int fd, uint64_t bytes)
{
	struct thr_geometry geometry = pool->board->geometry;
	int r;

	if (!thr_geometry_is_valid(&geometry) || geometry.arena_bytes != bytes ||
		geometry.board_bytes != pool->board_bytes)
		return -EPROTO;
	r = check_memfd(fd, bytes);
	if (r < 0)
		return r;
	r = map_aligned(&pool->arena, fd, bytes, geometry.map_align_bytes);
	if (r < 0)
		return r;
	pool->arena_bytes = bytes;
	/* Not for children; and a core dump of one client is not to hold everybody's buffers, nor
	 * its leases for as long as it takes to write them. */
	if (madvise(pool->arena, bytes, MADV_DONTFORK) < 0 ||
		madvise(pool->arena, bytes, MADV_DONTDUMP) < 0)
		return -errno;
	thr_view_init(&pool->view, pool->arena, &geometry);
	if (load_acquire(&pool->view.control->magic) != THR_CONTROL_MAGIC)
		return -EPROTO;
	pool->roster = (const uint32_t *)((const uint8_t *)pool->board + geometry.roster_offset);
	return 0;
}

void thr_unmap(struct thruster_pool *pool)
{
	if (pool->arena)
		munmap(pool->arena, pool->arena_bytes);
	if (pool->board)
		munmap((void *)pool->board, pool->board_bytes);
	pool->arena = NULL;
	pool->board = NULL;
}

static int take_seat(struct thruster_pool *pool, const struct connection_answer *answer)
{
	uint64_t quota;
	int r;

	if (answer->fd[0] < 0 || answer->fd[1] < 0)
		return -EPROTO;
	r = map_board(pool, answer->fd[1], answer->reply.board_bytes);
	if (r == 0)
		r = map_arena(pool, answer->fd[0], answer->reply.arena_bytes);
	if (r < 0)
		return r;
	pool->id = (struct client_id){ answer->reply.client_id };
	pool->seat = client_id_seat(pool->id);
	if (pool->seat.n < 1 || pool->seat.n > pool->view.n_seats)
		return -EPROTO;
	pool->nonce = pool->board->nonce;
	thr_view_set_tag(&pool->view, pool->nonce);
	pool->run = load_acquire(&pool->board->run);
	pool->do_others_fence = pool->board->fenced;
	pool->is_fenced = pool->do_others_fence || thr_barrier_register() < 0;
	thr_pool_set_seat(pool, pool->seat, pool->board->visitable);
	quota = load_relaxed(&pool->board->quota_bytes) |
		load_relaxed(&pool->board->quota_leases);
	pool->n_fast_cores = quota ? 0 : pool->self.n_cores;
	/* Where the daemon may look for our mapping, if we die and it wants to know early. */
	store_relaxed(&pool_counters(pool)->mapped_at, (uintptr_t)pool->arena);
	PROBE(attach, &pool->view.class_[0], pool->seat, self_core_hint(&pool->self),
		(uintptr_t)pool->arena, pool->arena_bytes);
	pool->is_attached = quota ? POOL_COUNTED : POOL_PLAIN;
	return 0;
}

static int copy_name(char to[THR_NAME_MAX], const char *from)
{
	size_t n = strlen(from);

	if (n == 0 || n >= THR_NAME_MAX)
		return -EINVAL;
	memcpy(to, from, n + 1);
	return 0;
}

static void remember_connection(struct pool_remains *remains, const char *path)
{
	struct stat st;

	strcpy(remains->path, path); /* short enough to have been connected to */
	remains->inode = fstat(remains->connection, &st) == 0 ? st.st_ino : 0;
}

static int connect_and_map(struct thruster_pool *pool, const char *arena,
	const struct thruster_attach_options *options)
{
	struct wire_attach request = { .header = wire_header_make(WIRE_ATTACH) };
	int *connection = &thr_pool_remains(pool)->connection;
	struct connection_answer answer;
	int r;

	if (copy_name(request.arena, arena) < 0)
		return -EINVAL;
	strncpy(request.label, options->label, sizeof(request.label) - 1);
	r = thr_connection_ask_anew(connection, options->socket_path, &request, sizeof(request),
		options->timeout_ms, &answer);
	if (r < 0)
		return r;
	remember_connection(thr_pool_remains(pool), options->socket_path);
	r = answer.reply.status;
	if (r == 0)
		r = take_seat(pool, &answer);
	thr_connection_close_fds(&answer);
	return r;
}

static int attach(struct thruster_pool **ret_pool, const char *arena,
	const struct thruster_attach_options *options)
{
	struct thruster_pool *pool;
	int r = thr_pool_new(&pool);

	if (r < 0)
		return r;
	r = connect_and_map(pool, arena, options);
	if (r < 0) {
		thr_unmap(pool);
		if (thr_pool_remains(pool)->connection >= 0)
			close(thr_pool_remains(pool)->connection);
		thr_pool_free(pool);
		return r;
	}
	*ret_pool = pool;
	return 0;
}

EXPORT int thruster_attach(struct thruster_pool **ret_pool, const char *arena,
	const struct thruster_attach_options *options)
{
	struct thruster_attach_options o;
	int r, error = errno;

	if (!ret_pool)
		return -EINVAL;
	r = options_read(&o, options);
	if (r == 0)
		r = attach(ret_pool, arena ? arena : "default", &o);
	errno = error;
	return r;
}

EXPORT uint32_t thruster_client_id(const struct thruster_pool *pool)
{
	return pool && pool->is_attached ? pool->id.n : 0;
}

EXPORT const char *thruster_version(void)
{
	return THRUSTER_VERSION;
}
