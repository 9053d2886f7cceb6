/* SPDX-License-Identifier: MIT */
/*
 * The price of a restartable section that does nothing but what every one has to: announce itself,
 * check that it still is on the core it was meant for, and commit one store. glibc has registered
 * the thread, or there is nothing to measure.
 */

#include <linux/rseq.h>
#include <stddef.h>
#include "bench/bodies.h"
#include "bench/lane.h"

/* glibc 2.35; weak, so that we start with an older one. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

bool body_rseq_is_here(void)
{
	return &__rseq_size && __rseq_size > 0;
}

static struct rseq *own_rseq(void)
{
	char *thread;

	__asm__("movq %%fs:0, %0" : "=r"(thread));
	return (struct rseq *)(void *)(thread + __rseq_offset);
}

/*
 * 1: the section begins; 2: it ends, after its last instruction, the commit; 4: where the kernel
 * sends an interrupted thread, behind the signature that it insists on; 5: begin again.
 * Migrated between reading `core` and 1, nothing is committed, which is of no concern here.
 */
static inline void commit(struct rseq *rseq, uint64_t *word, uint64_t value)
{
	uint32_t core = __atomic_load_n(&rseq->cpu_id_start, __ATOMIC_RELAXED);

	__asm__ volatile(
		".pushsection __rseq_cs, \"aw\"\n\t"
		".balign 32\n\t"
		"3:\n\t"
		".long 0, 0\n\t"
		".quad 1f, 2f - 1f, 4f\n\t"
		".popsection\n\t"
		"5:\n\t"
		"leaq 3b(%%rip), %%rax\n\t"
		"movq %%rax, %c[section](%[rseq])\n\t"
		"1:\n\t"
		"cmpl %[core], %c[cpu_id](%[rseq])\n\t"
		"jnz 2f\n\t"
		"movq %[value], %[word]\n\t"
		"2:\n\t"
		".pushsection __rseq_abort, \"ax\"\n\t"
		".byte 0x0f, 0xb9, 0x3d\n\t"
		".long 0x53053053\n\t"
		"4:\n\t"
		"jmp 5b\n\t"
		".popsection"
		: [word] "=m"(*word)
		: [rseq] "r"(rseq), [core] "r"(core), [value] "r"(value),
		[section] "i"(offsetof(struct rseq, rseq_cs)),
		[cpu_id] "i"(offsetof(struct rseq, cpu_id))
		: "rax", "memory", "cc");
}

void body_rseq(struct lane *lane, uint64_t ops)
{
	struct rseq *rseq = own_rseq();
	uint64_t n;

	for (n = 0; n < ops; n++)
		commit(rseq, &lane->stage->ball, n);
}
