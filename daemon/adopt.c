/* SPDX-License-Identifier: MIT */
/* Opening, matching, making; and taking back at once what the dead of the meantime had. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "daemon/adopt.h"
#include "daemon/log.h"

bool adopt_fits(const struct arena *arena, const struct config_arena *config)
{
	const struct thr_geometry *is = &arena->geometry, *wanted = &config->geometry;
	uint32_t i;

	if (is->cores != wanted->cores || is->classes != wanted->classes ||
		is->page_bytes != wanted->page_bytes ||
		arena->ledger->is_lazy != config->is_lazy ||
		config->max_clients > is->seats)
		return false;
	for (i = 0; i < is->classes; i++)
		if (is->class_[i].slot_bytes != wanted->class_[i].slot_bytes ||
			is->class_[i].slots != wanted->class_[i].slots ||
			is->class_[i].align_bytes != wanted->class_[i].align_bytes)
			return false;
	return true;
}

static int set_aside(struct daemon *daemon, uint32_t id, const struct arena_fds *fds,
	const char *why)
{
	int r = aside_add(&daemon->aside, id, fds, why);

	if (r < 0)
		return r;
	log_event(EVENT_ARENA_SET_ASIDE,
		&(struct log_fields){ .arena = daemon->aside->name, .cause = why },
		"arena %s (%u) is set aside: %s. Its clients go on among themselves, but nothing "
		"is taken back there any more, and nobody new comes; restart them when you can",
		daemon->aside->name, id, why);
	return 0;
}

/* For good, whatever the next runs think of it. */
static int quarantine(struct daemon *daemon, uint32_t id, const struct arena_fds *fds,
	struct state_arena *entry, const char *why)
{
	if (entry && !entry->is_set_aside) {
		entry->is_set_aside = 1;
		daemon->state->quarantined_total++;
	}
	return set_aside(daemon, id, fds, why);
}

static int open_one(struct daemon *daemon, uint32_t id, const struct arena_fds *fds)
{
	struct state_arena *entry = state_arena(daemon->state, id);
	struct arena *arena;
	char why[MEMORY_WHY_MAX];
	int r;

	if (!entry)
		return set_aside(daemon, id, fds, "there are too many arenas");
	if (entry->is_set_aside)
		return set_aside(daemon, id, fds, "an earlier run did so");
	if (entry->failures >= STATE_FAILURES_MAX)
		return quarantine(daemon, id, fds, entry,
			"the daemon ended three times in a row while it was at work on it");
	{
		STATE_AT_WORK(&daemon->state->at_work[STATE_LOOP], id);
		r = arena_open(&arena, id, fds, daemon->state, why);
	}
	if (r == -EBADMSG)
		return quarantine(daemon, id, fds, entry, why);
	if (r == -ENOTSUP)
		return set_aside(daemon, id, fds, why);
	if (r < 0) {
		log_error("an arena that an earlier run left cannot be opened: %s", why);
		return r;
	}
	arena->is_retired = true; /* until the configuration claims it */
	r = daemon_add_arena(daemon, arena);
	if (r < 0) {
		arena->fds = (struct arena_fds){ -1, -1, -1 };
		arena_free(arena);
		return set_aside(daemon, id, fds, "there are too many arenas");
	}
	return 0;
}

static int open_all(struct daemon *daemon, struct store *store)
{
	struct arena_fds fds;
	uint32_t id;
	int r;

	while (arena_fds_take(store, &id, &fds)) {
		if (daemon->state->next_id <= id)
			daemon->state->next_id = id == UINT32_MAX ? 1 : id + 1;
		if (fds.pages >= 0 && fds.board >= 0 && fds.ledger >= 0) {
			r = open_one(daemon, id, &fds);
			if (r < 0)
				return r;
		} else if (fds.pages >= 0 && arena_fds_are_used(&fds)) {
			r = quarantine(daemon, id, &fds, state_arena(daemon->state, id),
				"a part of it is missing");
			if (r < 0)
				return r;
		} else {
			log_notice("an earlier run ended while it made an arena (%u); dropped", id);
			arena_fds_forget(id);
			arena_fds_close(&fds);
		}
	}
	return 0;
}

/* The youngest arena of that name, of those that fit if `config` says so. */
static struct arena *find_old(
	struct daemon *daemon, const struct config_arena *config, bool must_fit)
{
	struct arena *found = NULL;
	size_t i;

	for (i = 0; i < daemon->n_arenas; i++) {
		struct arena *a = daemon->arenas[i];

		if (strcmp(a->name, config->name) == 0 && (!must_fit || adopt_fits(a, config)) &&
			(!found || a->id > found->id))
			found = a;
	}
	return found;
}

