/* SPDX-License-Identifier: MIT */
/*
 * One function for each probe, and its semaphore. The operands are bound to registers, where a
 * probe finds them whatever the compiler made of the caller.
 */

#include "shm/probes.h"

#if THR_HAS_PROBES

#define _SDT_HAS_SEMAPHORES 1
#define STAP_SDT_ARG_CONSTRAINT r
#include <sys/sdt.h>

#if defined(__x86_64__)
#define ARGUMENT_0 "rdi"
#define ARGUMENT_1 "rsi"
#define ARGUMENT_2 "rdx"
#define ARGUMENT_3 "rcx"
#define ARGUMENT_4 "r8"
#define ARGUMENT_5 "r9"
#elif defined(__aarch64__)
#define ARGUMENT_0 "x0"
#define ARGUMENT_1 "x1"
#define ARGUMENT_2 "x2"
#define ARGUMENT_3 "x3"
#define ARGUMENT_4 "x4"
#define ARGUMENT_5 "x5"
#else
#error "name the registers of a call; or build with -Dprobes=disabled"
#endif

#define X(name, arguments, text)                                                                   \
	volatile unsigned short thruster_##name##_semaphore                                        \
		__attribute__((section(".probes"), visibility("hidden")));                         \
	__attribute__((noinline, cold)) void thr_probe_##name(uint64_t arena, uint64_t seat,       \
		uint64_t class_, uint64_t core, uint64_t first, uint64_t second)                   \
	{                                                                                          \
		register uint64_t a0 __asm__(ARGUMENT_0) = arena;                                  \
		register uint64_t a1 __asm__(ARGUMENT_1) = seat;                                   \
		register uint64_t a2 __asm__(ARGUMENT_2) = class_;                                 \
		register uint64_t a3 __asm__(ARGUMENT_3) = core;                                   \
		register uint64_t a4 __asm__(ARGUMENT_4) = first;                                  \
		register uint64_t a5 __asm__(ARGUMENT_5) = second;                                 \
                                                                                                   \
		STAP_PROBE6(thruster, name, a0, a1, a2, a3, a4, a5);                               \
	}
THR_PROBES(X)
#undef X

#else

/* No empty translation unit. */
extern const int thr_has_no_probes;
const int thr_has_no_probes = 1;

#endif
