/* SPDX-License-Identifier: MIT */
#ifndef BENCH_STATISTICS_H
#define BENCH_STATISTICS_H

/* Of n > 0 numbers, at most REPETITIONS_MAX of them, which are left in their order. */

/* The number that a part of them lies below: 0.5 is the median. Interpolated. */
double quantile(const double *numbers, unsigned n, double part);

/* The median of their distances from their median. */
double median_deviation(const double *numbers, unsigned n);

#endif
