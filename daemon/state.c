/* SPDX-License-Identifier: MIT */
/* Opening the state, and settling what the last run left. */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/cleanup.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/state.h"
#include "shm/waits.h"

#define MAGIC 0x6574617453726854u /* "ThrState" */
#define VERSION 2u
#define NAME "state"
#define BYTES (((uint64_t)sizeof(struct state) + 4095) & ~(uint64_t)4095)

static struct state *map_old(int fd)
{
	struct stat st;
	struct state *state;

	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != BYTES)
		return NULL;
	state = memory_map(fd, BYTES);
	if (state && (state->magic != MAGIC || state->version != VERSION || state->next_id == 0)) {
		munmap(state, BYTES);
		return NULL;
	}
	return state;
}

/* Whatever the last run was at work on when it ended has one more failure; the others none. */
static void blame(struct state *state)
{
	bool is_fast = state->alive_ns - state->begun_ns < STATE_FAST_NS;
	size_t i, hand;

	for (i = 0; i < STATE_ARENAS_MAX; i++) {
		struct state_arena *a = &state->arenas[i];
		bool is_to_blame = false;

		for (hand = 0; hand < STATE_HANDS; hand++)
			is_to_blame |= a->id && state->at_work[hand] == a->id;
		a->failures = is_to_blame && is_fast ? a->failures + 1 : is_to_blame;
	}
	memset(state->at_work, 0, sizeof(state->at_work));
}

int state_open(struct state **ret, struct store *store)
{
	_cleanup_(close_fd) int fd = store_take(store, NAME);
	struct state *state = NULL;
	int r;

	if (fd >= 0) {
		state = map_old(fd);
		if (state) {
			blame(state);
		} else {
			log_error("the state that an earlier run left is not sound or of another "
				  "version; its totals are lost, the arenas are not");
			store_forget(NAME);
			close(take_fd(fd));
		}
	}
	if (!state) {
		r = memory_new_shared(&fd, (void **)&state, "thruster-state", BYTES);
		if (r < 0)
			return r;
		state->next_id = 1;
		state->version = VERSION;
		state->magic = MAGIC;
		store_keep(NAME, fd);
	}
	state->runs++;
	state->begun_ns = state->alive_ns = clock_monotonic_ns();
	*ret = state;
	return 0;
}

uint32_t state_new_id(struct state *state)
{
	uint32_t id = state->next_id;

	state->next_id = id == UINT32_MAX ? 1 : id + 1;
	return id;
}

struct state_arena *state_arena(struct state *state, uint32_t id)
{
	struct state_arena *vacant = NULL;
	size_t i;

	for (i = 0; i < STATE_ARENAS_MAX; i++) {
		if (state->arenas[i].id == id)
			return &state->arenas[i];
		if (!vacant && state->arenas[i].id == 0)
			vacant = &state->arenas[i];
	}
	if (vacant)
		*vacant = (struct state_arena){ .id = id };
	return vacant;
}

void state_forget_arena(struct state *state, uint32_t id)
{
	size_t i;

	for (i = 0; i < STATE_ARENAS_MAX; i++)
		if (state->arenas[i].id == id)
			state->arenas[i] = (struct state_arena){ 0 };
}

void state_keep_totals(struct state *state, const struct ledger *ledger)
{
	state->reclaimed_clients += ledger->reclaimed_clients;
	state->reclaimed_leases += ledger_reclaimed(ledger);
	waits_add(&state->reclaims, &ledger->reclaims);
	state->audits_total += ledger->audits_total;
	state->audit_faults_total += ledger->audit_faults_total;
}
