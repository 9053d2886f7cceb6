/* SPDX-License-Identifier: MIT */
/* The daemon tells of all leases, or of the oldest ones; what is wanted of them is chosen here. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/leases/filter.h"

struct unit {
	char letter; /* 0 = no letter at all */
	uint64_t worth;
};

static bool read_quantity(
	const char *text, const struct unit *units, size_t n_units, uint64_t *ret)
{
	uint64_t n;
	char *end;
	size_t i;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || (*end && end[1]))
		return false;
	for (i = 0; i < n_units; i++)
		if (units[i].letter == *end)
			return !__builtin_mul_overflow(n, units[i].worth, ret);
	return false;
}

bool lease_read_age(const char *text, uint64_t *ret_ns)
{
	static const uint64_t s = 1000000000u;
	const struct unit units[] = { { 0, s }, { 's', s }, { 'm', 60 * s }, { 'h', 3600 * s },
		{ 'd', 86400 * s } };

	return read_quantity(text, units, sizeof(units) / sizeof(units[0]), ret_ns);
}

bool lease_read_bytes(const char *text, uint64_t *ret_bytes)
{
	static const struct unit units[] = { { 0, 1 }, { 'K', 1ull << 10 }, { 'M', 1ull << 20 },
		{ 'G', 1ull << 30 }, { 'T', 1ull << 40 } };

	return read_quantity(text, units, sizeof(units) / sizeof(units[0]), ret_bytes);
}

bool lease_filter_is_any(const struct lease_filter *filter)
{
	return filter->arena || filter->label || filter->has_client || filter->has_pid ||
	       filter->older_ns || filter->larger_bytes;
}

bool lease_filter_admits(const struct lease_filter *filter, const json_t *lease)
{
	bool is_owned = json_object_get(lease, "client_id") != NULL;

	if (filter->arena && strcmp(answer_string(lease, "arena"), filter->arena) != 0)
		return false;
	if ((filter->label || filter->has_client || filter->has_pid) && !is_owned)
		return false;
	if (filter->label && !strstr(answer_string(lease, "label"), filter->label))
		return false;
	if (filter->has_client && answer_number(lease, "client_id") != filter->client_id)
		return false;
	if (filter->has_pid && answer_number(lease, "pid") != filter->pid)
		return false;
	return answer_number(lease, "age_ns") >= filter->older_ns &&
	       answer_number(lease, "size_bytes") >= filter->larger_bytes;
}
