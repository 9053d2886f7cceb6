/* SPDX-License-Identifier: MIT */
/*
 * Values that look right do more harm than noise, so most are made as a client makes them: leases
 * of other seats, of vacant ones and of nobody, holders with a version that goes on. The others are
 * noise, over one word or over many.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "client/connection.h"
#include "shm/holder.h"
#include "shm/record.h"
#include "shm/view.h"
#include "tests/hostile/scribbler.h"

#define PATIENCE_MS 10000u

struct scribbler {
	const struct host *host;
	const char *arena;
	struct scribbler_sums *sums;
	uint64_t dice;
	int connection, fd;
	void *pages;
	uint64_t metadata_bytes, arena_bytes, nonce;
	uint32_t client_id;
	struct thr_view view;
};

static uint64_t dice(struct scribbler *s)
{
	s->dice ^= s->dice << 13;
	s->dice ^= s->dice >> 7;
	s->dice ^= s->dice << 17;
	return s->dice;
}

static uint32_t below(struct scribbler *s, uint32_t n)
{
	return (uint32_t)((dice(s) >> 32) * n >> 32);
}

static void count(uint64_t *sum)
{
	__atomic_fetch_add(sum, 1, __ATOMIC_RELAXED);
}

/* A seat that is taken or vacant, mine, nobody's, or one that there is not. */
static struct seat_id any_seat(struct scribbler *s)
{
	static const uint16_t odd[] = { 0, 65535, 9, 10 };

	switch (below(s, 4)) {
	case 0:
		return (struct seat_id){ odd[below(s, 4)] };
	case 1:
		return (struct seat_id){ (uint16_t)s->client_id };
	default:
		return (struct seat_id){ (uint16_t)(1 + below(s, s->view.n_seats)) };
	}
}

static uint64_t any_record(struct scribbler *s, uint64_t now)
{
	uint64_t leased = record_lease(now, any_seat(s), 1);

	switch (below(s, 6)) {
	case 0:
		return leased;
	case 1:
		return record_lease(dice(s), any_seat(s), 1 + below(s, 64));
	case 2:
		return record_hand_over(leased, any_seat(s));
	case 3:
		return record_stamp(now & ~RECORD_STATE_MASK);
	case 4:
		return record_free(now);
	default:
		return dice(s);
	}
}

static uint64_t any_holder(struct scribbler *s, uint64_t now)
{
	uint32_t who[] = { HOLDER_NOBODY, HOLDER_REVOKED, below(s, s->view.n_cores + 2),
		HOLDER_BURIED | below(s, s->view.n_cores + 2),
		holder_of_thread(any_seat(s), below(s, HOLDER_LANES_MAX)), (uint32_t)dice(s) };
	uint64_t next = holder_next(now, who[below(s, 6)]);

	return below(s, 4) ? next : next ^ dice(s) << 32;
}

static void on_segment(struct scribbler *s, const struct thr_class_view *c)
{
	uint32_t number = below(s, c->n_segments);
	struct thr_segment *segment = &c->segments[number];
	uint64_t *record = &segment->record[below(s, class_segment_slots(c, number))];

	switch (below(s, 8)) {
	case 0:
		__atomic_store_n(&segment->mask, dice(s), __ATOMIC_RELAXED);
		break;
	case 1:
		__atomic_store_n(
			&segment->holder, any_holder(s, segment->holder), __ATOMIC_RELEASE);
		break;
	case 2:
		segment->returned = (uint32_t)below(s, 2);
		break;
	case 3:
		c->senders[below(s, c->n_segments * THR_SEGMENT_SLOTS)] = any_seat(s).n;
		break;
	default:
		__atomic_store_n(record, any_record(s, *record), __ATOMIC_RELEASE);
		break;
	}
}

static void on_core(struct scribbler *s, const struct thr_class_view *c)
{
	struct thr_core *core = &c->cores[below(s, c->n_cores)];
	uint32_t *words = (uint32_t *)core;

	switch (below(s, 4)) {
	case 0:
		core->current = current_next(core->current, below(s, c->n_segments + 1));
		break;
	case 1: /* ring, cursor, arcs, counters */
		words[below(s, THR_LINE / sizeof(*words))] =
			below(s, 2) ? (uint32_t)dice(s) : below(s, c->n_segments + 2);
		break;
	default:
		core->asked = (uint32_t)any_holder(s, 0);
		break;
	}
}

