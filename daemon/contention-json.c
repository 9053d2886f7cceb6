/* SPDX-License-Identifier: MIT */
/* What was counted, as JSON. A cell is read while programs add to it; each number is right. */

#include <string.h>
#include "daemon/contention.h"
#include "daemon/json.h"
#include "daemon/stats.h"
#include "shm/atomics.h"

static const struct {
	const char *key;
	unsigned count;
} shown[] = {
#define X(upper, probe, key) { #key, TRACE_##upper },
	TRACE_PROBES(X)
#undef X
	{ "wait_timeouts_total", TRACE_TIMEOUT },
};

static bool is_empty(const struct trace_cell *cell)
{
	unsigned i;

	for (i = 0; i < TRACE_SHOWN_N; i++)
		if (load_relaxed(&cell->count[i]))
			return false;
	return true;
}

static void set_counts(json_t *o, const struct trace_cell *cell)
{
	size_t i;

	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		json_set_number(o, shown[i].key, load_relaxed(&cell->count[shown[i].count]));
	json_set(o, "waits",
		json_histogram(load_relaxed(&cell->wait_ns_total), load_relaxed(&cell->wait_ns_max),
			(const uint64_t *)cell->wait_bucket, TRACE_BUCKETS));
}

static json_t *classes_json(const struct contention *c, const struct arena *arena, uint32_t place)
{
	json_t *array = json_array(), *class_, *cores, *core;
	uint32_t first = c->desk->arenas[place].first_class, i, cpu;

	for (i = 0; i < arena->geometry.classes && first + i < c->n_class_cells; i++) {
		class_ = json_object();
		cores = json_array();
		for (cpu = 0; cpu < c->n_cpus; cpu++) {
			const struct trace_cell *cell =
				&c->cells[TRACE_SEATS + (first + i) * c->n_cpus + cpu];

			if (is_empty(cell))
				continue;
			core = json_object();
			json_set_number(core, "core", cpu);
			set_counts(core, cell);
			json_array_append_new(cores, core);
		}
		json_set_number(class_, "class", i);
		json_set_number(class_, "slot_bytes", arena->geometry.class_[i].slot_bytes);
		json_set(class_, "cores", cores);
		json_array_append_new(array, class_);
	}
	return array;
}

static json_t *clients_json(const struct contention *c, const struct arena *arena)
{
	struct client *client = NULL;
	json_t *array = json_array(), *o;
	uint32_t place;

	while ((client = seats_next(&arena->seats, client))) {
		place = contention_place(c, arena, client->seat);
		if (place == TRACE_SEATS || c->desk->seats[place].client != client->id.n ||
			is_empty(&c->cells[place]))
			continue;
		o = json_object();
		json_set_number(o, "id", client->id.n);
		json_set(o, "pid", json_integer(client->pid));
		json_set(o, "label", json_string(client->label));
		set_counts(o, &c->cells[place]);
		json_array_append_new(array, o);
	}
	return array;
}

/* A core, or nothing if it was a thread that holds by itself. */
static void set_core(json_t *o, const char *key, uint64_t core)
{
	if (core != TRACE_THREAD)
		json_set_number(o, key, core);
}

static json_t *steals_json(const struct contention *c, uint32_t place)
{
	json_t *array = json_array(), *o;
	uint32_t i;

	for (i = 0; i < TRACE_STEALS; i++) {
		uint64_t key = load_relaxed(&c->desk->steals[i].key);
		uint64_t segments = load_relaxed(&c->desk->steals[i].segments);

		if (key >> 32 != place + 1 || !segments)
			continue;
		o = json_object();
		set_core(o, "from", key >> 16 & 0xffff);
		set_core(o, "to", key & 0xffff);
		json_set_number(o, "segments", segments);
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *arenas_json(const struct contention *c, const struct peer *viewer)
{
	json_t *array = json_array(), *o;
	uint32_t place;
	size_t i;

	for (i = 0; i < *c->n_arenas; i++) {
		const struct arena *arena = c->arenas[i];

		place = contention_arena_place(c, arena);
		if (place == TRACE_ARENAS || !stats_may_see(arena, viewer))
			continue;
		o = json_object();
		json_set(o, "name", json_string(arena->name));
		json_set_number(o, "id", arena->id);
		json_set(o, "classes", classes_json(c, arena, place));
		json_set(o, "clients", clients_json(c, arena));
		json_set(o, "steals", steals_json(c, place));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *event_json(const struct arena *arena, const struct trace_message *m)
{
	static const char *const names[] = { [TRACE_SAYS_EXHAUSTED] = "exhausted",
		[TRACE_SAYS_LONG_WAIT] = "long_wait", [TRACE_SAYS_RECLAIM] = "reclaim" };
	json_t *o = json_object();

	json_set(o, "event", json_string(m->type <= TRACE_SAYS_RECLAIM && names[m->type]
						 ? names[m->type]
						 : "unknown"));
	json_set_number(o, "monotonic_ns", m->monotonic_ns);
	json_set(o, "arena", json_string(arena->name));
	json_set_number(o, "class", m->class_);
	if (m->type == TRACE_SAYS_LONG_WAIT)
		json_set_number(o, "wait_ns", m->value);
	if (m->type == TRACE_SAYS_RECLAIM)
		json_set_number(o, "leases", m->value);
	if (m->client)
		json_set_number(o, "client_id", m->client);
	return o;
}

/* The oldest first. */
static json_t *events_json(const struct contention *c, const struct peer *viewer)
{
	uint64_t n = c->n_last < CONTENTION_EVENTS ? c->n_last : CONTENTION_EVENTS, i;
	json_t *array = json_array();

	for (i = c->n_last - n; i < c->n_last; i++) {
		const struct trace_message *m = &c->last[i % CONTENTION_EVENTS];
		const struct arena *arena = contention_arena(c, m->tag);

		if (arena && stats_may_see(arena, viewer))
			json_array_append_new(array, event_json(arena, m));
	}
	return array;
}

static json_t *ebpf_json(const struct contention *c)
{
	json_t *o = json_object();
	const char *reason = "thruster-probes is not connected: start thruster-probes.service, or "
			     "\"thruster-probes\" as root";

	if (c->is_disabled) {
		json_set(o, "state", json_string("disabled"));
		json_set(o, "reason", json_string("\"ebpf\" is \"disabled\" in the configuration"));
		return o;
	}
	if (c->session && c->told) {
		json_object_update(o, c->told);
	} else {
		json_set(o, "state", json_string("unavailable"));
		/* Why it could not, if it said so before it went. */
		if (c->told && json_object_get(c->told, "errno"))
			reason = json_string_value(json_object_get(c->told, "reason"));
		json_set(o, "reason", json_string(reason));
	}
	if (!c->desk)
		return o;
	json_set_number(o, "lost_events", load_relaxed(&c->desk->lost_events));
	json_set_number(o, "lost_steals", load_relaxed(&c->desk->lost_steals));
	json_set_number(o, "strangers_total", load_relaxed(&c->desk->strangers));
	json_set_number(o, "untracked", c->untracked);
	json_set_number(o, "exits_seen_total", load_relaxed(&c->desk->exits_seen));
	json_set_number(o, "exits_told_total", load_relaxed(&c->desk->exits_told));
	return o;
}

json_t *contention_json(const struct contention *c, const struct peer *viewer)
{
	json_t *o = json_object();

	json_set(o, "ebpf", ebpf_json(c));
	if (!c->desk || c->is_disabled)
		return o;
	json_set(o, "arenas", arenas_json(c, viewer));
	json_set(o, "events", events_json(c, viewer));
	return o;
}
