/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_CHANGES_H
#define TESTS_FUZZ_CHANGES_H

/* What an act of the daemon changed in an arena's metadata, word by word. */

#include "daemon/arena.h"

enum change {
	CHANGE_WAKES = 1 << 0, /* control: magic (mended), waiting, wakes, visits */
	CHANGE_MASK = 1 << 1,
	CHANGE_HOLDER = 1 << 2,
	CHANGE_RETURNED = 1 << 3,
	CHANGE_RECORD = 1 << 4,
	CHANGE_CURRENT = 1 << 5,
	CHANGE_ASKED = 1 << 6,
	CHANGE_SENDER = 1 << 7,
	CHANGE_USED = 1 << 8,  /* with CHANGE_RECORD: FREE before and after, once more leased */
	CHANGE_OTHER = 1 << 9, /* what nobody but a client may change */
};

struct changes {
	const struct arena *arena;
	uint8_t *before; /* the metadata */
};

void changes_init(struct changes *changes, const struct arena *arena);
void changes_fini(struct changes *changes);

/* From now on. */
void changes_begin(struct changes *changes);

/* Since then nothing has changed but these; a record only to FREE, with its sequence, or as
 * CHANGE_USED says. */
void changes_must_be(const struct changes *changes, unsigned allowed);

/* No lease and no segment of this seat is left, and every other record is as it was. */
void changes_must_have_freed(const struct changes *changes, struct seat_id seat);

/* The sums of the last walk agree with each other and with the records. */
void census_must_add_up(const struct arena *arena);

#endif
