/* SPDX-License-Identifier: MIT */
/*
 * Reading the configuration. Jansson parses; here every field is looked up by name, checked for
 * type and bounds, and every name that is not ours is refused. The first mistake ends the reading:
 * the form (daemon/form.h) remembers it with the path of the field.
 */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include "daemon/cleanup.h"
#include "daemon/config-access.h"
#include "daemon/form.h"

#define CONFIG_BYTES_MAX (1 << 20)

static void free_json(json_t **json)
{
	json_decref(*json);
}

static void read_class(
	struct form *form, const char *path, json_t *object, struct thr_class_spec *ret)
{
	static const char *const names[] = { "slot_bytes", "slots", "align_bytes", NULL };
	struct path where;

	form_check_names(form, path, object, names);
	ret->slot_bytes = form_number(form, path, "slot_bytes", object, GEOMETRY_SLOT_BYTES_MIN,
		GEOMETRY_SLOT_BYTES_MAX, UINT64_MAX);
	ret->slots = (uint32_t)form_number(form, path, "slots", object, 1, GEOMETRY_SLOTS_MAX,
		UINT64_MAX);
	ret->align_bytes = (uint32_t)form_number(
		form, path, "align_bytes", object, GEOMETRY_ALIGN_MIN, GEOMETRY_ALIGN_MAX, 0);
	if (ret->align_bytes & (ret->align_bytes - 1)) {
		where = path_make("%s.align_bytes", path);
		form_fail(form, where.text,
			"%u is not a power of two; allowed: powers of two from %u to %u",
			ret->align_bytes, GEOMETRY_ALIGN_MIN, GEOMETRY_ALIGN_MAX);
	}
}

static uint64_t spec_stride(const struct thr_class_spec *spec)
{
	return thr_stride_bytes(spec->slot_bytes, spec->align_bytes);
}

/* Keep the classes sorted; two whose slots come out equally large would be one. */
static void insert_class(struct form *form, const char *path, struct config_arena *arena,
	struct thr_class_spec spec)
{
	uint32_t at = arena->n_classes;

	while (at > 0 && spec_stride(&arena->classes[at - 1]) >= spec_stride(&spec)) {
		if (spec_stride(&arena->classes[at - 1]) == spec_stride(&spec)) {
			form_fail(form, path,
				"has slots of %" PRIu64
				" bytes like another class of this arena; make it one class",
				spec_stride(&spec));
			return;
		}
		arena->classes[at] = arena->classes[at - 1];
		at--;
	}
	arena->classes[at] = spec;
	arena->n_classes++;
}

static void read_classes(
	struct form *form, const char *path, json_t *array, struct config_arena *arena)
{
	struct path where;
	size_t i;

	if (!form_check_array(form, path, array, 1, THR_CLASSES_MAX, "classes"))
		return;
	for (i = 0; i < json_array_size(array) && !form->has_failed; i++) {
		struct thr_class_spec spec = { 0 };

		where = path_make("%s[%zu]", path, i);
		read_class(form, where.text, json_array_get(array, i), &spec);
		if (!form->has_failed)
			insert_class(form, where.text, arena, spec);
	}
}

static void read_name(struct form *form, const char *path, json_t *value, char ret[THR_NAME_MAX])
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *name = json_string_value(value);

	if (!name)
		form_fail(form, path, "is %s; must be a string", form_kind(value));
	else if (*name == 0 || json_string_length(value) >= THR_NAME_MAX ||
		 strspn(name, allowed) != json_string_length(value))
		form_fail(form, path, "must have 1 to %u of the characters A-Z a-z 0-9 . _ -",
			THR_NAME_MAX - 1);
	else
		strcpy(ret, name);
}

static void read_quota(
	struct form *form, const char *path, json_t *object, struct config_arena *ret)
{
	static const char *const names[] = { "bytes", "leases", NULL };

	if (!object)
		return;
	form_check_names(form, path, object, names);
	ret->quota_bytes =
		form_number(form, path, "bytes", object, 0, CONFIG_QUOTA_BYTES_MAX, 0);
	ret->quota_leases =
		form_number(form, path, "leases", object, 0, CONFIG_QUOTA_LEASES_MAX, 0);
}

