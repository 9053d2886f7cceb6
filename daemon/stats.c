/* SPDX-License-Identifier: MIT */
/*
 * One function per JSON object. Counters come from the lists in shm/abi.h, so a counter that is
 * added there appears here. Numbers that clients can write are cut to what JSON readers can hold.
 */

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>
#include "daemon/cleanup.h"
#include "daemon/clock.h"
#include "daemon/pages.h"
#include "daemon/stats.h"
#include "shm/atomics.h"
#include "shm/record.h"

static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

bool stats_may_see(const struct arena *arena, const struct peer *viewer)
{
	return viewer->sees_all || access_allows(&arena->access, viewer);
}

static json_t *head_json(const char *schema)
{
	json_t *o = json_object();

	set(o, "schema", json_string(schema));
	set(o, "schema_version", json_integer(1));
	set(o, "timestamp_realtime_ns", number(clock_realtime_ns()));
	set(o, "timestamp_monotonic_ns", number(clock_monotonic_ns()));
	return o;
}

static json_t *aside_json(const struct daemon *daemon)
{
	json_t *array = json_array();
	const struct aside *a;

	for (a = daemon->aside; a; a = a->next) {
		json_t *o = json_object();

		set(o, "name", json_string(a->name));
		set(o, "id", json_integer(a->id));
		set(o, "reason", json_string(a->why));
		json_array_append_new(array, o);
	}
	return array;
}

/* How many connect is nobody's business but the operator's. */
static json_t *daemon_json(const struct daemon *daemon, const struct peer *viewer)
{
	json_t *o = json_object();

	set(o, "version", json_string(THRUSTER_VERSION));
	set(o, "pid", json_integer(getpid()));
	set(o, "started_realtime_ns", number(daemon->started_realtime_ns));
	set(o, "state", json_string("running"));
	set(o, "runs_total", number(daemon->state->runs));
	if (!viewer->sees_all)
		return o;
	set(o, "connections", json_integer(daemon->sessions.n));
	set(o, "connections_refused_total", number(daemon->sessions.refused_total));
	set(o, "protocol_violations_total", number(daemon->sessions.violations_total));
	set(o, "set_aside_total", number(daemon->state->quarantined_total));
	set(o, "set_aside", aside_json(daemon));
	return o;
}

