/* SPDX-License-Identifier: MIT */
/* The parts that documents share. Numbers in shared pages are read once each. */

#include <errno.h>
#include "daemon/clock.h"
#include "daemon/json.h"
#include "shm/atomics.h"

json_t *json_head(const char *schema)
{
	json_t *o = json_object();

	json_set(o, "schema", json_string(schema));
	json_set(o, "schema_version", json_integer(1));
	json_set_number(o, "timestamp_realtime_ns", clock_realtime_ns());
	json_set_number(o, "timestamp_monotonic_ns", clock_monotonic_ns());
	return o;
}

json_t *json_histogram(uint64_t sum, uint64_t max, const uint64_t *buckets, unsigned n)
{
	json_t *o = json_object(), *array = json_array(), *bucket;
	uint64_t count = 0, in_bucket;
	unsigned i;

	for (i = 0; i < n; i++) {
		in_bucket = load_relaxed(&buckets[i]);
		if (!in_bucket)
			continue;
		count += in_bucket;
		bucket = json_object();
		json_set_number(bucket, "le", (uint64_t)1 << i);
		json_set_number(bucket, "count", in_bucket);
		json_array_append_new(array, bucket);
	}
	json_set(o, "unit", json_string("ns"));
	json_set_number(o, "count", count);
	json_set_number(o, "sum", sum);
	json_set_number(o, "max", max);
	json_set(o, "buckets", array);
	return o;
}

json_t *json_waits(const struct thr_waits *waits)
{
	return json_histogram(load_relaxed(&waits->ns_total), load_relaxed(&waits->ns_max),
		waits->bucket, THR_WAIT_BUCKETS);
}

int json_finish(json_t *root, char **ret_text)
{
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}
