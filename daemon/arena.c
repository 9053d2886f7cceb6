/* SPDX-License-Identifier: MIT */
/* The life of an arena: made, or opened as an earlier run left it; counted; judged. */

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
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/pages.h"
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
	arena->ledger->nonce = board->nonce;
	thr_view_set_tag(&arena->view, board->nonce);
	store_release(&board->magic, THR_BOARD_MAGIC);
}

/* What a new arena and one that is opened again have in common, once all is mapped. */
static int arena_settle(struct arena *arena, struct state *state)
{
	int r;

	arena->at_work = state->at_work;
	arena->roster =
		(uint32_t *)((uint8_t *)arena->board + arena->geometry.roster_offset);
	r = seats_init(&arena->seats, arena, arena->geometry.seats,
		ledger_entries(arena->ledger));
	return r < 0 ? r : census_init(&arena->census, &arena->view, arena->ledger);
}

uint64_t arena_bytes_at_start(const struct config_arena *config)
{
	const struct thr_geometry *g = &config->geometry;
	uint64_t pages = config->is_lazy ? g->metadata_bytes : g->arena_bytes;

	return (g->page_bytes == THR_PAGE ? pages : 0) + g->board_bytes + ledger_bytes(g);
}

static int arena_make(struct arena *arena, const struct config_arena *config, struct state *state,
	char why[MEMORY_WHY_MAX])
{
	char name[THR_NAME_MAX + 32];
	int r;

	memcpy(arena->name, config->name, sizeof(arena->name));
	arena->geometry = config->geometry;
	r = memory_check(arena_bytes_at_start(config), why);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "thruster-%s", arena->name);
	r = pages_new(&arena->fds.pages, &arena->pages, name, &arena->geometry, config->is_lazy,
		why);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "thruster-%s-board", arena->name);
	r = memory_new_shared(&arena->fds.board, (void **)&arena->board, name,
		arena->geometry.board_bytes);
	if (r < 0)
		return r;
	r = ledger_new(&arena->fds.ledger, &arena->ledger, arena->name, &arena->geometry);
	if (r < 0)
		return r;
	thr_view_init(&arena->view, arena->pages, &arena->geometry);
	thr_view_format(&arena->view);
	arena_write_board(arena);
	r = arena_settle(arena, state);
	if (r < 0)
		return r;
	arena_configure(arena, config);
	arena->ledger->is_lazy = config->is_lazy;
	ledger_begin(arena->ledger);
	arena->id = state_new_id(state);
	state_arena(state, arena->id); /* to be blamed from the first run on */
	arena_fds_keep(arena->id, &arena->fds);
	return 0;
}

int arena_new(struct arena **ret, const struct config_arena *config, struct state *state,
	char why[MEMORY_WHY_MAX])
{
	struct arena *arena = calloc(1, sizeof(*arena));
	int r = -ENOMEM;

	*why = 0;
	if (arena) {
		arena->fds = (struct arena_fds){ -1, -1, -1 };
		r = arena_make(arena, config, state, why);
	}
	if (r < 0) {
		if (!*why)
			snprintf(why, MEMORY_WHY_MAX, "%s", strerror(-r));
		arena_free(arena);
		return r;
	}
	*ret = arena;
	return 0;
}

static int map_old(struct arena *arena, const struct arena_fds *fds, const char **ret_why)
{
	int r = ledger_open(&arena->ledger, fds->ledger, ret_why);

	if (r < 0)
		return r;
	arena->geometry = arena->ledger->geometry;
	memcpy(arena->name, arena->ledger->name, sizeof(arena->name));
	arena->pages = memory_map(fds->pages, arena->geometry.arena_bytes);
	arena->board = memory_map(fds->board, arena->geometry.board_bytes);
	*ret_why = "its memory is not as its ledger says";
	if (!arena->pages || !arena->board)
		return -EBADMSG;
	*ret_why = "its board does not agree with its ledger";
	if (arena->board->magic != THR_BOARD_MAGIC || arena->board->abi != THR_ABI ||
		arena->board->nonce != arena->ledger->nonce ||
		memcmp(&arena->board->geometry, &arena->geometry, sizeof(arena->geometry)) != 0)
		return -EBADMSG;
	/* [P3], [P4]: its clients count on a membarrier of ours. */
	*ret_why = "its clients need a membarrier, which this run does not have";
	if (!arena->board->fenced && thr_barrier() < 0)
		return -ENOTSUP;
	return 0;
}

