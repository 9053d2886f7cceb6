/* SPDX-License-Identifier: MIT */
#ifndef TESTS_INSTRUCTION_LISTING_H
#define TESTS_INSTRUCTION_LISTING_H

/*
 * All instructions of one binary, found by listing.py in the binary itself, and the excuses for
 * those that are never reached. Whatever goes wrong in here ends the test.
 */

#include <stdbool.h>
#include <stdint.h>

struct instruction {
	uint64_t offset;      /* in the file's address space */
	const char *function;
	const char *source;   /* "client/rent.c:30" */
	const char *text;
	int excuse;           /* index, or -1: has to be reached */
};

struct listing {
	struct instruction *at; /* by offset, ascending */
	unsigned n;
	const char **excuse;
	unsigned n_excuses;
	uintptr_t base;         /* where the binary is mapped in this process and its children */
};

/*
 * `base` is what the loader added to the addresses in the file. `functions` is a list of names,
 * with blanks between them, to restrict the listing to; "" for all.
 */
void listing_load(struct listing *listing, const char *path, uintptr_t base, const char *excuses,
	const char *functions);

/* Path and base of the library that `address` lies in; of this program itself if in none. */
const char *listing_whereabouts(const void *address, uintptr_t *ret_base);

/* Index of the instruction at an address of this process, or -1. */
int listing_find(const struct listing *listing, uintptr_t address);

static inline uintptr_t listing_address(const struct listing *listing, unsigned i)
{
	return listing->base + listing->at[i].offset;
}

/* "thruster_rent+0x12 (client/rent.c:30: mov ...)"; valid until the next call but three. */
const char *listing_name(const struct listing *listing, int i);

#endif
