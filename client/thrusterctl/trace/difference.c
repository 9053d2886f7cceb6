/* SPDX-License-Identifier: MIT */
/* Recursion over two documents of one shape. */

#include <stdbool.h>
#include <string.h>
#include "client/thrusterctl/trace/difference.h"

static bool is_counted(const char *key)
{
	static const char ending[] = "_total";
	size_t n = strlen(key);

	return strcmp(key, "count") == 0 || strcmp(key, "sum") == 0 ||
	       strcmp(key, "segments") == 0 ||
	       (n >= sizeof(ending) && strcmp(key + n - (sizeof(ending) - 1), ending) == 0);
}

/* Nothing in one of them names nothing in the other, too. */
static bool are_equal_at(const json_t *a, const json_t *b, const char *key)
{
	const json_t *x = json_object_get(a, key), *y = json_object_get(b, key);

	return (!x && !y) || json_equal(x, y);
}

static bool is_same(const json_t *a, const json_t *b)
{
	static const char *const names[] = { "id", "core", "class", "le", "from", "to" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!are_equal_at(a, b, names[i]))
			return false;
	return true;
}

/* The member of `before` that is `item`, which is at `place`, and as a rule was there before. What
 * has no name, like a class of the statistics, is told by its place. */
static const json_t *find(const json_t *before, const json_t *item, size_t place)
{
	const json_t *there = json_array_get(before, place);
	json_t *other;
	size_t i;

	if (!json_is_object(item) || (there && is_same(there, item)))
		return there;
	json_array_foreach(before, i, other)
		if (is_same(other, item))
			return other;
	return NULL;
}

static json_t *number_less(const json_t *before, const json_t *after)
{
	json_int_t was = json_integer_value(before), is = json_integer_value(after);

	return json_integer(was <= is ? is - was : is);
}

static json_t *array_less(const json_t *before, const json_t *after)
{
	json_t *array = json_array(), *item, *less;
	size_t i;

	json_array_foreach(after, i, item) {
		less = difference_new(find(before, item, i), item);
		/* A bucket into which nothing fell. */
		if (json_object_get(less, "le") &&
			json_integer_value(json_object_get(less, "count")) == 0)
			json_decref(less);
		else
			json_array_append_new(array, less);
	}
	return array;
}

static void bound_max(json_t *histogram)
{
	const json_t *buckets = json_object_get(histogram, "buckets");
	size_t n = json_array_size(buckets);

	if (buckets && json_object_get(histogram, "max"))
		json_object_set_new(histogram, "max",
			json_integer(n ? json_integer_value(json_object_get(
						 json_array_get(buckets, n - 1), "le"))
				       : 0));
}

static json_t *object_less(const json_t *before, const json_t *after)
{
	json_t *object = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)after, key, value) {
		const json_t *was = json_object_get(before, key);

		if (json_is_integer(value) && is_counted(key))
			json_object_set_new(object, key, number_less(was, value));
		else
			json_object_set_new(object, key, difference_new(was, value));
	}
	bound_max(object);
	return object;
}

json_t *difference_new(const json_t *before, const json_t *after)
{
	if (json_is_object(after))
		return object_less(before, after);
	if (json_is_array(after))
		return array_less(before, after);
	return json_incref((json_t *)after);
}
