/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_JSON_H
#define DAEMON_JSON_H

/* What the documents of daemon/stats.h are made of. */

#include <jansson.h>
#include <stdint.h>
#include "shm/abi.h"

/* Cut to what JSON readers can hold: clients can write some of them. */
static inline json_t *json_number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static inline void json_set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static inline void json_set_number(json_t *object, const char *key, uint64_t n)
{
	json_set(object, key, json_number(n));
}

/* The head that all documents have. */
json_t *json_head(const char *schema);

/* A histogram of durations: buckets that have something, not cumulative. */
json_t *json_histogram(uint64_t sum, uint64_t max, const uint64_t *buckets, unsigned n);
json_t *json_waits(const struct thr_waits *waits);

/* As text, the caller's; the object is gone. 0 or -ENOMEM. */
int json_finish(json_t *root, char **ret_text);

#endif