static json_t *cores_json(const struct arena *arena, uint32_t class_)
{
	const struct thr_class_view *c = &arena->view.class_[class_];
	const struct census_core *counted = arena->census.class_[class_].cores;
	json_t *array = json_array();
	uint32_t core;

	for (core = 0; core < c->n_cores; core++) {
		json_t *o = json_object();

		set(o, "core", json_integer(core));
		set(o, "slots", number(counted[core].slots));
		set(o, "leased", number(counted[core].leased));
		set(o, "takeable", number(counted[core].takeable));
#define X(name, text) set(o, #name, number(load_relaxed(&c->cores[core].name)));
		THR_CORE_COUNTERS(X)
#undef X
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *class_json(const struct arena *arena, uint32_t class_)
{
	const struct thr_class_geometry *g = &arena->geometry.class_[class_];
	const struct census_class *c = &arena->census.class_[class_];
	json_t *o = json_object();

	set(o, "slot_bytes", number(g->slot_bytes));
	set(o, "stride_bytes", number(g->stride_bytes));
	set(o, "align_bytes", number(g->align_bytes));
	set(o, "claim", json_string(g->claim == THR_CLAIM_OPEN ? "open" : "core"));
	set(o, "slots", json_integer(g->slots));
	set(o, "pending", number(c->pending));
#define X(name, text) set(o, #name, number(c->figures.name));
	THR_CLASS_FIGURES(X)
#undef X
	set(o, "cores", cores_json(arena, class_));
	return o;
}

static json_t *client_json(const struct arena *arena, const struct client *client)
{
	const struct census_seat *held = &arena->census.seats[client->seat.n];
	const struct thr_seat *counters = &arena->view.seats[client->seat.n];
	json_t *o = json_object();

	set(o, "id", json_integer(client->id.n));
	set(o, "pid", json_integer(client->pid));
	set(o, "uid", json_integer(client->uid));
	set(o, "label", json_string(client->label));
	set(o, "attached_realtime_ns", number(client->attached_realtime_ns));
	set(o, "leased", number(held->leases));
	set(o, "leased_bytes", number(held->bytes));
	set(o, "over_quota", json_boolean(client->is_over_quota));
#define X(name, text) set(o, #name, number(load_relaxed(&counters->name)));
	THR_SEAT_COUNTERS(X)
#undef X
	return o;
}

static json_t *memory_json(const struct daemon *daemon, const struct arena *arena)
{
	json_t *o = json_object();

	set(o, "page_bytes", number(arena->geometry.page_bytes));
	set(o, "allocate", json_string(arena->ledger->is_lazy ? "on_use" : "at_start"));
	set(o, "resident_bytes", number(pages_resident(arena->fds.pages)));
	set(o, "trim_after_s", number(arena->ledger->trim_after_s));
	set(o, "trimming", json_boolean(trim_is_due(&daemon->trimmer, arena)));
	set(o, "trims_total", number(arena->ledger->trims_total));
	set(o, "trimmed_bytes_total", number(arena->ledger->trimmed_bytes_total));
	return o;
}

static json_t *arena_json(const struct daemon *daemon, const struct arena *arena)
{
	const struct client *client = NULL;
	json_t *o = json_object(), *classes = json_array(), *clients = json_array();
	uint32_t i;

	set(o, "name", json_string(arena->name));
	set(o, "size_bytes", number(arena->geometry.arena_bytes));
	set(o, "metadata_bytes", number(arena->geometry.metadata_bytes));
	set(o, "memory", memory_json(daemon, arena));
	set(o, "id", json_integer(arena->id));
	set(o, "state", json_string(arena->is_retired ? "retired" : "served"));
	set(o, "max_clients", json_integer(arena->seats.n_max));
	set(o, "quota_bytes", number(arena->ledger->quota_bytes));
	set(o, "quota_leases", number(arena->ledger->quota_leases));
	set(o, "over_quota_total", number(arena->ledger->over_quota_total));
	set(o, "snapshot_duration_ns", number(arena->census.duration_ns));
	for (i = 0; i < arena->geometry.classes; i++)
		json_array_append_new(classes, class_json(arena, i));
	set(o, "classes", classes);
	while ((client = seats_next(&arena->seats, client)))
		json_array_append_new(clients, client_json(arena, client));
	set(o, "clients", clients);
	return o;
}

static json_t *reclaim_json(const struct daemon *daemon, const struct peer *viewer)
{
	uint64_t clients = 0, leases = 0, last = 0, max = 0;
	json_t *o = json_object();
	size_t i;
	uint32_t j;

	for (i = 0; i < daemon->n_arenas; i++) {
		const struct arena *a = daemon->arenas[i];

		if (!stats_may_see(a, viewer))
			continue;
		clients += a->ledger->reclaimed_clients;
		for (j = 0; j < a->geometry.classes; j++)
			leases += a->ledger->class_[j].reclaimed_total;
		last = a->ledger->reclaim_last_ns > last ? a->ledger->reclaim_last_ns : last;
		max = a->ledger->reclaim_max_ns > max ? a->ledger->reclaim_max_ns : max;
	}
	set(o, "clients_total", number(clients));
	set(o, "leases_total", number(leases));
	set(o, "duration_last_ns", number(last));
	set(o, "duration_max_ns", number(max));
	return o;
}

static int dump(json_t *root, char **ret_text)
{
	char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

	json_decref(root);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}

int stats_text(struct daemon *daemon, const struct peer *viewer, char **ret_text)
{
	json_t *root = head_json("thruster.stats"), *arenas = json_array();
	size_t i;

	set(root, "daemon", daemon_json(daemon, viewer));
	for (i = 0; i < daemon->n_arenas; i++)
		if (stats_may_see(daemon->arenas[i], viewer))
			json_array_append_new(arenas, arena_json(daemon, daemon->arenas[i]));
	set(root, "arenas", arenas);
	set(root, "reclaim", reclaim_json(daemon, viewer));
	set(root, "contention",
		json_pack("{s:{s:s, s:s}}", "ebpf", "state", "unavailable", "reason",
			"this version has no eBPF programs"));
	return dump(root, ret_text);
}

struct found_lease {
	const struct arena *arena;
	struct census_lease lease;
};

static json_t *lease_json(const struct found_lease *found)
{
	const struct arena *arena = found->arena;
	const struct census_lease *lease = &found->lease;
	struct seat_id seat = record_owner(lease->record);
	const struct client *client =
		seat.n >= 1 && seat.n <= arena->seats.n ? &arena->seats.clients[seat.n] : NULL;
	unsigned run = record_run(lease->record);
	json_t *o = json_object();

	set(o, "arena", json_string(arena->name));
	set(o, "class", json_integer(lease->class_));
	set(o, "slot", json_integer(lease->slot.n));
	set(o, "slots", json_integer(run));
	set(o, "size_bytes", number(run * arena->geometry.class_[lease->class_].stride_bytes));
	set(o, "state", json_string(record_is_pending(lease->record) ? "pending" : "leased"));
	set(o, "age_ns", number(lease->age_ns));
	if (client && client->id.n) {
		set(o, "client_id", json_integer(client->id.n));
		set(o, "pid", json_integer(client->pid));
		set(o, "label", json_string(client->label));
	}
	return o;
}

static int oldest_first(const void *a, const void *b)
{
	const struct found_lease *x = a, *y = b;

	if (x->lease.age_ns != y->lease.age_ns)
		return x->lease.age_ns < y->lease.age_ns ? 1 : -1;
	return 0;
}

/* Add the oldest leases of an arena, at most `limit`, to those found. */
static int find_leases(
	const struct arena *arena, uint32_t limit, struct found_lease **found, size_t *n)
{
	struct census_lease *leases;
	struct found_lease *more;
	size_t i, n_leases;
	int r;

	r = census_leases(&arena->census, &arena->view, limit, &leases, &n_leases);
	if (r < 0)
		return r;
	more = reallocarray(*found, *n + n_leases + 1, sizeof(**found));
	if (more) {
		*found = more;
		for (i = 0; i < n_leases; i++)
			more[(*n)++] = (struct found_lease){ arena, leases[i] };
	}
	free(leases);
	return more ? 0 : -ENOMEM;
}

static json_t *leases_json(const struct found_lease *found, size_t n)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(array, lease_json(&found[i]));
	return array;
}

int stats_leases_text(struct daemon *daemon, const struct peer *viewer, uint32_t limit,
	char **ret_text)
{
	_cleanup_(free_memory) struct found_lease *found = NULL;
	json_t *root;
	uint64_t total = 0;
	size_t i, n = 0;
	uint32_t seat;
	int r;

	if (limit == 0 || limit > STATS_LEASES_MAX)
		limit = STATS_LEASES_MAX;
	for (i = 0; i < daemon->n_arenas; i++) {
		const struct arena *arena = daemon->arenas[i];

		if (!stats_may_see(arena, viewer))
			continue;
		r = find_leases(arena, limit, &found, &n);
		if (r < 0)
			return r;
		for (seat = 0; seat <= arena->census.n_seats; seat++)
			total += arena->census.seats[seat].leases;
	}
	if (found)
		qsort(found, n, sizeof(*found), oldest_first);
	root = head_json("thruster.leases");
	set(root, "leases_total", number(total));
	set(root, "leases", leases_json(found, n > limit ? limit : n));
	return dump(root, ret_text);
}

static json_t *verdict_json(const struct arena *arena)
{
	struct thr_verdict v = arena_judge(arena);
	json_t *o = json_object();
	char record[32];

	set(o, "arena", json_string(arena->name));
	set(o, "ok", json_boolean(v.rule == THR_RULE_NONE));
	set(o, "slots_seen", number(v.slots_seen));
	if (v.rule != THR_RULE_NONE) {
		snprintf(record, sizeof(record), "0x%016llx", (unsigned long long)v.record);
		set(o, "rule", json_string(thr_rule_name(v.rule)));
		set(o, "must_hold", json_string(thr_rule_text(v.rule)));
		set(o, "class", json_integer(v.class_));
		set(o, "slot", json_integer(v.slot.n));
		set(o, "record", json_string(record));
	}
	return o;
}

int stats_check_text(struct daemon *daemon, const struct peer *viewer, char **ret_text)
{
	json_t *root = head_json("thruster.check"), *array = json_array();
	size_t i;

	for (i = 0; i < daemon->n_arenas; i++)
		if (stats_may_see(daemon->arenas[i], viewer))
			json_array_append_new(array, verdict_json(daemon->arenas[i]));
	set(root, "arenas", array);
	return dump(root, ret_text);
}
