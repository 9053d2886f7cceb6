/* SPDX-License-Identifier: MIT */
/*
 * One function per JSON object. Counters come from the lists in shm/abi.h, so a counter that is
 * added there appears here.
 */

#include <unistd.h>
#include "daemon/json.h"
#include "daemon/pages.h"
#include "daemon/stats.h"
#include "shm/atomics.h"
#include "shm/waits.h"

bool stats_may_see(const struct arena *arena, const struct peer *viewer)
{
	return viewer->sees_all || access_allows(&arena->access, viewer);
}

static json_t *aside_json(const struct daemon *daemon)
{
	json_t *array = json_array();
	const struct aside *a;

	for (a = daemon->aside; a; a = a->next) {
		json_t *o = json_object();

		json_set(o, "name", json_string(a->name));
		json_set(o, "id", json_integer(a->id));
		json_set(o, "reason", json_string(a->why));
		json_array_append_new(array, o);
	}
	return array;
}

/* How many connect is nobody's business but the operator's. */
static json_t *daemon_json(const struct daemon *daemon, const struct peer *viewer)
{
	json_t *o = json_object();

	json_set(o, "version", json_string(THRUSTER_VERSION));
	json_set(o, "pid", json_integer(getpid()));
	json_set_number(o, "started_realtime_ns", daemon->started_realtime_ns);
	json_set(o, "state", json_string("running"));
	json_set_number(o, "runs_total", daemon->state->runs);
	if (!viewer->sees_all)
		return o;
	json_set(o, "connections", json_integer(daemon->sessions.n));
	json_set_number(o, "connections_refused_total", daemon->sessions.refused_total);
	json_set_number(o, "protocol_violations_total", daemon->sessions.violations_total);
	json_set_number(o, "set_aside_total", daemon->state->quarantined_total);
	json_set(o, "set_aside", aside_json(daemon));
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

		json_set(o, "core", json_integer(core));
		json_set_number(o, "slots", counted[core].slots);
		json_set_number(o, "leased", counted[core].leased);
		json_set_number(o, "takeable", counted[core].takeable);
#define X(name, text) json_set_number(o, #name, load_relaxed(&c->cores[core].name));
		THR_CORE_COUNTERS(X)
#undef X
		json_set(o, "waits", json_waits(class_waits(c, (struct core_id){ core })));
		json_array_append_new(array, o);
	}
	return array;
}

/* Of all cores. */
static json_t *class_waits_json(const struct thr_class_view *c)
{
	struct thr_waits sum = { 0 };
	struct core_id core;

	for (core.n = 0; core.n < c->n_cores; core.n++)
		waits_add(&sum, class_waits(c, core));
	return json_waits(&sum);
}

static json_t *class_json(const struct arena *arena, uint32_t class_)
{
	const struct thr_class_geometry *g = &arena->geometry.class_[class_];
	const struct census_class *c = &arena->census.class_[class_];
	json_t *o = json_object();

	json_set_number(o, "slot_bytes", g->slot_bytes);
	json_set_number(o, "stride_bytes", g->stride_bytes);
	json_set_number(o, "align_bytes", g->align_bytes);
	json_set(o, "claim", json_string(g->claim == THR_CLAIM_OPEN ? "open" : "core"));
	json_set(o, "slots", json_integer(g->slots));
	json_set_number(o, "pending", c->pending);
#define X(name, text) json_set_number(o, #name, c->figures.name);
	THR_CLASS_FIGURES(X)
#undef X
	json_set(o, "waits", class_waits_json(&arena->view.class_[class_]));
	json_set(o, "cores", cores_json(arena, class_));
	return o;
}

/* Threads of the client that wait now, in whatever class. */
static uint64_t waiters_of(const struct thr_seat *seat)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < THR_CLASSES_MAX; i++)
		n += load_relaxed(&seat->waiters[i]);
	return n;
}

static json_t *client_json(const struct arena *arena, const struct client *client)
{
	const struct census_seat *held = &arena->census.seats[client->seat.n];
	const struct thr_seat *counters = &arena->view.seats[client->seat.n];
	json_t *o = json_object();

	json_set(o, "id", json_integer(client->id.n));
	json_set(o, "pid", json_integer(client->pid));
	json_set(o, "uid", json_integer(client->uid));
	json_set(o, "label", json_string(client->label));
	json_set_number(o, "attached_realtime_ns", client->attached_realtime_ns);
	json_set_number(o, "leased", held->leases);
	json_set_number(o, "leased_peak", arena->seats.entries[client->seat.n].leased_peak);
	json_set_number(o, "leased_bytes", held->bytes);
	json_set(o, "over_quota", json_boolean(client->is_over_quota));
#define X(name, text) json_set_number(o, #name, load_relaxed(&counters->name));
	THR_SEAT_COUNTERS(X)
#undef X
	json_set_number(o, "wait_max_ns", load_relaxed(&counters->wait_max_ns));
	json_set_number(o, "waiters", waiters_of(counters));
	return o;
}

static json_t *memory_json(const struct daemon *daemon, const struct arena *arena)
{
	json_t *o = json_object();

	json_set_number(o, "page_bytes", arena->geometry.page_bytes);
	json_set(o, "allocate", json_string(arena->ledger->is_lazy ? "on_use" : "at_start"));
	json_set_number(o, "resident_bytes", pages_resident(arena->fds.pages));
	json_set_number(o, "trim_after_s", arena->ledger->trim_after_s);
	json_set(o, "trimming", json_boolean(trim_is_due(&daemon->trimmer, arena)));
	json_set_number(o, "trims_total", arena->ledger->trims_total);
	json_set_number(o, "trimmed_bytes_total", arena->ledger->trimmed_bytes_total);
	return o;
}

