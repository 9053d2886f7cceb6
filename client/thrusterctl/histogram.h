/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_HISTOGRAM_H
#define CLIENT_THRUSTERCTL_HISTOGRAM_H

/* A histogram of the statistics: durations in ns, counted by powers of two. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 64u

struct histogram {
	bool is_there;                      /* some JSON was added, if only one that counts 0 */
	uint64_t count, sum_ns, max_ns;     /* count: of all buckets, which is what can be shown */
	uint64_t bucket[HISTOGRAM_BUCKETS]; /* [k]: of more than 2^(k-1) and at most 2^k ns */
};

/* Add what a JSON histogram has counted; what is none changes nothing. */
void histogram_add(struct histogram *histogram, const json_t *json);

/* The first and the last bucket that counted anything; false if none did. */
bool histogram_range(const struct histogram *histogram, unsigned *ret_first, unsigned *ret_last);

/* The bucket within which so many per thousand of the durations lie; the count must not be 0. */
unsigned histogram_quantile(const struct histogram *histogram, unsigned per_thousand);

#endif
