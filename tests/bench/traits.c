/* SPDX-License-Identifier: MIT */
/*
 * What the circle and the stacks are known for, their weakness or their strength: that is why they
 * are measured, so they must have it.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "bench/circle.h"
#include "bench/stacks.h"

#define SLOTS 128u
#define CORES 2u
#define BYTES 64u /* of the smallest buffers */
#define SIZES 5u

static struct circle circle;
static struct stacks stacks;
static struct stacks_thread *const one = &stacks.thread[0], *const other = &stacks.thread[1];

static void report(bool is_ok, const char *what)
{
	static unsigned n;

	printf("%sok %u - %s\n", is_ok ? "" : "not ", ++n, what);
}

static void test_order_of_the_circle(void)
{
	uint64_t place[SLOTS], which;
	bool is_ok = true;
	unsigned i;

	circle_init(&circle, SLOTS);
	for (i = 0; i < SLOTS; i++)
		is_ok = is_ok && circle_take(&circle, &place[i]) == 0;
	for (i = SLOTS - 1; i > 0; i--)
		is_ok = is_ok && circle_give(&circle, place[i]) == 0;
	is_ok = is_ok && circle_take(&circle, &which) == -ENOBUFS;
	report(is_ok, "circle: one that is held keeps all behind it from coming back");
	is_ok = circle_give(&circle, place[0]) == 0;
	for (i = 0; i < SLOTS; i++)
		is_ok = is_ok && circle_take(&circle, &which) == 0 && which == place[i] + SLOTS;
	report(is_ok && circle_take(&circle, &which) == -ENOBUFS,
		"circle: then all come back, in order");
}

/* `sizes` of them, each twice the one before. Returns where the last buffer ends. */
static uint64_t new_stacks(unsigned sizes)
{
	uint64_t at = 0;
	unsigned i;

	memset(&stacks, 0, sizeof(stacks));
	stacks.cores = CORES;
	for (i = 0; i < sizes; i++)
		at = stacks_add(&stacks, BYTES << i, SLOTS, at, BYTES << i);
	return at;
}

static void test_last_in_first_out(void)
{
	uint64_t first = 0, second = 0, which;
	bool is_ok;

	new_stacks(1);
	is_ok = stacks_take(&stacks, one, BYTES, &first) == 0 &&
		stacks_take(&stacks, one, BYTES, &second) == 0 && first != second;
	stacks_give(&stacks, one, second);
	stacks_give(&stacks, one, first);
	is_ok = is_ok && stacks_take(&stacks, one, BYTES, &which) == 0 && which == first;
	is_ok = is_ok && stacks_take(&stacks, one, BYTES, &which) == 0 && which == second;
	report(is_ok, "stacks: a thread gets next what it gave back last");
}

static void test_what_is_kept(void)
{
	uint64_t which = 0, last;
	bool is_ok = true;
	unsigned i;

	new_stacks(1);
	for (i = 0; i < SLOTS; i++)
		is_ok = is_ok && stacks_take(&stacks, one, BYTES, &which) == 0;
	stacks_give(&stacks, one, last = which);
	is_ok = is_ok && stacks_take(&stacks, other, BYTES, &which) == -ENOBUFS;
	is_ok = is_ok && stacks_take(&stacks, one, BYTES, &which) == 0 && which == last;
	report(is_ok, "stacks: what one thread keeps no other can have");
	stacks_give(&stacks, one, last);
	stacks_give(&stacks, one, last - 1);
	is_ok = stacks_take(&stacks, other, BYTES, &which) == 0 && which == last;
	report(is_ok, "stacks: what it kept before anybody can");
}

/* In the bucket that is meant, at a place of its own. */
static bool is_placed(size_t bytes, unsigned bucket, uint64_t *end)
{
	uint64_t which;

	if (stacks_take(&stacks, one, bytes, &which) != 0 || which >> 32 != bucket ||
		stacks_offset(&stacks, which) < *end)
		return false;
	*end = stacks_offset(&stacks, which) + bytes;
	return true;
}

static void test_sizes(void)
{
	uint64_t all = new_stacks(SIZES), end = 0, which;
	bool is_ok = is_placed(1, 0, &end) && is_placed(BYTES, 0, &end);
	unsigned i;

	for (i = 1; i < SIZES; i++)
		is_ok = is_ok && is_placed((BYTES << (i - 1)) + 1, i, &end) &&
			is_placed(BYTES << i, i, &end);
	report(is_ok && end <= all, "stacks: a size has the smallest buffers that it fits in");
	is_ok = stacks_take(&stacks, one, (BYTES << (SIZES - 1)) + 1, &which) == -EMSGSIZE;
	report(is_ok, "stacks: what fits in none is -EMSGSIZE");
}

int main(void)
{
	printf("1..7\n");
	test_order_of_the_circle();
	test_last_in_first_out();
	test_what_is_kept();
	test_sizes();
	return 0;
}
