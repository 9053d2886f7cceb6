/* SPDX-License-Identifier: MIT */
/*
 * The circle of adoption in arenas for many more cores than there are here: it is complete for any
 * number of cores, and what a search costs that finds nothing depends on the number of segments
 * alone.
 *
 *   search             checks that it is complete
 *   search --measure   prints what a search costs
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "shm/adopt.h"
#include "shm/atomics.h"
#include "shm/circle.h"
#include "shm/geometry.h"
#include "shm/holder.h"
#include "shm/record.h"

#define SEAT ((struct seat_id){ 1 })
#define SECOND_NS 1000000000ull

struct arena {
	struct thr_geometry geometry;
	struct thr_view view;
	void *pages;
	const struct thr_class_view *class_;
};

static int tests, failed;

static void check(bool ok, const char *what, unsigned cores, unsigned segments)
{
	tests++;
	failed += !ok;
	printf("%sok %d - %s: %u cores, %u segments\n", ok ? "" : "not ", tests, what, cores,
		segments);
}

/* Of this thread alone: the machine may be busy. */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

/* Every slot is leased; nobody holds a segment. */
static void arena_init(struct arena *a, uint32_t cores, uint32_t segments)
{
	const struct thr_class_spec spec = { .slot_bytes = 64,
		.slots = segments * THR_SEGMENT_SLOTS };
	struct slot_id slot;

	if (thr_geometry_init(&a->geometry, cores, 2, &spec, 1) < 0)
		abort();
	a->pages = mmap(NULL, a->geometry.arena_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (a->pages == MAP_FAILED)
		abort();
	thr_view_init(&a->view, a->pages, &a->geometry);
	thr_view_format(&a->view);
	a->class_ = &a->view.class_[0];
	for (slot.n = 0; slot.n < a->class_->slots; slot.n++)
		*class_record(a->class_, slot) = record_lease(0, SEAT, 1);
}

static void arena_fini(struct arena *a)
{
	munmap(a->pages, a->geometry.arena_bytes);
}

/* Hold every segment by some core or by nobody, and take the flags down. */
static void hold(struct arena *a, bool by_cores)
{
	uint32_t i;

	for (i = 0; i < a->class_->n_segments; i++) {
		struct thr_segment *s = &a->class_->segments[i];

		s->returned = 0;
		s->holder = by_cores ? holder_of_core((struct core_id){ i % a->class_->n_cores })
				     : HOLDER_NOBODY;
	}
}

static struct thr_adoption search(struct arena *a, uint32_t core)
{
	const struct thr_class_view *c = a->class_;

	return thr_adopt(c, holder_of_thread(SEAT, 0), circle_arc(core, c->n_cores, c->n_segments),
		ADOPT_NONE, 1);
}

/* From each of some cores, the one segment with a free slot, wherever it is, flagged or not. */
static bool is_found_from_everywhere(struct arena *a)
{
	const struct thr_class_view *c = a->class_;
	uint32_t core, number, cores = c->n_cores, n = c->n_segments;

	for (core = 0; core < cores; core += cores / 61 + 1)
		for (number = 0; number < n; number += n / 37 + 1) {
			struct thr_segment *s = &c->segments[number];
			struct thr_adoption found;

			s->record[number % THR_SEGMENT_SLOTS] = 0;
			s->returned = number % 2;
			found = search(a, core);
			if (found.segment != number)
				return false;
			s->holder = HOLDER_NOBODY;
			s->record[number % THR_SEGMENT_SLOTS] = record_lease(0, SEAT, 1);
		}
	return true;
}

/* The same if a core holds it: that core is asked. */
static bool is_asked_from_everywhere(struct arena *a)
{
	const struct thr_class_view *c = a->class_;
	uint32_t core, number, cores = c->n_cores, n = c->n_segments;

	hold(a, true);
	for (core = 0; core < cores; core += cores / 31 + 1)
		for (number = core % n; number < n; number += n / 7 + 1) {
			struct thr_adoption found;
			bool is_right;

			c->segments[number].record[0] = 0;
			found = search(a, core);
			is_right = found.segment == ADOPT_NONE && found.was_asked &&
				   c->cores[number % cores].asked == holder_of_thread(SEAT, 0);
			c->cores[number % cores].asked = 0;
			c->segments[number].record[0] = record_lease(0, SEAT, 1);
			if (!is_right)
				return false;
		}
	return true;
}

static void check_one(uint32_t cores, uint32_t segments)
{
	struct arena a;

	arena_init(&a, cores, segments);
	hold(&a, false);
	check(search(&a, 0).segment == ADOPT_NONE, "a dry circle is seen to be", cores, segments);
	check(is_found_from_everywhere(&a), "a free slot is found from every core", cores,
		segments);
	check(is_asked_from_everywhere(&a), "the core that holds it is asked", cores, segments);
	arena_fini(&a);
}

/* Mean of a search in microseconds, each from another core. */
static double cost(struct arena *a)
{
	uint64_t begun = now_ns(), now = begun;
	uint32_t n = 0;

	while (n < 5 || now - begun < SECOND_NS / 4) {
		if (search(a, n * 7919 % a->class_->n_cores).segment != ADOPT_NONE)
			abort();
		n++;
		now = now_ns();
	}
	return (double)(now - begun) / n / 1000;
}

/* The only free slot is in the last segment, flagged: one round over the flags finds it. */
static double cost_of_last(struct arena *a)
{
	struct thr_segment *last = &a->class_->segments[a->class_->n_segments - 1];
	uint64_t begun;
	uint32_t i;

	last->record[0] = 0;
	last->returned = 1;
	begun = now_ns();
	for (i = 0; i < 100; i++) {
		if (search(a, 0).segment != a->class_->n_segments - 1)
			abort();
		last->holder = HOLDER_NOBODY;
	}
	return (double)(now_ns() - begun) / 100 / 1000;
}

static void measure(uint32_t cores, uint32_t segments)
{
	double unheld, held;
	struct arena a;

	arena_init(&a, cores, segments);
	hold(&a, false);
	unheld = cost(&a);
	hold(&a, true);
	held = cost(&a);
	hold(&a, false);
	printf("| %u | %u | %.0f | %.0f | %.0f |\n", cores, segments, unheld, held,
		cost_of_last(&a));
	arena_fini(&a);
}

int main(int argc, char **argv)
{
	static const uint32_t cores[] = { 1, 16, 1024 }, segments[] = { 1024, 10240, 102400 };
	size_t i, j;

	if (argc > 1 && strcmp(argv[1], "--measure") == 0) {
		printf("Microseconds of a search:\n\n"
		       "| cores | segments | nothing free, unheld | nothing free, held by cores | "
		       "found in the last |\n| --- | --- | --- | --- | --- |\n");
		for (i = 0; i < 3; i++)
			for (j = 0; j < 3; j++)
				measure(cores[i], segments[j]);
		return 0;
	}
	check_one(1, 1);
	check_one(1, 300);
	check_one(3, 100);
	check_one(16, 1000);
	check_one(1000, 1009);
	check_one(1024, 1024);
	check_one(1024, 3000);
	check_one(THR_CORES_MAX, THR_CORES_MAX + 1);
	printf("1..%d\n", tests);
	return failed != 0;
}
