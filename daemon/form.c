/* SPDX-License-Identifier: MIT */
/* Looking up fields and saying what is wrong with them; the first mistake is the one told. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "daemon/form.h"
#include "daemon/locate.h"

struct path path_make(const char *format, ...)
{
	struct path path;
	va_list args;

	va_start(args, format);
	vsnprintf(path.text, sizeof(path.text), format, args);
	va_end(args);
	return path;
}

struct path path_of(const char *path, const char *field)
{
	return path_make("%.150s%s%.40s", path, *path ? "." : "", field);
}

void form_fail(struct form *form, const char *path, const char *format, ...)
{
	struct location at;
	char what[400];
	va_list args;

	if (form->has_failed)
		return;
	form->has_failed = true;
	at = locate_value(form->text, form->length, path);
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(form->error->text, sizeof(form->error->text), "%.150s:%u:%u: %.120s%s%s",
		form->name, at.line, at.column, path, *path ? ": " : "", what);
}

const char *form_kind(const json_t *value)
{
	static const char *const kinds[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false", [JSON_NULL] = "null",
	};

	return value ? kinds[json_typeof(value)] : "missing";
}

/* Words as a list with commas. */
struct list {
	char text[256];
};

static struct list list_of(const char *const *words)
{
	struct list list = { "" };
	size_t i;

	for (i = 0; words[i]; i++) {
		strncat(list.text, i ? ", " : "", sizeof(list.text) - strlen(list.text) - 1);
		strncat(list.text, words[i], sizeof(list.text) - strlen(list.text) - 1);
	}
	return list;
}

/* All members of an object must have one of the names. */
void form_check_names(struct form *form, const char *path, json_t *object,
	const char *const *names)
{
	struct path where;
	const char *key;
	json_t *value;
	size_t i;

	if (!json_is_object(object)) {
		form_fail(form, path, "is %s; must be an object", form_kind(object));
		return;
	}
	json_object_foreach(object, key, value) {
		for (i = 0; names[i] && strcmp(names[i], key) != 0; i++)
			;
		if (!names[i]) {
			where = path_make("%.150s%s%.60s", path, *path ? "." : "", key);
			form_fail(form, where.text, "no such field; allowed here: %s",
				list_of(names).text);
		}
	}
}

uint64_t form_number(struct form *form, const char *path, const char *field, json_t *object,
	uint64_t min, uint64_t max, uint64_t otherwise)
{
	json_t *value = json_object_get(object, field);
	struct path where;

	if (!value && otherwise != UINT64_MAX)
		return otherwise;
	where = path_of(path, field);
	if (!value) {
		form_fail(
			form, where.text, "is missing; allowed: %" PRIu64 " to %" PRIu64, min, max);
	} else if (!json_is_integer(value)) {
		form_fail(form, where.text,
			"is %s; must be a whole number from %" PRIu64 " to %" PRIu64,
			form_kind(value), min, max);
	} else if (json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) < min ||
		   (uint64_t)json_integer_value(value) > max) {
		form_fail(form, where.text,
			"%" JSON_INTEGER_FORMAT " is out of bounds; allowed: %" PRIu64
			" to %" PRIu64,
			json_integer_value(value), min, max);
	} else {
		return (uint64_t)json_integer_value(value);
	}
	return min;
}

size_t form_choice(struct form *form, const char *path, const char *field, json_t *object,
	const char *const *choices, size_t otherwise)
{
	json_t *value = json_object_get(object, field);
	struct path where = path_of(path, field);
	size_t i;

	if (!value)
		return otherwise;
	if (!json_is_string(value)) {
		form_fail(form, where.text, "is %s; must be one of the words %s", form_kind(value),
			list_of(choices).text);
		return otherwise;
	}
	for (i = 0; choices[i]; i++)
		if (strcmp(choices[i], json_string_value(value)) == 0)
			return i;
	form_fail(form, where.text, "\"%.64s\" is none of the words %s", json_string_value(value),
		list_of(choices).text);
	return otherwise;
}

bool form_check_array(struct form *form, const char *path, const json_t *array, size_t min,
	size_t max, const char *what)
{
	size_t n = json_array_size(array); /* 0 also of what is no array */

	if (!json_is_array(array))
		form_fail(form, path, "is %s; must be an array of %zu to %zu %s", form_kind(array),
			min, max, what);
	else if (n < min || n > max)
		form_fail(form, path, "has %zu elements; must be an array of %zu to %zu %s", n, min,
			max, what);
	else
		return true;
	return false;
}
