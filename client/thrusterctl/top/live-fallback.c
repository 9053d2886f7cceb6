/* SPDX-License-Identifier: MIT */
/* thrusterctl top where there was no ncurses when it was built: only as text. */

#include <stdio.h>
#include "client/thrusterctl/top/top.h"

enum exit_status top_live(
	const struct command *command, const struct top_options *options, json_t *first)
{
	(void)command;
	(void)options;
	json_decref(first);
	fprintf(stderr, "thrusterctl: built without ncurses (Debian: libncurses-dev), so top can "
			"only print; use --batch\n");
	return EXIT_ERROR;
}
