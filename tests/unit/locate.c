/* SPDX-License-Identifier: MIT */
/*
 * Places in JSON texts. A random writer notes the way to each value and where it wrote it; the
 * reader must find each of them there, whatever stands in between: brackets and quotes inside
 * strings, escapes, names that begin alike, blank lines, other line ends. And Jansson must agree
 * that it is JSON at all.
 */

#include <jansson.h>
#include <stdlib.h>
#include "daemon/locate.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

#define TEXT_MAX 65536
#define VALUES_MAX 4000

struct writer {
	struct dice dice;
	char text[TEXT_MAX];
	size_t length;
	unsigned line, column;
	size_t n_values;
	struct {
		char path[200];
		struct location at;
	} values[VALUES_MAX];
};

static void write_text(struct writer *w, const char *text)
{
	for (; *text; text++) {
		w->text[w->length++] = *text;
		w->column++;
		if (*text == '\n') {
			w->line++;
			w->column = 1;
		}
	}
}

static void write_space(struct writer *w)
{
	static const char *const spaces[] = { "", "", " ", "\t", "\n", "\r\n", "\n\n  ", " \r\n\t",
		"   " };

	write_text(w, spaces[dice_below(&w->dice, 9)]);
}

static void write_scalar(struct writer *w)
{
	static const char *const scalars[] = {
		"0",
		"-17",
		"3.5e-7",
		"true",
		"false",
		"null",
		"\"\"",
		"\"plain\"",
		"\"{[\"",
		"\"]},:\"",
		"\"\\\"\"",
		"\"\\\\\"",
		"\"\\\\\\\"}\"",
		"\"a\\n\\t\\u00e9\\/\"",
		"\"\xc3\xa9\xe2\x82\xac\"",
		"\"\\ud83d\\ude00\"",
		"\"\xf0\x9f\x98\x80]\"",
		"12345678901",
	};

	write_text(w, scalars[dice_below(&w->dice, sizeof(scalars) / sizeof(*scalars))]);
}

static void write_value(struct writer *w, const char *path, unsigned depth);

/* Members whose names are each other's beginnings, in a random order of six. */
static void write_object(struct writer *w, const char *path, unsigned depth)
{
	static const char *const names[] = { "s", "slots", "slot", "a", "a\\\"b", "\xc3\xa9" };
	unsigned n = (unsigned)dice_below(&w->dice, 7), first = (unsigned)dice_below(&w->dice, 6),
		 i;
	char inner[200], quoted[40];

	write_text(w, "{");
	for (i = 0; i < n; i++) {
		const char *name = names[(first + i) % 6];

		write_text(w, i ? "," : "");
		write_space(w);
		snprintf(quoted, sizeof(quoted), "\"%s\"", name);
		write_text(w, quoted);
		write_space(w);
		write_text(w, ":");
		snprintf(inner, sizeof(inner), "%.150s%s%s", path, *path ? "." : "", name);
		write_value(w, inner, depth);
	}
	write_space(w);
	write_text(w, "}");
}

static void write_array(struct writer *w, const char *path, unsigned depth)
{
	unsigned n = (unsigned)dice_below(&w->dice, 12), i;
	char inner[200];

	write_text(w, "[");
	for (i = 0; i < n; i++) {
		write_text(w, i ? "," : "");
		snprintf(inner, sizeof(inner), "%.150s[%u]", path, i);
		write_value(w, inner, dice_one_in(&w->dice, 2) ? depth : 0);
	}
	write_space(w);
	write_text(w, "]");
}

static void write_value(struct writer *w, const char *path, unsigned depth)
{
	write_space(w);
	if (w->n_values < VALUES_MAX) {
		snprintf(w->values[w->n_values].path, sizeof(w->values[0].path), "%s", path);
		w->values[w->n_values++].at = (struct location){ w->line, w->column };
	}
	if (depth == 0 || w->length > TEXT_MAX / 2 || (depth < 4 && dice_one_in(&w->dice, 4)))
		write_scalar(w);
	else if (dice_one_in(&w->dice, 2))
		write_object(w, path, depth - 1);
	else
		write_array(w, path, depth - 1);
	write_space(w);
}

