/* SPDX-License-Identifier: MIT */
/* The program of a rival's workers: thruster-bench starts it, nobody else has a use for it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/worker.h"

/* Ended by NULL; in the rival's file. */
extern const struct engine_code *const rival_codes[];

int main(int argc, char **argv)
{
	size_t n = 0;

	while (rival_codes[n])
		n++;
	if (argc == 3 && strcmp(argv[1], WORKER_OPTION) == 0)
		return worker_main(argv[2], rival_codes, n);
	if (argc == 3 && strcmp(argv[1], STORM_OPTION) == 0)
		return storm_main(argv[2], rival_codes, n);
	fprintf(stderr, "%s: a part of thruster-bench, which starts it\n", argv[0]);
	return EXIT_FAILURE;
}