static void read_memory(struct form *form, const char *path, json_t *object,
	struct config_arena *ret, uint64_t *ret_page_bytes)
{
	static const char *const names[] = { "page_bytes", "allocate", "trim_after_s", NULL };
	static const char *const when[] = { "at_start", "on_use", NULL };
	struct path where = path_make("%s.page_bytes", path);
	uint64_t page;

	*ret_page_bytes = THR_PAGE;
	if (!object)
		return;
	form_check_names(form, path, object, names);
	page = form_number(form, path, "page_bytes", object, THR_PAGE, GEOMETRY_PAGE_BYTES_MAX,
		THR_PAGE);
	if (page & (page - 1))
		form_fail(form, where.text,
			"%" PRIu64 " is not a power of two; allowed: the sizes of this machine's "
			"pages, as 4096 or 2097152",
			page);
	ret->is_lazy = form_choice(form, path, "allocate", object, when, 0);
	ret->trim_after_s = form_number(
		form, path, "trim_after_s", object, 0, CONFIG_TRIM_AFTER_S_MAX, 0);
	where = path_make("%s.trim_after_s", path);
	if (ret->trim_after_s && page != THR_PAGE)
		form_fail(form, where.text, "huge pages are not given back; leave it out, or "
					    "\"page_bytes\"");
	*ret_page_bytes = page;
}

static void lay_out(
	struct form *form, const char *path, struct config_arena *arena, uint64_t page_bytes)
{
	if (thr_geometry_init(&arena->geometry, config_cores(), arena->max_clients, arena->classes,
		    arena->n_classes) < 0 ||
		thr_geometry_set_page(&arena->geometry, page_bytes) < 0)
		form_fail(form, path, "the arena would be larger than %" PRIu64 " bytes",
			(uint64_t)GEOMETRY_ARENA_BYTES_MAX);
}

static void read_arena(
	struct form *form, const char *path, json_t *object, struct config_arena *ret)
{
	static const char *const names[] = {
		"name", "max_clients", "undelivered_grace_ms", "quota", "classes", "allow",
		"memory", NULL};
	struct path where;
	uint64_t page_bytes;

	form_check_names(form, path, object, names);
	where = path_make("%s.name", path);
	read_name(form, where.text, json_object_get(object, "name"), ret->name);
	ret->max_clients = (uint32_t)form_number(
		form, path, "max_clients", object, 1, THR_SEATS_MAX, CONFIG_MAX_CLIENTS_DEFAULT);
	ret->undelivered_grace_ms = form_number(form, path, "undelivered_grace_ms", object, 0,
		CONFIG_GRACE_MS_MAX, CONFIG_GRACE_MS_DEFAULT);
	where = path_make("%s.quota", path);
	read_quota(form, where.text, json_object_get(object, "quota"), ret);
	where = path_make("%s.memory", path);
	read_memory(form, where.text, json_object_get(object, "memory"), ret, &page_bytes);
	where = path_make("%s.classes", path);
	read_classes(form, where.text, json_object_get(object, "classes"), ret);
	where = path_make("%s.allow", path);
	config_read_access(form, where.text, json_object_get(object, "allow"), config_clients,
		&ret->access);
	if (!form->has_failed)
		lay_out(form, path, ret, page_bytes);
}

static void read_arenas(struct form *form, json_t *arenas, struct config *ret)
{
	struct path where;
	size_t i, j;

	form_check_array(form, "arenas", arenas, 1, CONFIG_ARENAS_MAX, "arenas");
	for (i = 0; !form->has_failed && i < json_array_size(arenas); i++) {
		where = path_make("arenas[%zu]", i);
		read_arena(form, where.text, json_array_get(arenas, i), &ret->arenas[i]);
		for (j = 0; j < i; j++)
			if (!form->has_failed &&
				strcmp(ret->arenas[i].name, ret->arenas[j].name) == 0) {
				where = path_make("arenas[%zu].name", i);
				form_fail(form, where.text,
					"\"%s\" is the name of arenas[%zu] already",
					ret->arenas[i].name, j);
			}
		ret->n_arenas = i + 1;
	}
}