static json_t *arena_json(const struct daemon *daemon, const struct arena *arena)
{
	const struct client *client = NULL;
	json_t *o = json_object(), *classes = json_array(), *clients = json_array();
	uint32_t i;

	json_set(o, "name", json_string(arena->name));
	json_set_number(o, "size_bytes", arena->geometry.arena_bytes);
	json_set_number(o, "metadata_bytes", arena->geometry.metadata_bytes);
	json_set(o, "memory", memory_json(daemon, arena));
	json_set(o, "id", json_integer(arena->id));
	json_set_number(o, "created_realtime_ns", arena->ledger->created_realtime_ns);
	json_set(o, "state", json_string(arena->is_retired ? "retired" : "served"));
	json_set(o, "max_clients", json_integer(arena->seats.n_max));
	json_set_number(o, "quota_bytes", arena->ledger->quota_bytes);
	json_set_number(o, "quota_leases", arena->ledger->quota_leases);
	json_set_number(o, "over_quota_total", arena->ledger->over_quota_total);
	json_set_number(o, "snapshot_duration_ns", arena->census.duration_ns);
	for (i = 0; i < arena->geometry.classes; i++)
		json_array_append_new(classes, class_json(arena, i));
	json_set(o, "classes", classes);
	while ((client = seats_next(&arena->seats, client)))
		json_array_append_new(clients, client_json(arena, client));
	json_set(o, "clients", clients);
	return o;
}

/* What is summed up over arenas: those that are gone, for who sees everything, and those that are
 * there. */
struct sums {
	uint64_t reclaimed_clients, reclaimed_leases, reclaim_last_ns;
	struct thr_waits reclaims;
	uint64_t audits, faults, audit_last_ns;
};

static void sums_init(struct sums *sums, const struct daemon *daemon, const struct peer *viewer)
{
	const struct state *gone = daemon->state;
	size_t i;

	*sums = (struct sums){ 0 };
	if (viewer->sees_all)
		*sums = (struct sums){
			.reclaimed_clients = gone->reclaimed_clients,
			.reclaimed_leases = gone->reclaimed_leases,
			.reclaims = gone->reclaims,
			.audits = gone->audits_total,
			.faults = gone->audit_faults_total,
		};
	for (i = 0; i < daemon->n_arenas; i++) {
		const struct ledger *l = daemon->arenas[i]->ledger;

		if (!stats_may_see(daemon->arenas[i], viewer))
			continue;
		sums->reclaimed_clients += l->reclaimed_clients;
		sums->reclaimed_leases += ledger_reclaimed(l);
		if (l->reclaim_last_ns > sums->reclaim_last_ns)
			sums->reclaim_last_ns = l->reclaim_last_ns;
		waits_add(&sums->reclaims, &l->reclaims);
		sums->audits += l->audits_total;
		sums->faults += l->audit_faults_total;
		if (l->audit_last_ns > sums->audit_last_ns)
			sums->audit_last_ns = l->audit_last_ns;
	}
}

static json_t *reclaim_json(const struct sums *sums)
{
	json_t *o = json_object();

	json_set_number(o, "clients_total", sums->reclaimed_clients);
	json_set_number(o, "leases_total", sums->reclaimed_leases);
	json_set_number(o, "duration_last_ns", sums->reclaim_last_ns);
	json_set_number(o, "duration_max_ns", sums->reclaims.ns_max);
	json_set(o, "duration", json_waits(&sums->reclaims));
	return o;
}

/* What was looked for that must not be, and whether it was found. */
static json_t *integrity_json(const struct sums *sums)
{
	json_t *o = json_object();

	json_set_number(o, "audits_total", sums->audits);
	json_set_number(o, "audit_faults_total", sums->faults);
	json_set_number(o, "audit_last_ns", sums->audit_last_ns);
	return o;
}

int stats_text(struct daemon *daemon, const struct peer *viewer, char **ret_text)
{
	json_t *root = json_head("thruster.stats"), *arenas = json_array();
	struct sums sums;
	size_t i;

	json_set(root, "daemon", daemon_json(daemon, viewer));
	for (i = 0; i < daemon->n_arenas; i++)
		if (stats_may_see(daemon->arenas[i], viewer))
			json_array_append_new(arenas, arena_json(daemon, daemon->arenas[i]));
	json_set(root, "arenas", arenas);
	sums_init(&sums, daemon, viewer);
	json_set(root, "reclaim", reclaim_json(&sums));
	json_set(root, "integrity", integrity_json(&sums));
	json_set(root, "contention", contention_json(&daemon->contention, viewer));
	return json_finish(root, ret_text);
}

int stats_processes_text(struct daemon *daemon, char **ret_text)
{
	json_t *root = json_head("thruster.processes"), *pids = json_array();
	const struct client *client;
	size_t i;

	for (i = 0; i < daemon->n_arenas; i++) {
		client = NULL;
		while ((client = seats_next(&daemon->arenas[i]->seats, client)))
			if (client->pid > 0)
				json_array_append_new(pids, json_integer(client->pid));
	}
	json_set(root, "pids", pids);
	return json_finish(root, ret_text);
}