int adopt_make(struct daemon *daemon, const struct config_arena *config)
{
	unsigned long long bytes = config->geometry.arena_bytes;
	char why[MEMORY_WHY_MAX];
	struct arena *arena;
	int r;

	log_debug("%s: allocating %llu bytes", config->name, bytes);
	r = arena_new(&arena, config, daemon->state, why);
	if (r < 0) {
		log_error("arena %s needs %llu bytes and cannot be had: %s", config->name, bytes,
			why);
		return r;
	}
	r = daemon_add_arena(daemon, arena);
	if (r < 0) {
		log_error("arena %s: there are too many arenas; some of earlier configurations "
			  "still have clients", config->name);
		arena_fds_forget(arena->id);
		arena_free(arena);
		return r;
	}
	arena_sample(arena);
	return 0;
}

/* A configured arena is an old one that fits, or a new one, or, without memory, an old one that
 * does not. */
static int claim(struct daemon *daemon, const struct config_arena *config)
{
	struct arena *arena = find_old(daemon, config, true);
	int r;

	if (!arena) {
		r = adopt_make(daemon, config);
		if (r == 0)
			return 0;
		arena = find_old(daemon, config, false);
		if (!arena)
			return r;
		log_error("arena %s: goes on as it was before the configuration changed; the "
			  "change waits for the next restart", config->name);
	}
	arena->is_retired = false;
	arena_configure(arena, config);
	return 0;
}

/* Who died while there was no daemon has lost his seat lock. The others are watched by their pid,
 * which is only a hint (it may be another process's by now), until they connect. */
static void settle_clients(struct daemon *daemon, struct arena *arena)
{
	struct client *client = NULL;
	unsigned n = 0, n_dead = 0;

	arena->is_told = true;
	while ((client = seats_next(&arena->seats, client))) {
		n++;
		reaper_adopt(&daemon->reaper, client);
		n_dead += client->id.n == 0;
	}
	if (arena->is_retired)
		log_event(EVENT_ARENA_RETIRED, &(struct log_fields){ .arena = arena->name },
			"arena %s (%u): retired, since it is configured otherwise or no more; "
			"removed when its last client leaves. %u clients, %u of them were gone",
			arena->name, arena->id, n, n_dead);
	else
		log_event(EVENT_ARENA_ADOPTED, &(struct log_fields){ .arena = arena->name },
			"arena %s (%u): adopted as the last run left it; %u clients, %u of them "
			"were gone", arena->name, arena->id, n, n_dead);
	arena_sample(arena);
}

int adopt_arenas(struct daemon *daemon, struct store *store, const struct config *config)
{
	size_t n_old, i;
	int r = open_all(daemon, store);

	n_old = daemon->n_arenas;
	for (i = 0; r == 0 && i < config->n_arenas; i++)
		r = claim(daemon, &config->arenas[i]);
	if (r < 0)
		return r;
	for (i = 0; i < n_old; i++)
		settle_clients(daemon, daemon->arenas[i]);
	daemon->state->restarted_total += n_old > 0;
	adopt_sweep(daemon);
	return 0;
}

static bool is_done_with(const struct arena *arena)
{
	return arena->is_retired && arena->seats.n_taken == 0 && !arena_fds_are_used(&arena->fds);
}

void adopt_sweep(struct daemon *daemon)
{
	bool has_visitor = daemon->visitor.is_running;
	size_t i, n = 0;

	aside_sweep(&daemon->aside, daemon->state);
	for (i = 0; i < daemon->n_arenas; i++)
		n += is_done_with(daemon->arenas[i]);
	if (n == 0)
		return;
	if (has_visitor)
		visitor_stop(&daemon->visitor);
	for (i = n = 0; i < daemon->n_arenas; i++) {
		struct arena *a = daemon->arenas[i];

		if (!is_done_with(a)) {
			daemon->arenas[n++] = a;
			continue;
		}
		log_event(EVENT_ARENA_REMOVED, &(struct log_fields){ .arena = a->name },
			"arena %s (%u): retired, and its last client has left; removed", a->name,
			a->id);
		arena_fds_forget(a->id);
		state_forget_arena(daemon->state, a->id);
		state_keep_totals(daemon->state, a->ledger);
		arena_free(a);
	}
	daemon->n_arenas = n;
	if (has_visitor)
		visitor_start(&daemon->visitor, daemon->arenas, daemon->n_arenas);
}
