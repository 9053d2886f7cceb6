/* SPDX-License-Identifier: MIT */
/* Lists of cores and nodes, as the kernel writes them. */

#include <criterion/criterion.h>
#include <stdio.h>
#include "daemon/nodes.h"

/* All of a list, in a text. */
static const char *all_of(const char *list)
{
	static char text[256];
	uint32_t n = 0;
	size_t length = 0;

	text[0] = 0;
	while ((n = nodes_list_next(list, n)) != UINT32_MAX && length < sizeof(text) - 12)
		length += (size_t)sprintf(text + length, "%u ", n++);
	return text;
}

Test(nodes, lists)
{
	cr_expect_str_eq(all_of("0"), "0 ");
	cr_expect_str_eq(all_of("0\n"), "0 ");
	cr_expect_str_eq(all_of("0-3\n"), "0 1 2 3 ");
	cr_expect_str_eq(all_of("1,3-4,8\n"), "1 3 4 8 ");
	cr_expect_str_eq(all_of("0-1,4-5,4095"), "0 1 4 5 4095 ");
}

Test(nodes, what_is_no_list_is_empty)
{
	cr_expect_str_eq(all_of(""), "");
	cr_expect_str_eq(all_of("\n"), "");
	cr_expect_str_eq(all_of("none"), "");
	cr_expect_str_eq(all_of("5-3"), "");
	cr_expect_str_eq(all_of("2,"), "2 ");
}

Test(nodes, from_the_middle)
{
	cr_expect_eq(nodes_list_next("0-3,8", 2), 2);
	cr_expect_eq(nodes_list_next("0-3,8", 4), 8);
	cr_expect_eq(nodes_list_next("0-3,8", 9), UINT32_MAX);
}