static void on_control(struct scribbler *s)
{
	struct thr_control *control = s->view.control;

	switch (below(s, 5)) {
	case 0:
		control->magic = below(s, 2) ? THR_CONTROL_MAGIC : dice(s);
		break;
	case 1:
		control->waiting = (uint32_t)dice(s);
		break;
	case 2:
		control->wakes = (uint32_t)dice(s);
		break;
	case 3:
		memset(&s->view.seats[1 + below(s, s->view.n_seats)], (int)dice(s),
			sizeof(struct thr_seat));
		break;
	default:
		control->visits++;
		syscall(SYS_futex, &control->visits, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
		break;
	}
}

/* Noise over a stretch of anything, buffers too. */
static void on_anything(struct scribbler *s)
{
	uint64_t size = below(s, 8) ? s->metadata_bytes : s->arena_bytes;
	uint32_t from = below(s, (uint32_t)size), n = below(s, 200);

	if (below(s, 2))
		memset((uint8_t *)s->pages + from, below(s, 2) ? 0 : 0xff,
			n < size - from ? n : size - from);
	else
		((uint64_t *)s->pages)[from / sizeof(uint64_t)] = dice(s);
}

/* Locks on one seat's byte, or on all that there are or ever will be, and let go again. */
static void on_locks(struct scribbler *s)
{
	struct flock lock = { .l_whence = SEEK_SET };

	lock.l_type = below(s, 3) == 0 ? F_UNLCK : below(s, 2) ? F_WRLCK : F_RDLCK;
	lock.l_start = below(s, s->view.n_seats + 2);
	lock.l_len = below(s, 4) ? 1 : 0;
	count(fcntl(s->fd, F_OFD_SETLK, &lock) == 0 ? &s->sums->locks : &s->sums->refused);
}

/* To have the pages taken from under the daemon. A hole reads as zeroes, which is but noise. */
static void on_size(struct scribbler *s)
{
	off_t at = (off_t)below(s, (uint32_t)(s->arena_bytes / THR_PAGE)) * THR_PAGE;
	int r;

	switch (below(s, 4)) {
	case 0:
		r = ftruncate(s->fd, at);
		break;
	case 1:
		r = fallocate(s->fd, 0, (off_t)s->arena_bytes + at, THR_PAGE);
		break;
	case 2:
		r = fcntl(s->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
		break;
	default:
		fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, THR_PAGE);
		return;
	}
	count(r < 0 ? &s->sums->refused : &s->sums->succeeded);
}

/* Noise on a connection of its own, and claims to be somebody else. */
static void on_socket(struct scribbler *s)
{
	struct wire_reattach claim = { wire_header_make(WIRE_REATTACH), s->nonce,
		s->client_id ^ (uint32_t)(1 + below(s, 7)), 0 };
	uint64_t noise[16];
	size_t i;
	int fd;

	if (thr_connection_open(&fd, s->host->socket, PATIENCE_MS) < 0)
		return;
	for (i = 0; i < 16; i++)
		noise[i] = dice(s);
	if (below(s, 2))
		send(fd, &claim, sizeof(claim), MSG_NOSIGNAL);
	else
		send(fd, noise, below(s, sizeof(noise)), MSG_NOSIGNAL);
	close(fd);
}

static bool attach(struct scribbler *s)
{
	struct wire_attach request = {
		.header = wire_header_make(WIRE_ATTACH), .label = "hostile"
	};
	struct connection_answer answer = { .fd = { -1, -1 } };
	struct thr_geometry geometry;
	struct thr_board *board;

	strncpy(request.arena, s->arena, sizeof(request.arena) - 1);
	if (thr_connection_open(&s->connection, s->host->socket, PATIENCE_MS) < 0)
		return false;
	if (thr_connection_ask(
		    s->connection, &request, sizeof(request), PATIENCE_MS, &answer) < 0 ||
		answer.reply.status != 0) {
		/* Another of us has the seats' locks, or the daemon has just been restarted. */
		close(s->connection);
		return false;
	}
	s->fd = answer.fd[0];
	s->client_id = answer.reply.client_id;
	s->arena_bytes = answer.reply.arena_bytes;
	s->pages = mmap(NULL, s->arena_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	board = mmap(NULL, answer.reply.board_bytes, PROT_READ, MAP_SHARED, answer.fd[1], 0);
	if (s->pages == MAP_FAILED || board == MAP_FAILED)
		_exit(1);
	geometry = board->geometry;
	s->metadata_bytes = geometry.metadata_bytes;
	s->nonce = board->nonce;
	thr_view_init(&s->view, s->pages, &geometry);
	count(&s->sums->attached);
	return true;
}

static void scribble(struct scribbler *s)
{
	uint32_t how = below(s, 10000);
	const struct thr_class_view *c = &s->view.class_[below(s, s->view.n_classes)];

	if (how < 6000)
		on_segment(s, c);
	else if (how < 8000)
		on_core(s, c);
	else if (how < 9000)
		on_control(s);
	else if (how < 9900)
		on_anything(s);
	else if (how < 9950)
		on_locks(s);
	else if (how < 9995)
		on_size(s);
	else
		on_socket(s);
}

pid_t scribbler_fork(const struct host *host, const char *arena, unsigned seed,
	struct scribbler_sums *sums)
{
	struct scribbler s = { host, arena, sums, 0x9e3779b97f4a7c15ull * (seed + 1) };
	pid_t pid = fork();
	unsigned i;

	if (pid < 0)
		harness_fail("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!attach(&s))
		sleep_ms(5);
	for (;;) {
		for (i = 0; i < 1000; i++)
			scribble(&s);
		__atomic_fetch_add(&sums->writes, i, __ATOMIC_RELAXED);
	}
}