static void check_is_json(const char *text, size_t length)
{
	json_error_t error;
	json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);

	must(json, "%d:%d: %s", error.line, error.column, error.text);
	json_decref(json);
}

/* The text lies at the end of its memory, without a 0, so that a sanitizer sees a look beyond. */
Test(locate, finds_every_value_of_random_texts)
{
	struct writer *w = malloc(sizeof(*w));
	unsigned round, values = 0;
	size_t i;

	cr_assert_not_null(w);
	for (round = 0; round < 400; round++) {
		char *text;

		memset(w, 0, sizeof(*w));
		w->dice.state = 101 + round;
		w->line = w->column = 1;
		write_value(w, "", 5);
		check_is_json(w->text, w->length);
		text = malloc(w->length);
		memcpy(text, w->text, w->length);
		for (i = 0; i < w->n_values; i++) {
			struct location is = locate_value(text, w->length, w->values[i].path);
			struct location should = w->values[i].at;

			must(is.line == should.line && is.column == should.column,
				"%s is at %u:%u, not %u:%u of\n%.300s", w->values[i].path,
				should.line, should.column, is.line, is.column, w->text);
		}
		values += (unsigned)w->n_values;
		free(text);
	}
	cr_assert_gt(values, 10000);
	free(w);
}

static void check_at(const char *text, const char *path, unsigned line, unsigned column)
{
	struct location at = locate_value(text, strlen(text), path);

	check_is_json(text, strlen(text));
	must(at.line == line && at.column == column, "%s is at %u:%u, not %u:%u", path, line,
		column, at.line, at.column);
}

Test(locate, by_hand)
{
	static const char text[] = "{\n"
				   "  \"arenas\": [\n"
				   "    { \"name\": \"a}]\\\"\", \"classes\": [ ] },\n"
				   "    { \"name\": \"b\",\r\n"
				   "\t\"classes\": [ { \"slots\": 1 }, { \"slots\" :\n 2 } ] }\n"
				   "  ]\n"
				   "}\n";

	check_at(text, "", 1, 1);
	check_at(text, "arenas", 2, 13);
	check_at(text, "arenas[0]", 3, 5);
	check_at(text, "arenas[0].classes", 3, 35);
	check_at(text, "arenas[1]", 4, 5);
	check_at(text, "arenas[1].name", 4, 15);
	check_at(text, "arenas[1].classes[0].slots", 5, 26);
	check_at(text, "arenas[1].classes[1]", 5, 31);
	check_at(text, "arenas[1].classes[1].slots", 6, 2);
}

Test(locate, says_where_what_is_missing_would_be)
{
	static const char text[] = " {\"a\": [1, {\"b\": 2}],\n \"c\": {}, \"d\": []}";

	check_at(text, "x", 1, 2);
	check_at(text, "x.y[3].z", 1, 2);
	check_at(text, "a[2]", 1, 8);
	check_at(text, "a[99999999999999999999]", 1, 8);
	check_at(text, "a[1].x", 1, 12);
	check_at(text, "a[1].b.c", 1, 18);
	check_at(text, "a[0][0]", 1, 9);
	check_at(text, "a[1].bb", 1, 12);
	check_at(text, "c.x", 2, 7);
	check_at(text, "d[0]", 2, 16);
	check_at(text, "c[0]", 2, 7);
	check_at(text, "d.x", 2, 16);
	check_at(text, "a[", 1, 8);
}

/* Not what it promises, but what a reader of other people's files must survive: it only ever ends.
 */
Test(locate, ends_on_any_text)
{
	static const char signs[] = "{}[]\",:\\ \n1ab";
	struct dice d = { 102 };
	unsigned round;
	size_t n, i;

	for (round = 0; round < 200000; round++) {
		char *text;

		n = 1 + dice_below(&d, 24);
		text = malloc(n);
		cr_assert_not_null(text);
		for (i = 0; i < n; i++)
			text[i] = dice_one_in(&d, 40) ? (char)dice_roll(&d)
						      : signs[dice_below(&d, 13)];
		if (dice_one_in(&d, 2))
			text[0] = "{["[dice_below(&d, 2)];
		locate_value(text, n, "a[1].b");
		locate_value(text, n, "[2].a");
		locate_value(text, n, "");
		free(text);
	}
}
