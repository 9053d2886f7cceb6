/* SPDX-License-Identifier: MIT */
#ifndef BENCH_DEATHS_INTENT_H
#define BENCH_DEATHS_INTENT_H

/* What the program was told to do, and what its parts have in common. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define NUMBERS_MAX 999u

struct intent {
	const char *only, *thrusterd, *thrusterctl;
	bool is_quick;
	unsigned kills;    /* of each engine */
	unsigned reclaims; /* repetitions */
	unsigned attaches;
};

/* Each measures, says on standard error how far it is, prints its table, and returns the array that
 * the JSON has of it. */
json_t *reclaim_measure(const struct intent *intent);
json_t *kills_measure(const struct intent *intent, unsigned held);
json_t *attach_measure(const struct intent *intent);
json_t *memory_measure(const struct intent *intent);

/* Is "section/name" wanted? */
bool intent_has(const struct intent *intent, const char *section, const char *name);

/* Of n > 0 numbers: members PREFIXmedianSUFFIX, p10 and p90 likewise. */
void set_spread(json_t *object, const char *suffix, const double *numbers, unsigned n);

/* As printf(), unless the JSON goes there. */
void __attribute__((format(printf, 1, 2))) say(const char *format, ...);

/* As printf() on standard error: on a terminal, over the last such line. */
void __attribute__((format(printf, 1, 2))) tell(const char *format, ...);

#endif
