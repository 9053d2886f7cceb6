/* SPDX-License-Identifier: MIT */
/*
 * The published figures under a writer that never rests: each word of a publication is computed
 * from its number, so a copy that holds words of two of them gives itself away.
 */

#include <pthread.h>
#include <sched.h>
#include <time.h>
#include "shm/figures.h"
#include "tests/unit/must.h"

#define PUBLICATIONS 50000u

static void fill(struct thr_figures *f, uint64_t number)
{
	uint64_t *words = (uint64_t *)f;
	size_t i;

	for (i = 0; i < FIGURES_WORDS; i++)
		words[i] = number * 1000003 + i;
}

static bool is_whole(const struct thr_figures *f, uint64_t *ret_number)
{
	const uint64_t *words = (const uint64_t *)f;
	uint64_t base = words[1] - 1;
	size_t i;

	for (i = 1; i < FIGURES_WORDS; i++)
		if (words[i] != base + i)
			return false;
	*ret_number = base / 1000003;
	return base % 1000003 == 0;
}

static void *write_on(void *userdata)
{
	struct thr_figures values;
	uint64_t number;

	for (number = 1; number <= PUBLICATIONS; number++) {
		fill(&values, number);
		figures_publish(userdata, &values);
		if (number % 64 == 0)
			sched_yield();
	}
	return NULL;
}

Test(figures, a_reader_never_sees_words_of_two_publications)
{
	static struct thr_figures board;
	struct thr_figures copy;
	uint64_t number = 0, last = 0, reads = 0;
	pthread_t writer;

	cr_assert_eq(pthread_create(&writer, NULL, write_on, &board), 0);
	while (last < PUBLICATIONS) {
		if (!figures_read(&board, &copy)) {
			sched_yield(); /* not yet, or the writer sleeps in the middle */
			continue;
		}
		must(is_whole(&copy, &number), "torn after publication %lu", (unsigned long)last);
		must(number >= last, "publication %lu after %lu", (unsigned long)number,
			(unsigned long)last);
		must(copy.sequence == 2 * number, "sequence %lu of publication %lu",
			(unsigned long)copy.sequence, (unsigned long)number);
		last = number;
		reads++;
	}
	pthread_join(writer, NULL);
	cr_assert_gt(reads, 0);
}

/* False, and the output as it was. */
static bool is_refused(const struct thr_figures *board)
{
	struct thr_figures copy, untouched;

	memset(&copy, 0x5e, sizeof(copy));
	memset(&untouched, 0x5e, sizeof(untouched));
	if (figures_read(board, &copy))
		return false;
	must(memcmp(&copy, &untouched, sizeof(copy)) == 0, "a refusal writes its output");
	return true;
}

Test(figures, nothing_is_read_before_the_first_publication)
{
	struct thr_figures board = { 0 }, copy;
	uint64_t number;

	cr_assert(is_refused(&board));
	board.clients = 5; /* the board is written from the front */
	cr_assert(is_refused(&board));
	fill(&copy, 7);
	figures_publish(&board, &copy);
	cr_assert(figures_read(&board, &copy));
	cr_assert(is_whole(&copy, &number) && number == 7);
}

Test(figures, nothing_is_read_after_the_writer_died_in_the_middle)
{
	struct thr_figures board = { 0 }, values;
	uint64_t number, sequence;

	fill(&values, 1);
	figures_publish(&board, &values);
	board.sequence |= 1;
	board.class_[3].leased++;
	cr_assert(is_refused(&board));
	/* Its successor goes on from there. */
	sequence = board.sequence;
	fill(&values, 2);
	figures_publish(&board, &values);
	cr_assert(figures_read(&board, &values));
	cr_assert(is_whole(&values, &number) && number == 2);
	cr_assert_eq(values.sequence, sequence + 1);
}

Test(figures, the_sequence_of_the_values_is_ignored)
{
	struct thr_figures board = { 0 }, values;
	uint64_t i;

	for (i = 1; i <= 5; i++) {
		fill(&values, i);
		values.sequence = 41 * i;
		figures_publish(&board, &values);
		cr_assert_eq(board.sequence, 2 * i);
	}
}
