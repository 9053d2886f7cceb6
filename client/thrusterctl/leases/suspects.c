/* SPDX-License-Identifier: MIT */
/*
 * Sorted by class and age, the middle of a class is its median; sorted by client as well, what one
 * client has lies side by side and is counted by quarters.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/leases/suspects.h"

#define QUARTERS 4u
#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_classes(const struct suspect_lease *a, const struct suspect_lease *b)
{
	int order = strcmp(a->arena, b->arena);

	return order ? order : COMPARE(a->class_, b->class_);
}

static int by_class(const void *first, const void *second)
{
	const struct suspect_lease *a = first, *b = second;
	int order = compare_classes(a, b);

	return order ? order : COMPARE(a->age_ns, b->age_ns);
}

static int compare_holders(const struct suspect_lease *a, const struct suspect_lease *b)
{
	int order = compare_classes(a, b);

	return order ? order : COMPARE(a->client_id, b->client_id);
}

static int by_holder(const void *first, const void *second)
{
	return compare_holders(first, second);
}

static int suspects_first(const void *first, const void *second)
{
	const struct suspect_lease *a = first, *b = second;
	int order = COMPARE(b->suspicion != SUSPICION_NONE, a->suspicion != SUSPICION_NONE);

	return order ? order : COMPARE(b->age_ns, a->age_ns);
}

/* How many from the first on are like it. */
static size_t alike(const struct suspect_lease *leases, size_t n,
	int (*compare)(const struct suspect_lease *, const struct suspect_lease *))
{
	size_t i = 1;

	while (i < n && compare(&leases[0], &leases[i]) == 0)
		i++;
	return i;
}

/* Those of one class, the youngest first. */
static void judge_ages(struct suspect_lease *leases, size_t n)
{
	uint64_t median = leases[(n - 1) / 2].age_ns;
	size_t i;

	for (i = 0; i < n; i++) {
		leases[i].median_ns = median;
		if (n >= SUSPECT_CLASS_LEASES && leases[i].age_ns > SUSPECT_AGE_NS &&
			leases[i].age_ns / SUSPECT_TIMES > median)
			leases[i].suspicion = SUSPICION_OLD;
	}
}

/* Did those that one client has of a class begin in all quarters of its time? */
static bool are_gathered(const struct suspect_lease *leases, size_t n, uint64_t cut_ns)
{
	uint64_t attached = leases[0].attached_ns, age;
	size_t count[QUARTERS] = { 0 }, quarter, i;

	if (n < SUSPECT_GATHERED || leases[0].client_id == 0 || attached <= cut_ns ||
		attached - cut_ns < SUSPECT_GATHERING_NS)
		return false;
	for (i = 0; i < n; i++) {
		age = leases[i].age_ns > cut_ns ? leases[i].age_ns - cut_ns : 0;
		quarter = (size_t)(age / ((attached - cut_ns) / QUARTERS + 1));
		count[quarter < QUARTERS ? quarter : QUARTERS - 1]++;
	}
	for (i = 0; i < QUARTERS; i++)
		if (count[i] * 8 < n)
			return false;
	return true;
}

static void judge_holder(struct suspect_lease *leases, size_t n, uint64_t cut_ns)
{
	size_t i;

	if (!are_gathered(leases, n, cut_ns))
		return;
	for (i = 0; i < n; i++) {
		leases[i].gathered = n;
		if (leases[i].suspicion == SUSPICION_NONE && leases[i].age_ns > SUSPECT_AGE_NS)
			leases[i].suspicion = SUSPICION_GATHERED;
	}
}

void suspects_find(struct suspect_lease *leases, size_t n, uint64_t cut_ns)
{
	size_t i, like;

	for (i = 0; i < n; i++)
		leases[i].suspicion = SUSPICION_NONE;
	qsort(leases, n, sizeof(*leases), by_class);
	for (i = 0; i < n; i += like) {
		like = alike(leases + i, n - i, compare_classes);
		judge_ages(leases + i, like);
	}
	qsort(leases, n, sizeof(*leases), by_holder);
	for (i = 0; i < n; i += like) {
		like = alike(leases + i, n - i, compare_holders);
		judge_holder(leases + i, like, cut_ns);
	}
	qsort(leases, n, sizeof(*leases), suspects_first);
}
