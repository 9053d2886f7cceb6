/* SPDX-License-Identifier: MIT */
/* The names are those of the daemon's own statistics; what is not on a board is left out. */

#include <time.h>
#include "client/thrusterctl/boards/json.h"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void set(json_t *object, const char *key, uint64_t n)
{
	json_object_set_new(
		object, key, json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n));
}

static json_t *class_json(const struct board *board, uint32_t i)
{
	const struct thr_class_geometry *g = &board->geometry.class_[i];
	const struct thr_class_figures *figures = &board->figures.class_[i];
	json_t *o = json_object();

	set(o, "slot_bytes", g->slot_bytes);
	set(o, "stride_bytes", g->stride_bytes);
	set(o, "align_bytes", g->align_bytes);
	json_object_set_new(
		o, "claim", json_string(g->claim == THR_CLAIM_OPEN ? "open" : "core"));
	set(o, "slots", g->slots);
	if (!board->has_figures)
		return o;
#define X(name, text) set(o, #name, figures->name);
	THR_CLASS_FIGURES(X)
#undef X
	return o;
}

static json_t *clients_json(const struct board *board)
{
	json_t *clients = json_array(), *client;
	size_t i;

	for (i = 0; i < board->n_clients; i++) {
		client = json_object();
		set(client, "id", board->clients[i]);
		json_array_append_new(clients, client);
	}
	return clients;
}

static json_t *arena_json(const struct board *board, uint64_t now_ns)
{
	const struct thr_geometry *g = &board->geometry;
	uint64_t sampled = board->figures.sampled_monotonic_ns;
	json_t *o = json_object(), *memory = json_object(), *classes = json_array();
	uint32_t i;

	json_object_set_new(o, "name", json_string(board->name));
	set(o, "size_bytes", g->arena_bytes);
	set(o, "metadata_bytes", g->metadata_bytes);
	set(memory, "page_bytes", g->page_bytes);
	json_object_set_new(o, "memory", memory);
	set(o, "quota_bytes", board->quota_bytes);
	set(o, "quota_leases", board->quota_leases);
	if (board->has_figures) {
		set(o, "sampled_monotonic_ns", sampled);
		set(o, "sample_age_ns", now_ns > sampled ? now_ns - sampled : 0);
	}
	for (i = 0; i < g->classes; i++)
		json_array_append_new(classes, class_json(board, i));
	json_object_set_new(o, "classes", classes);
	json_object_set_new(o, "clients", clients_json(board));
	return o;
}

json_t *boards_json(const struct boards *boards)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC), run = 0;
	json_t *root = json_object(), *daemon = json_object(), *arenas = json_array();
	size_t i;

	for (i = 0; i < boards->n; i++) {
		json_array_append_new(arenas, arena_json(&boards->board[i], now_ns));
		if (boards->board[i].run > run)
			run = boards->board[i].run;
	}
	json_object_set_new(daemon, "state", json_string("unresponsive"));
	set(daemon, "pid", (uint64_t)boards->pid);
	set(daemon, "runs_total", run);
	json_object_set_new(root, "schema", json_string("thruster.stats"));
	set(root, "schema_version", 1);
	set(root, "timestamp_realtime_ns", clock_ns(CLOCK_REALTIME));
	set(root, "timestamp_monotonic_ns", now_ns);
	json_object_set_new(root, "daemon", daemon);
	json_object_set_new(root, "arenas", arenas);
	return root;
}
