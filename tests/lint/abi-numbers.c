/* SPDX-License-Identifier: MIT */
/*
 * The worked example of docs/abi.md, computed by the code that lays out real arenas. Prints the
 * rows of its tables, and then patterns of sizes and offsets with their values; tests/lint/abi.py
 * looks for each of them in the page.
 */

#include <inttypes.h>
#include <stdio.h>
#include "shm/geometry.h"

static void row(const char *what, uint64_t offset, uint64_t bytes)
{
	printf("| %s | %" PRIu64 " | %" PRIu64 " |\n", what, offset, bytes);
}

static void class_rows(const struct thr_geometry *g, uint32_t i)
{
	const struct thr_class_geometry *c = &g->class_[i];
	char what[64];

	snprintf(what, sizeof(what), "class %u: `cores[%u]`", i, g->cores);
	row(what, c->cores_offset, g->cores * sizeof(struct thr_core));
	snprintf(what, sizeof(what), "class %u: `waits[%u]`", i, g->cores);
	row(what, c->cores_offset + g->cores * sizeof(struct thr_core),
		g->cores * sizeof(struct thr_waits));
	snprintf(what, sizeof(what), "class %u: `segments[%u]`", i, c->segments);
	row(what, c->segments_offset, c->segments * sizeof(struct thr_segment));
	snprintf(what, sizeof(what), "class %u: `senders[%u]`", i, c->segments * THR_SEGMENT_SLOTS);
	row(what, c->senders_offset, c->segments * THR_SEGMENT_SLOTS * sizeof(uint16_t));
}

int main(void)
{
	static const struct thr_class_spec specs[] = {
		{ .slot_bytes = 4096, .slots = 4096 },
		{ .slot_bytes = 65536, .slots = 256, .align_bytes = 4096 },
	};
	struct thr_geometry g;
	uint32_t i;
	char what[64];

	if (thr_geometry_init(&g, 8, 64, specs, 2) < 0)
		return 1;
	row("control", 0, sizeof(struct thr_control));
	row("`seats[65]`", g.seats_offset, (g.seats + 1) * sizeof(struct thr_seat));
	for (i = 0; i < g.classes; i++)
		class_rows(&g, i);
	row("all metadata", 0, g.metadata_bytes);
	for (i = 0; i < g.classes; i++) {
		snprintf(what, sizeof(what), "data of class %u", i);
		row(what, g.class_[i].data_offset, g.class_[i].slots * g.class_[i].stride_bytes);
	}
	row("the arena", 0, g.arena_bytes);
	row("board", 0, sizeof(struct thr_board));
	row("`roster[65]`", g.roster_offset, (g.seats + 1) * sizeof(uint32_t));
	row("all of the board", 0, g.board_bytes);
	for (i = 0; i < g.classes; i++)
		printf("| %u | %" PRIu64 " | %u | %" PRIu64 " | %u |\n", i, g.class_[i].slot_bytes,
			g.class_[i].align_bytes, g.class_[i].stride_bytes, g.class_[i].segments);
	printf("---\n");
	printf("`struct thr_control`, VALUE bytes %zu\n", sizeof(struct thr_control));
	printf("`struct thr_seat`, VALUE bytes %zu\n", sizeof(struct thr_seat));
	printf("`struct thr_core`, VALUE bytes %zu\n", sizeof(struct thr_core));
	printf("`struct thr_waits`, VALUE bytes %zu\n", sizeof(struct thr_waits));
	printf("`struct thr_segment`, VALUE bytes %zu\n", sizeof(struct thr_segment));
	printf("`struct thr_board`, VALUE bytes %zu\n", sizeof(struct thr_board));
	printf("`struct thr_geometry`, VALUE bytes %zu\n", sizeof(struct thr_geometry));
	printf("`struct thr_class_geometry`, VALUE bytes %zu\n", sizeof(struct thr_class_geometry));
	printf("`struct thr_figures`, VALUE bytes %zu\n", sizeof(struct thr_figures));
	printf("VALUE \\| \\| `geometry` %zu\n", __builtin_offsetof(struct thr_board, geometry));
	printf("VALUE \\| \\| `figures` %zu\n", __builtin_offsetof(struct thr_board, figures));
	return 0;
}
