/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LOCATE_H
#define DAEMON_LOCATE_H

/*
 * Where in a JSON text a value stands. The parser forgets it; a person who is to mend a file wants
 * to know.
 */

#include <stddef.h>

struct location {
	unsigned line, column; /* from 1; columns count bytes */
};

/*
 * Find the value at a path such as "arenas[0].classes[1].slots" in a text that the parser has
 * accepted. Where a part of the path is not there, the place of what would have to contain it.
 */
struct location locate_value(const char *text, size_t length, const char *path);

#endif
