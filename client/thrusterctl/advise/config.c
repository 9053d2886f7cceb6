/* SPDX-License-Identifier: MIT */
/*
 * The file is the better way: it has what no statistics show, who may attach before all. Its fields
 * keep their order, and those that are not ours their values.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "client/thrusterctl/advise/config.h"
#include "client/thrusterctl/answer.h"

const char advise_config_told[] =
	"Not in the statistics, and to be added by hand: of each arena \"allow\" (without\n"
	"it the group thruster-clients may attach) and \"undelivered_grace_ms\"; of the\n"
	"whole \"admins\", \"log_level\" and \"max_connections_per_user\". --config FILE\n"
	"keeps all that FILE has.\n";

static void set(json_t *object, const char *key, uint64_t n)
{
	json_object_set_new(object, key, json_integer((json_int_t)n));
}

/* Only what is not the default. */
static json_t *memory_new(const json_t *told)
{
	json_t *memory = json_object();

	if (answer_number(told, "page_bytes") != THR_PAGE)
		set(memory, "page_bytes", answer_number(told, "page_bytes"));
	if (strcmp(answer_string(told, "allocate"), "on_use") == 0)
		json_object_set_new(memory, "allocate", json_string("on_use"));
	if (answer_number(told, "trim_after_s"))
		set(memory, "trim_after_s", answer_number(told, "trim_after_s"));
	return memory;
}

static json_t *quota_new(const json_t *told)
{
	json_t *quota = json_object();

	if (answer_number(told, "quota_bytes"))
		set(quota, "bytes", answer_number(told, "quota_bytes"));
	if (answer_number(told, "quota_leases"))
		set(quota, "leases", answer_number(told, "quota_leases"));
	return quota;
}

static void set_unless_empty(json_t *object, const char *key, json_t *value)
{
	if (json_object_size(value))
		json_object_set(object, key, value);
	json_decref(value);
}

static json_t *classes_new(const struct advise_arena *a)
{
	json_t *classes = json_array(), *class_, *told;
	uint32_t i;

	for (i = 0; i < a->n_classes; i++) {
		told = json_array_get(json_object_get(a->arena, "classes"), i);
		class_ = json_object();
		set(class_, "slot_bytes", answer_number(told, "slot_bytes"));
		set(class_, "slots", a->class_[i].slots);
		if (answer_number(told, "align_bytes"))
			set(class_, "align_bytes", answer_number(told, "align_bytes"));
		json_array_append_new(classes, class_);
	}
	return classes;
}

json_t *advise_config_new(const struct advise_arena *arenas, size_t n)
{
	json_t *root = json_object(), *all = json_array(), *arena;
	size_t i;

	for (i = 0; i < n; i++) {
		arena = json_object();
		json_object_set(arena, "name", json_object_get(arenas[i].arena, "name"));
		set(arena, "max_clients", arenas[i].advised_clients);
		set_unless_empty(arena, "quota", quota_new(arenas[i].arena));
		set_unless_empty(arena, "memory",
			memory_new(json_object_get(arenas[i].arena, "memory")));
		json_object_set_new(arena, "classes", classes_new(&arenas[i]));
		json_array_append_new(all, arena);
	}
	json_object_set_new(root, "arenas", all);
	return root;
}

json_t *advise_config_load(const char *path)
{
	json_error_t error;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fprintf(stderr, "thrusterctl: %s:%d:%d: %s\n", path, error.line, error.column,
			error.text);
	else if (!json_is_array(json_object_get(root, "arenas")))
		fprintf(stderr, "thrusterctl: %s: this is no configuration of thrusterd\n", path);
	else
		return root;
	json_decref(root);
	return NULL;
}

/* The class of the configuration that one of the statistics was made from. */
static json_t *find_class(const json_t *arena, const json_t *told)
{
	json_t *class_;
	size_t i;

	json_array_foreach(json_object_get(arena, "classes"), i, class_)
		if (answer_number(class_, "slot_bytes") == answer_number(told, "slot_bytes") &&
			answer_number(class_, "align_bytes") == answer_number(told, "align_bytes"))
			return class_;
	return NULL;
}

static void change_class(
	json_t *arena, const json_t *told, uint64_t slots, const char *name, FILE *notes)
{
	json_t *class_ = find_class(arena, told);
	uint64_t bytes = answer_number(told, "slot_bytes");

	if (!class_) {
		fprintf(notes, "arena %s: the file has no class of %" PRIu64
			" bytes like the daemon's; %" PRIu64 " slots are advised for it\n",
			name, bytes, slots);
		return;
	}
	if (answer_number(class_, "slots") != answer_number(told, "slots"))
		fprintf(notes, "arena %s: the file says %" PRIu64 " slots of %" PRIu64
			" bytes, the daemon has %" PRIu64 ", and these were judged\n",
			name, answer_number(class_, "slots"), bytes, answer_number(told, "slots"));
	set(class_, "slots", slots);
}

static json_t *find_arena(const json_t *config, const char *name)
{
	json_t *arena;
	size_t i;

	json_array_foreach(json_object_get(config, "arenas"), i, arena)
		if (strcmp(answer_string(arena, "name"), name) == 0)
			return arena;
	return NULL;
}

static void change_arena(json_t *config, const struct advise_arena *a, FILE *notes)
{
	const char *name = answer_string(a->arena, "name");
	json_t *arena = find_arena(config, name), *classes;
	uint32_t i;

	if (!arena) {
		fprintf(notes, "arena %s: the daemon serves it, and the file does not have it\n",
			name);
		return;
	}
	if (a->advised_clients != a->max_clients)
		set(arena, "max_clients", a->advised_clients);
	classes = json_object_get(a->arena, "classes");
	for (i = 0; i < a->n_classes; i++)
		change_class(arena, json_array_get(classes, i), a->class_[i].slots, name, notes);
}

void advise_config_change(json_t *config, const struct advise_arena *arenas, size_t n, FILE *notes)
{
	size_t i;

	for (i = 0; i < n; i++)
		change_arena(config, &arenas[i], notes);
}
