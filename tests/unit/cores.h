/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CORES_H
#define TESTS_UNIT_CORES_H

/*
 * Any core, in one thread. The sections find the number of their core in the thread's struct rseq,
 * by its distance from the thread pointer. Here that is a struct which the kernel does not know,
 * and the number in it is the test's to choose: so the sections run as on that core, undisturbed,
 * also where there is no rseq, and a test goes from core to core by storing a number.
 */

#include "shm/lane.h"
#include "shm/self.h"

#if SECTION_IS_THERE

static __thread struct {
	uint32_t cpu_id_start, cpu_id;
	uint64_t rseq_cs;
	uint64_t reserved[6];
} __attribute__((aligned(64))) cores_fake;

static inline void cores_go_to(uint32_t core)
{
	cores_fake.cpu_id_start = cores_fake.cpu_id = core;
}

static inline struct section_self cores_section(void)
{
	const char *pointer;

#if defined(__x86_64__)
	__asm__("movq %%fs:0, %0" : "=r"(pointer));
#else
	pointer = __builtin_thread_pointer();
#endif
	return (struct section_self){ (const char *)&cores_fake - pointer };
}

#else

static inline void cores_go_to(uint32_t core)
{
	(void)core;
}

static inline struct section_self cores_section(void)
{
	return (struct section_self){ 0 };
}

#endif

/* All cores may be held, unless a test clears bits here. */
static uint64_t cores_visitable[THR_CORES_MAX / 64];

/* Nobody waits in an arena of one thread. */
static struct thr_control cores_control;

/* A client on a core of an arena with n of them. */
static inline struct thr_self cores_self(uint32_t core, uint32_t n_cores, struct seat_id seat)
{
	struct thr_view view = { .control = &cores_control, .n_cores = n_cores };
	struct thr_self self;
	unsigned i;

	thr_self_init(&self, seat, &view, cores_visitable);
	self.section = cores_section();
	self.n_cores = SECTION_IS_THERE ? n_cores : 0;
	for (i = 0; i < THR_CORES_MAX / 64; i++)
		cores_visitable[i] = ~(uint64_t)0;
	cores_go_to(core);
	return self;
}

/* One that can only rent as a thread. */
static inline struct thr_self cores_self_thread(uint32_t n_cores, struct seat_id seat)
{
	struct thr_view view = { .control = &cores_control, .n_cores = n_cores };
	struct thr_self self;

	thr_self_init(&self, seat, &view, NULL);
	return self;
}

#endif
