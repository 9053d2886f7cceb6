/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_FORM_H
#define DAEMON_FORM_H

/*
 * A JSON text as a form that was filled in by hand: its fields are read by name, and the first
 * mistake is remembered in words, with the line and column of the field. After a mistake everything
 * still can be called and does no harm.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "daemon/config.h"

struct form {
	const char *name, *text; /* what errors call the text, and the text */
	size_t length;
	struct config_error *error;
	bool has_failed;
};

/* The way to a field, for example "arenas[0].classes[1].slots". */
struct path {
	char text[192];
};

/* The path of a field of the object at `path`, which is "" for the text as a whole. */
struct path path_of(const char *path, const char *field);

struct path path_make(const char *format, ...) __attribute__((format(printf, 1, 2)));

void form_fail(struct form *form, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What a value is, in words; NULL is "missing". */
const char *form_kind(const json_t *value);

/* Refuse what is not an object, or has a member that is not in `names`, which ends with NULL. */
void form_check_names(
	struct form *form, const char *path, json_t *object, const char *const *names);

/* A whole number within bounds; `otherwise` if the field is not there, unless that is UINT64_MAX.
 */
uint64_t form_number(struct form *form, const char *path, const char *field, json_t *object,
	uint64_t min, uint64_t max, uint64_t otherwise);

/* One of the words in `choices`, which ends with NULL: its index; `otherwise` if the field is not
 * there. */
size_t form_choice(struct form *form, const char *path, const char *field, json_t *object,
	const char *const *choices, size_t otherwise);

/* Is this an array of `min` to `max` elements? `what` they are, in the plural. If not, that is the
 * form's mistake. */
bool form_check_array(struct form *form, const char *path, const json_t *array, size_t min,
	size_t max, const char *what);

#endif
