/* SPDX-License-Identifier: MIT */
/*
 * A hostile client in one thread: the bytes say what is written over an arena's metadata, and
 * between the writes the daemon does everything that it ever does with an arena. The arena lies
 * between pages that nobody may touch, and so do its buffers, which the daemon has no business in.
 * After each act only those words may have changed that the act is there to change.
 */

#include <sched.h>
#include <sys/mman.h>
#include "daemon/quota.h"
#include "daemon/stats.h"
#include "shm/core.h"
#include "shm/holder.h"
#include "shm/idle.h"
#include "shm/reclaim.h"
#include "shm/record.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/changes.h"
#include "tests/fuzz/office.h"

#define SEATED 3u
#define ACTS_MAX 64u
#define BEHIND (1u << 20)

struct play {
	struct daemon *daemon;
	struct arena *arena;
	struct bytes bytes;
	struct thr_self self; /* the visitor's */
	struct core_id here;
	struct changes changes;
	void *board, *neighbour; /* as they were */
	uint8_t *room;
};

static struct arena *neighbour_of(struct play *play)
{
	return play->daemon->arenas[OFFICE_NEIGHBOUR];
}

/* Put the pages where a step beyond them is a fault. */
static void wall_in(struct play *play)
{
	struct arena *a = play->arena;
	size_t size = a->geometry.arena_bytes, metadata = a->geometry.metadata_bytes;
	uint8_t *room = mmap(
		NULL, size + 2 * BEHIND, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(room != MAP_FAILED, "memory");
	munmap(a->pages, size);
	a->pages = mmap(room + BEHIND, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		a->fds.pages, 0);
	must(a->pages != MAP_FAILED, "memory");
	must(mprotect((uint8_t *)a->pages + metadata, size - metadata, PROT_NONE) == 0, "mprotect");
	thr_view_init(&a->view, a->pages, &a->geometry);
	play->room = room;
}

static void *copy_of(const void *from, size_t size)
{
	void *copy = malloc(size);

	must(copy, "memory");
	return memcpy(copy, from, size);
}

static void seat_some(struct arena *arena)
{
	struct peer peer = { .pid = 1, .pidfd = -1 };
	struct client *client;
	unsigned i;
	int fd;

	for (i = 0; i < SEATED; i++) {
		must(arena_seat(arena, &peer, "hostile", &client, &fd) == 0, "no seat");
		close(fd);
	}
}

static void play_begin(struct play *play)
{
	play->daemon = office_open();
	play->arena = play->daemon->arenas[OFFICE_VICTIM];
	seat_some(play->arena);
	wall_in(play);
	thr_self_init(&play->self, SEAT_NOBODY, &play->arena->view, play->arena->board->visitable);
	play->here = section_core(play->self.section);
	play->board = copy_of(play->arena->board, play->arena->geometry.board_bytes);
	play->neighbour = copy_of(
		neighbour_of(play)->pages, neighbour_of(play)->geometry.arena_bytes);
	changes_init(&play->changes, play->arena);
}

/* Of the board only the figures and the roster are the daemon's to change. */
static void play_end(struct play *play)
{
	const struct arena *a = play->arena;
	struct thr_board *was = play->board;
	uint64_t size = a->geometry.arena_bytes;

	was->figures = a->board->figures;
	must(memcmp(was, a->board, a->geometry.roster_offset) == 0, "the board has changed");
	must(memcmp(play->neighbour, neighbour_of(play)->pages,
		     neighbour_of(play)->geometry.arena_bytes) == 0,
		"the neighbour has changed");
	free(play->board);
	free(play->neighbour);
	changes_fini(&play->changes);
	office_close(play->daemon);
	munmap(play->room, BEHIND);
	munmap(play->room + BEHIND + size, BEHIND);
}

/* A value for a 64-bit word: what a client would write there, nearly so, or anything. */
static uint64_t choose_value(struct bytes *b)
{
	uint8_t how = bytes_u8(b);
	uint64_t low = bytes_u8(b), high = bytes_u8(b);
	struct seat_id seat = { (uint16_t)(low % (OFFICE_SEATS + 2)) };

	switch (how & 7) {
	case 0:
		return bytes_number(b, 8);
	case 1:
		return record_lease(high << RECORD_SEQUENCE_SHIFT, seat, (how >> 3) * 2 % 64 + 1);
	case 2:
		return record_hand_over(
			record_lease(high << RECORD_SEQUENCE_SHIFT, seat, how >> 3), seat);
	case 3: /* held by a core */
		return high << 32 | low % (OFFICE_CORES + 2);
	case 4: /* by a thread */
		return high << 32 | holder_of_thread(seat, how >> 3);
	case 5: /* on its way */
		return high << 32 | (how & 8 ? HOLDER_REVOKED : HOLDER_BURIED | low % 5);
	case 6:
		return high << 56 | low;
	default:
		return ~(uint64_t)0 >> (high & 31) << (low & 31);
	}
}

static void scribble(struct play *play, unsigned what)
{
	struct bytes *b = &play->bytes;
	const struct thr_view *view = &play->arena->view;
	uint8_t where = bytes_u8(b);
	const struct thr_class_view *c = &view->class_[where & 1];
	struct thr_segment *segment = &c->segments[(where >> 1) % c->n_segments];
	struct thr_core *core = &c->cores[(where >> 1) % c->n_cores];
	uint64_t value = choose_value(b);
	uint8_t index = bytes_u8(b);

	switch (what) {
	case 0:
	case 1:
		segment->record[index % THR_SEGMENT_SLOTS] = value;
		break;
	case 2:
		segment->mask = value;
		break;
	case 3:
		segment->holder = value;
		break;
	case 4:
		core->current = value;
		break;
	case 5:
		((uint32_t *)core->held)[index % 8] = (uint32_t)value;
		core->asked = (uint32_t)value;
		break;
	case 6:
		c->senders[index] = (uint16_t)value; /* there are four segments, or one */
		break;
	case 7: /* anywhere */
		value ^= (uint64_t)index << 32;
		memcpy((uint8_t *)play->arena->pages +
				value % (play->arena->geometry.metadata_bytes - sizeof(value)),
			&value, sizeof(value));
		break;
	}
}

static bool is_always_offline(struct core_id core, void *userdata)
{
	(void)core;
	(void)userdata;
	return true;
}

static struct core_id choose_core(struct play *play, uint8_t choice)
{
	if (choice & 1 && play->here.n < OFFICE_CORES)
		return play->here;
	return (struct core_id){ choice % OFFICE_CORES };
}

static void visit(struct play *play, uint8_t how)
{
	const struct thr_class_view *c = &play->arena->view.class_[how & 1];
	struct core_id core = choose_core(play, how >> 3);
	struct thr_idle idle;

	switch (how >> 1 & 3) {
	case 0:
		thr_core_exhume(c, core);
		changes_must_be(&play->changes, CHANGE_RETURNED | CHANGE_HOLDER);
		break;
	case 1:
		thr_core_bury(c, core, is_always_offline, NULL);
		changes_must_be(&play->changes,
			CHANGE_RETURNED | CHANGE_HOLDER | CHANGE_MASK | CHANGE_CURRENT);
		break;
	case 2:
		thr_idle_empty_core(c, &play->self, core);
		if (thr_idle_take(c, (how >> 3) % c->n_segments, (struct seat_id){ 1 },
			    ~(uint64_t)0, 1 + how % 64, &idle))
			thr_idle_return(c, (how >> 3) % c->n_segments, &idle);
		changes_must_be(&play->changes, CHANGE_RETURNED | CHANGE_HOLDER | CHANGE_MASK |
							CHANGE_CURRENT | CHANGE_RECORD |
							CHANGE_USED);
		break;
	default:
		thr_core_yield(c, &play->self, core, how & 64);
		changes_must_be(&play->changes, CHANGE_RETURNED | CHANGE_HOLDER | CHANGE_MASK |
							CHANGE_CURRENT | CHANGE_ASKED |
							CHANGE_WAKES);
		break;
	}
}

/* The daemon would not walk for a vacant seat, but the walk may not mind. */
static void reclaim(struct play *play, uint8_t how)
{
	struct seat_id seat = { (uint16_t)(how % (OFFICE_SEATS + 1)) };
	struct client *client = &play->arena->seats.clients[seat.n];
	struct thr_reclaimed sum = { 0 };

	if (seat.n && client->id.n && how & 0x80) {
		client->is_leaving = how & 0x40;
		arena_unseat(play->arena, client);
	} else {
		thr_reclaim_seat(&play->arena->view, seat, &sum);
	}
	changes_must_be(&play->changes, CHANGE_RETURNED | CHANGE_HOLDER | CHANGE_RECORD |
						CHANGE_SENDER | CHANGE_WAKES);
	changes_must_have_freed(&play->changes, seat);
}

static void sample(struct play *play)
{
	arena_sample(play->arena);
	quota_watch(play->arena);
	changes_must_be(&play->changes, CHANGE_RETURNED | CHANGE_RECORD | CHANGE_WAKES);
	census_must_add_up(play->arena);
}

static void answer(struct play *play, uint8_t how)
{
	const struct peer viewer = { .sees_all = true };
	char *text = NULL;
	int r;

	if (how % 3 == 0)
		r = stats_text(play->daemon, &viewer, &text);
	else if (how % 3 == 1)
		r = stats_leases_text(play->daemon, &viewer, how >> 2, &text);
	else
		r = stats_check_text(play->daemon, &viewer, &text);
	must(r == 0 && text && *text == '{', "no answer");
	free(text);
	changes_must_be(&play->changes, 0);
}

static void act(struct play *play)
{
	uint8_t how = bytes_u8(&play->bytes);
	struct ledger *ledger = play->arena->ledger;

	changes_begin(&play->changes);
	switch (how & 7) {
	case 0:
	case 1:
		reclaim(play, bytes_u8(&play->bytes));
		break;
	case 2:
	case 3:
		visit(play, bytes_u8(&play->bytes));
		break;
	case 4:
		sample(play);
		break;
	case 5:
		answer(play, how >> 3);
		break;
	case 6:
		arena_judge(play->arena);
		changes_must_be(&play->changes, 0);
		break;
	default: /* time passes: tenths of seconds, by the census's clock */
		ledger->counting_since_ns -= (uint64_t)(how >> 3) * 100000000;
		ledger->quota_leases = how >> 6;
		break;
	}
}

/* On one core, so that it always is the same that can be visited. */
static void stay_here(void)
{
	static bool is_done;
	cpu_set_t set;

	if (is_done)
		return;
	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
	is_done = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play play = { .bytes = { data, data + size } };
	unsigned acts = 0;

	stay_here();
	play_begin(&play);
	while (bytes_left(&play.bytes) && acts < ACTS_MAX) {
		uint8_t what = bytes_u8(&play.bytes) & 15;

		if (what < 8) {
			scribble(&play, what);
		} else {
			acts++;
			act(&play);
		}
	}
	changes_begin(&play.changes);
	sample(&play);
	play_end(&play);
	return 0;
}
