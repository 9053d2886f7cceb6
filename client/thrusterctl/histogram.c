/* SPDX-License-Identifier: MIT */
/*
 * The daemon names only buckets that are not empty, each by its bound. Here they are all, in order,
 * so that they can be summed and drawn. Its own "count" may be a moment older or newer than the
 * buckets; theirs is taken, so that what is shown adds up.
 */

#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/histogram.h"

/* The first power of two that is not less than the bound; without a bound, the last there is. */
static unsigned bucket_of(const json_t *bound)
{
	uint64_t le = (uint64_t)json_integer_value(bound);
	unsigned k = 0;

	if (!json_is_integer(bound))
		return HISTOGRAM_BUCKETS - 1;
	while (k < HISTOGRAM_BUCKETS - 1 && (UINT64_C(1) << k) < le)
		k++;
	return k;
}

void histogram_add(struct histogram *histogram, const json_t *json)
{
	uint64_t count, max = answer_number(json, "max");
	json_t *bucket;
	size_t i;

	if (!json_is_object(json))
		return;
	histogram->is_there = true;
	histogram->sum_ns += answer_number(json, "sum");
	if (max > histogram->max_ns)
		histogram->max_ns = max;
	json_array_foreach(json_object_get(json, "buckets"), i, bucket) {
		count = answer_number(bucket, "count");
		histogram->bucket[bucket_of(json_object_get(bucket, "le"))] += count;
		histogram->count += count;
	}
}

bool histogram_range(const struct histogram *histogram, unsigned *ret_first, unsigned *ret_last)
{
	unsigned first = 0, last = HISTOGRAM_BUCKETS - 1;

	if (histogram->count == 0)
		return false;
	while (histogram->bucket[first] == 0)
		first++;
	while (histogram->bucket[last] == 0)
		last--;
	*ret_first = first;
	*ret_last = last;
	return true;
}

unsigned histogram_quantile(const struct histogram *histogram, unsigned per_thousand)
{
	double wanted = (double)histogram->count * per_thousand / 1000, seen = 0;
	unsigned k;

	for (k = 0; k < HISTOGRAM_BUCKETS - 1; k++) {
		seen += (double)histogram->bucket[k];
		if (seen >= wanted && seen > 0)
			break;
	}
	return k;
}