int arena_open(struct arena **ret, uint32_t id, const struct arena_fds *fds, struct state *state,
	char why[MEMORY_WHY_MAX])
{
	struct arena *arena = calloc(1, sizeof(*arena));
	const char *reason = "out of memory";
	int r = -ENOMEM;

	if (arena) {
		arena->id = id;
		arena->fds = (struct arena_fds){ -1, -1, -1 };
		r = map_old(arena, fds, &reason);
	}
	if (r == 0) {
		thr_view_init(&arena->view, arena->pages, &arena->geometry);
		thr_view_set_tag(&arena->view, arena->ledger->nonce);
		arena->access = arena->ledger->access;
		reason = "out of memory";
		r = arena_settle(arena, state);
	}
	if (r < 0) {
		snprintf(why, MEMORY_WHY_MAX, "%s", reason);
		arena_free(arena);
		return r;
	}
	arena->fds = *fds;
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
	ledger_close(arena->ledger);
	arena_fds_close(&arena->fds);
	free(arena);
}

void arena_configure(struct arena *arena, const struct config_arena *config)
{
	arena->access = arena->ledger->access = config->access;
	arena->seats.n_max = config->max_clients < arena->seats.n ? config->max_clients
								   : arena->seats.n;
	arena->ledger->grace_ns = config->undelivered_grace_ms * NS_PER_MS;
	arena->ledger->trim_after_s = config->trim_after_s;
	arena->ledger->quota_bytes = config->quota_bytes;
	arena->ledger->quota_leases = config->quota_leases;
	store_relaxed(&arena->board->quota_bytes, config->quota_bytes);
	store_relaxed(&arena->board->quota_leases, config->quota_leases);
}

void arena_announce(struct arena *arena, uint64_t run)
{
	store_release(&arena->board->run, run);
}

/* Clients can write it, and without it nobody new can attach. */
static void mend_control(struct arena *arena)
{
	uint64_t *magic = &arena->view.control->magic;

	if (load_relaxed(magic) == THR_CONTROL_MAGIC)
		return;
	store_release(magic, THR_CONTROL_MAGIC);
	if (!arena->is_told_of_spoiler)
		log_warning("arena %s (%u): a client has overwritten its control page; mended",
			arena->name, arena->id);
	arena->is_told_of_spoiler = true;
}

static void note_peaks(struct arena *arena)
{
	struct client *client = NULL;

	while ((client = seats_next(&arena->seats, client))) {
		uint64_t *peak = &arena->seats.entries[client->seat.n].leased_peak;
		uint64_t leases = arena->census.seats[client->seat.n].leases;

		if (leases > *peak)
			*peak = leases;
	}
}

void arena_sample(struct arena *arena)
{
	struct thr_figures figures = { 0 };
	uint32_t i;
	STATE_AT_WORK(&arena->at_work[STATE_LOOP], arena->id);

	mend_control(arena);
	census_walk(&arena->census, &arena->view);
	/* Also if nothing was taken back: a returner may have been stopped before it could wake. */
	if (wait_is_wanted(arena->view.control, true))
		thr_wait_wake(arena->view.control, WAIT_ALL);
	note_peaks(arena);
	figures.sampled_monotonic_ns = arena->census.sampled_ns;
	figures.clients = arena->seats.n_taken;
	for (i = 0; i < arena->geometry.classes; i++)
		figures.class_[i] = arena->census.class_[i].figures;
	figures_publish(&arena->board->figures, &figures);
}

struct thr_verdict arena_judge(struct arena *arena)
{
	uint64_t begun = clock_monotonic_ns();
	uint32_t claims[THR_CLASSES_MAX], i;
	struct thr_verdict verdict;
	STATE_AT_WORK(&arena->at_work[STATE_LOOP], arena->id);

	for (i = 0; i < arena->geometry.classes; i++)
		claims[i] = arena->geometry.class_[i].claim;
	verdict = thr_judge(&arena->view, arena->roster, claims);
	arena->ledger->audits_total++;
	arena->ledger->audit_faults_total += verdict.rule != THR_RULE_NONE;
	arena->ledger->audit_last_ns = clock_monotonic_ns() - begun;
	return verdict;
}
