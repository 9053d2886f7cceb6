/* SPDX-License-Identifier: MIT */
/* Medians and the like: figures that a few disturbed samples do not move. */

#include <stdlib.h>
#include <string.h>
#include "bench/series.h"
#include "bench/statistics.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double quantile(const double *numbers, unsigned n, double part)
{
	double sorted[REPETITIONS_MAX], at = part * (n - 1);
	unsigned below = (unsigned)at;

	memcpy(sorted, numbers, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	if (below + 1 >= n)
		return sorted[n - 1];
	return sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

double median_deviation(const double *numbers, unsigned n)
{
	double distance[REPETITIONS_MAX], median = quantile(numbers, n, 0.5);
	unsigned i;

	for (i = 0; i < n; i++)
		distance[i] = numbers[i] > median ? numbers[i] - median : median - numbers[i];
	return quantile(distance, n, 0.5);
}
