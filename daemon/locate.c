/* SPDX-License-Identifier: MIT */
/*
 * A reader that only skips. The text is known to be well-formed JSON, so it need not tell wrong
 * from right; it must only never run beyond the end.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/locate.h"

struct reader {
	const char *at, *end;
};

static char reader_peek(struct reader *r)
{
	while (r->at < r->end &&
		(*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
	return r->at < r->end ? *r->at : 0;
}

static bool reader_take(struct reader *r, char c)
{
	if (reader_peek(r) != c)
		return false;
	r->at++;
	return true;
}

static void skip_string(struct reader *r)
{
	if (!reader_take(r, '"'))
		return;
	while (r->at < r->end && *r->at != '"')
		r->at += *r->at == '\\' && r->at + 1 < r->end ? 2 : 1;
	if (r->at < r->end)
		r->at++;
}

/* Brackets balance outside strings, so counting them is enough. */
static void skip_value(struct reader *r)
{
	unsigned depth = 0;
	char c;

	do {
		c = reader_peek(r);
		if (c == 0)
			return;
		if (c == '"') {
			skip_string(r);
		} else if (c == '{' || c == '[') {
			depth++;
			r->at++;
		} else if (c == '}' || c == ']') {
			depth--;
			r->at++;
		} else if (c == ',' || c == ':') {
			r->at++;
		} else {
			while (r->at < r->end && !strchr(" \t\r\n,:]}", *r->at))
				r->at++;
		}
	} while (depth);
}

static bool enter_member(struct reader *r, const char *key, size_t length)
{
	const char *name;
	size_t n;

	if (!reader_take(r, '{'))
		return false;
	while (reader_peek(r) == '"') {
		name = r->at + 1;
		skip_string(r);
		n = (size_t)(r->at - name) - 1;
		reader_take(r, ':');
		if (n == length && memcmp(name, key, length) == 0)
			return true;
		skip_value(r);
		if (!reader_take(r, ','))
			break;
	}
	return false;
}

static bool enter_element(struct reader *r, unsigned long index)
{
	if (!reader_take(r, '['))
		return false;
	while (reader_peek(r) != ']' && reader_peek(r) != 0) {
		if (index-- == 0)
			return true;
		skip_value(r);
		if (!reader_take(r, ','))
			break;
	}
	return false;
}

static struct location location_of(const char *text, const char *at)
{
	struct location l = { 1, 1 };

	for (; text < at; text++) {
		l.column++;
		if (*text == '\n')
			l = (struct location){ l.line + 1, 1 };
	}
	return l;
}

struct location locate_value(const char *text, size_t length, const char *path)
{
	struct reader r = { text, text + length }, found;

	reader_peek(&r);
	for (found = r; *path; found = r) {
		if (*path == '[') {
			const char *end = strchr(path, ']');

			if (!end || !enter_element(&r, strtoul(path + 1, NULL, 10)))
				break;
			path = end + 1;
		} else {
			size_t n;

			path += *path == '.';
			n = strcspn(path, ".[");
			if (!enter_member(&r, path, n))
				break;
			path += n;
		}
		reader_peek(&r);
	}
	return location_of(text, found.at);
}
