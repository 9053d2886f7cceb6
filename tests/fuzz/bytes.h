/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_BYTES_H
#define TESTS_FUZZ_BYTES_H

/*
 * The fuzzer's bytes, read one after the other as whatever the target needs; when they have run
 * out, zeroes. And the assertion of the targets: it aborts, which the fuzzer takes for a finding.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
	const uint8_t *at, *end;
};

static inline size_t bytes_left(const struct bytes *b)
{
	return (size_t)(b->end - b->at);
}

/* Fill `to`. */
static inline void bytes_take(struct bytes *b, void *to, size_t size)
{
	size_t n = size < bytes_left(b) ? size : bytes_left(b);

	memset(to, 0, size);
	memcpy(to, b->at, n);
	b->at += n;
}

static inline uint64_t bytes_number(struct bytes *b, size_t size)
{
	uint64_t number = 0;

	bytes_take(b, &number, size); /* the machines that it runs on are little-endian */
	return number;
}

static inline uint8_t bytes_u8(struct bytes *b)
{
	return (uint8_t)bytes_number(b, 1);
}

/* A number below n. */
static inline uint32_t bytes_below(struct bytes *b, uint32_t n)
{
	return (uint32_t)bytes_number(b, n > 256 ? 2 : 1) % n;
}

#define must(condition, ...)                                                                       \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0)) {                                           \
			fprintf(stderr, "%s:%d: not true: %s: ", __FILE__, __LINE__, #condition);  \
			fprintf(stderr, __VA_ARGS__);                                              \
			fputc('\n', stderr);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
