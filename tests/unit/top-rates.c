/* SPDX-License-Identifier: MIT */
/* Of two answers of a daemon thrusterctl top makes rates, or says that there are none. */

#include "tests/unit/top.h"

TestSuite(top_rates, .fini = clean_up, .timeout = 60);

Test(top_rates, rates_are_differences_by_the_daemons_clock)
{
	push(1000, 1, arena(7, 4611686018427387904ull, 10));
	make(TOP_CLASSES);
	cr_expect(isnan(value(0, "RENTS/S")), "one answer has no rate");
	cr_expect_str_eq(cell(0, "RENTS/S"), "-");
	push(1500, 1, arena(7, 4611686018427387904ull + 3, 10));
	make(TOP_CLASSES);
	must_be(value(0, "RENTS/S"), 6);
	must_be(value(0, "EXH/S"), 0);
	must_be(top_totals_make(&samples, NULL).rents, 6);
	cr_expect_str_eq(cell(0, "RENTS/S"), "6.0");
	must_be(value(0, "LEASED"), 25);
	must_be(top_mark(&rows[0], &table->columns[column_of("LEASED")]), 50);
}

Test(top_rates, a_counter_that_goes_down_has_no_rate)
{
	push(1000, 1, arena(7, 1000, 10));
	push(2000, 1, arena(7, 999, 15));
	make(TOP_CLASSES);
	cr_expect_str_eq(cell(0, "RENTS/S"), "-");
	cr_expect_str_eq(cell(0, "EXH/S"), "5.0");
	cr_expect(isnan(top_totals_make(&samples, NULL).rents));
}

Test(top_rates, another_arena_of_the_name_has_no_rate)
{
	push(1000, 1, arena(7, 1000, 10));
	push(2000, 1, arena(8, 5000, 50));
	make(TOP_CLASSES);
	cr_expect(isnan(value(0, "RENTS/S")));
	cr_expect(isnan(top_totals_make(&samples, NULL).rents));
	must_be(value(0, "SLOTS"), 100);
}

Test(top_rates, a_daemon_that_kept_its_arenas_goes_on_counting)
{
	push(1000, 1, arena(7, 1000, 10));
	push(2000, 2, arena(7, 1100, 10));
	make(TOP_CLASSES);
	must_be(value(0, "RENTS/S"), 100);
}

Test(top_rates, a_daemon_that_begins_anew_has_no_rates)
{
	push(1000, 3, arena(1, 1000, 10));
	push(2000, 1, arena(1, 5000, 10));
	make(TOP_CLASSES);
	cr_expect(isnan(value(0, "RENTS/S")), "another arena, though of the same id");
	push(3000, 1, arena(1, 5050, 10));
	make(TOP_CLASSES);
	must_be(value(0, "RENTS/S"), 50);
}

Test(top_rates, without_time_there_are_no_rates)
{
	push(1000, 1, arena(7, 1000, 10));
	push(1000, 1, arena(7, 1001, 10));
	make(TOP_CLASSES);
	cr_expect(isnan(value(0, "RENTS/S")));
	push(500, 1, arena(7, 1002, 10));
	make(TOP_CLASSES);
	cr_expect(isnan(value(0, "RENTS/S")));
}
