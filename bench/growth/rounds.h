/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GROWTH_ROUNDS_H
#define BENCH_GROWTH_ROUNDS_H

/* A round takes one sample for each point of each curve that is wanted. */

#include <stdbool.h>

struct plan {
	unsigned repetitions;
	double sample_ms;
	bool is_quick;
	const char *thrusterd, *thrusterctl;
};

/* A daemon for each number of slots. */
void round_of_slots(const struct plan *plan);

/* One daemon, to which more and more clients attach. */
void round_of_clients(const struct plan *plan);

/* One daemon, whose arenas have more and more classes, and one that is more and more taken. */
void round_of_classes(const struct plan *plan);

/* On standard error: what is being done. */
void progress(const char *what, double n);

#endif
