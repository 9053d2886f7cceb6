/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_TOP_LAYOUT_H
#define CLIENT_THRUSTERCTL_TOP_LAYOUT_H

/* Which columns of a table fit into a width, and where. */

#include "client/thrusterctl/top/model.h"

struct top_place {
	size_t column;
	int x, width; /* one blank stands before each, for the mark of what is sorted by */
};

struct top_layout {
	struct top_place places[TOP_COLUMNS_MAX];
	size_t n;
	int need[TOP_COLUMNS_MAX]; /* widest ever seen, so that columns do not dance */
	bool is_narrow;            /* some are missing that should always be there */
};

/* The layout is of this table already, or empty. As many columns as fit; the one that is sorted by
 * is among them. */
void top_layout_make(struct top_layout *layout, const struct top_table *table,
	const struct top_row *rows, size_t n_rows, size_t sort, int width);

#endif