static void read_config(struct form *form, json_t *root, struct config *ret)
{
	static const char *const names[] = {
		"arenas", "admins", "ebpf", "log_level", "max_connections_per_user", NULL};
	static const char *const tracing[] = { "accepted", "disabled", NULL };
	static const char *const levels[] = { "warning", "notice", "debug", NULL };
	static const int priorities[] = { LOG_WARNING, LOG_NOTICE, LOG_DEBUG };

	form_check_names(form, "", root, names);
	ret->log_level = priorities[form_choice(form, "", "log_level", root, levels, 1)];
	ret->is_untraced = form_choice(form, "", "ebpf", root, tracing, 0) == 1;
	ret->max_connections_per_user = (uint32_t)form_number(
		form, "", "max_connections_per_user", root, 1, CONFIG_CONNECTIONS_MAX, 0);
	config_read_access(form, "admins", json_object_get(root, "admins"), config_admins,
		&ret->admins);
	read_arenas(form, json_object_get(root, "arenas"), ret);
}

int config_new_from_text(struct config **ret, const char *name, const char *text, size_t length,
	struct config_error *ret_error)
{
	_cleanup_(free_memory) struct config *config = calloc(1, sizeof(*config));
	_cleanup_(free_json) json_t *root = NULL;
	struct form form = { .name = name, .text = text, .length = length, .error = ret_error };
	json_error_t error;

	if (!config) {
		snprintf(ret_error->text, sizeof(ret_error->text), "%s: out of memory", name);
		return -ENOMEM;
	}
	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		snprintf(ret_error->text, sizeof(ret_error->text), "%.300s:%d:%d: not JSON: %s",
			name, error.line, error.column > 0 ? error.column : 1, error.text);
		return -EINVAL;
	}
	read_config(&form, root, config);
	if (form.has_failed)
		return -EINVAL;
	*ret = take_pointer(config);
	return 0;
}

int config_new_from_file(struct config **ret, const char *path, struct config_error *ret_error)
{
	_cleanup_(free_memory) char *text = malloc(CONFIG_BYTES_MAX + 1);
	FILE *file = fopen(path, "re");
	size_t n;
	int r = 0;

	if (!file || !text) {
		r = file ? -ENOMEM : -errno;
		snprintf(ret_error->text, sizeof(ret_error->text), "%.300s: cannot be read: %s",
			path, strerror(-r));
		if (file)
			fclose(file);
		return r;
	}
	n = fread(text, 1, CONFIG_BYTES_MAX + 1, file);
	if (ferror(file)) {
		r = errno ? -errno : -EIO;
		snprintf(ret_error->text, sizeof(ret_error->text), "%.300s: cannot be read: %s",
			path, strerror(-r));
	} else if (n > CONFIG_BYTES_MAX) {
		r = -EFBIG;
		snprintf(ret_error->text, sizeof(ret_error->text), "%.300s: larger than %d bytes",
			path, CONFIG_BYTES_MAX);
	}
	fclose(file);
	return r < 0 ? r : config_new_from_text(ret, path, text, n, ret_error);
}

struct config *config_new_default(void)
{
	static const struct thr_class_spec classes[] = {
		{ .slot_bytes = 1024, .slots = 4096 },
		{ .slot_bytes = 4096, .slots = 4096 },
		{ .slot_bytes = 65536, .slots = 256 },
		{ .slot_bytes = 1 << 20, .slots = 16 },
	};
	struct config *config = calloc(1, sizeof(*config));
	struct config_arena *arena;

	if (!config)
		return NULL;
	config->log_level = LOG_NOTICE;
	config->admins = config_admins();
	config->n_arenas = 1;
	arena = &config->arenas[0];
	strcpy(arena->name, "default");
	arena->max_clients = CONFIG_MAX_CLIENTS_DEFAULT;
	arena->undelivered_grace_ms = CONFIG_GRACE_MS_DEFAULT;
	arena->access = config_clients();
	arena->n_classes = sizeof(classes) / sizeof(classes[0]);
	memcpy(arena->classes, classes, sizeof(classes));
	thr_geometry_init(&arena->geometry, config_cores(), arena->max_clients, arena->classes,
		arena->n_classes);
	return config;
}

uint32_t config_cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	return n < 1 ? 1 : n > (long)THR_CORES_MAX ? THR_CORES_MAX : (uint32_t)n;
}
