/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MACHINE_PAGES_H
#define TESTS_MACHINE_PAGES_H

/* What the programs about pages have in common: an arena of two classes, one of slots of 256 bytes
 * and one of SLOT_BYTES, and ways to look at it and to use all of it. */

#include <stdbool.h>
#include <stdint.h>
#include "tests/harness/keeper.h"
#include "tests/machine/machine.h"

#define SLOT_BYTES ((size_t)65536)
#define SLOTS 2048u /* 128 MiB, eight segments for each of four cores */
#define EACH 32u    /* slots that a core's thread rents */
#define WAIT_S 60
#define MIB_BYTES ((uint64_t)1048576)
#define MIB(bytes) ((double)(bytes) / (double)MIB_BYTES)

/* Start a daemon with such an arena, of so many slots in each class, in this "memory". */
void pages_begin(struct machine *m, unsigned slots, const char *memory);
void pages_write_config(char *config, size_t size, unsigned slots, const char *memory);

/* A number of the arena's statistics; what of it is in memory, bytes. */
uint64_t pages_number(const struct machine *m, const char *name);
uint64_t pages_resident(const struct machine *m);

/* The same but for a tenth. */
bool pages_is_about(uint64_t a, uint64_t b);

/* Write a buffer, all of it; and look whether it is still so. */
void pages_fill(const struct thruster_lease *lease, uint64_t word);
bool pages_is_filled(const struct thruster_lease *lease, uint64_t word);

/* Every slot of both classes at once, all of it written and then read. Returns how many. */
unsigned pages_use_all(const struct machine *m, struct thruster_pool *pool);

/* The same by a client that comes and goes, and a check that it was all. */
void pages_check_use(const struct machine *m);

/* All is touched from core 0: is each page on the node of the core in whose part it begins? */
void pages_check_arcs(const struct machine *m, const struct thruster_pool *pool);

/* Ask for a trim; a check that it was made. */
void pages_check_trim(const struct machine *m, const char *say);

/* The programs. */
void pages_at_start(void);
void pages_on_use(void);
void pages_huge(void);
void pages_trim(void);

#endif
