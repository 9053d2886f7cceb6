/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_MUST_H
#define TESTS_UNIT_MUST_H

/*
 * The assertion of tests that look millions of times: it costs a branch when it holds, and ends the
 * test with its own words when it does not.
 */

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 4, 5), noreturn)) static inline void must_fail(const char *file,
	int line, const char *condition, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cr_assert_fail("%s:%d: not true: %s: %s", file, line, condition, text);
	abort();
}

#define must(condition, ...)                                                                       \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0))                                             \
			must_fail(__FILE__, __LINE__, #condition, __VA_ARGS__);                    \
	} while (0)

#endif
