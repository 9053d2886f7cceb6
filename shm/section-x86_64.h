/* SPDX-License-Identifier: MIT */
/*
 * The restartable sequences on x86-64. Included by shm/section.h alone.
 *
 * Each is one asm statement:
 *
 *   arm       the address of the descriptor goes into this thread's struct rseq;
 *   1:        from here the kernel restarts the thread at 4: if it is disturbed;
 *   ...       check, prepare;
 *   commit    one store, the last instruction before 2:
 *   2:        from here on it has happened.
 *   3:        the descriptor: start, length, abort handler;
 *   4:        the abort handler, behind the signature that the kernel looks for.
 *
 * The descriptor stays armed after 2:, which is harmless: the kernel clears it when it next looks
 * and finds the thread outside. (The library is never unloaded, -z nodelete, for its sake.)
 *
 * "volatile" is not implied by "goto" to gcc 12 if no output is used.
 *
 * A store takes effect in memory, for all cores, in program order, so "cut short after n
 * instructions" is a prefix of the list of stores.
 */

#include <sys/rseq.h>

#define SECTION_IS_THERE 1

/* Offset 4 is cpu_id, 8 is rseq_cs: the kernel's ABI (struct rseq in linux/rseq.h). */
#define SECTION_ARM_WITH(t, core)                                                                  \
	".pushsection __rseq_cs, \"aw\"\n\t"                                                       \
	".balign 32\n"                                                                             \
	"3:\n\t"                                                                                   \
	".long 0, 0\n\t"                                                                           \
	".quad 1f, 2f - 1f, 4f\n\t"                                                                \
	".popsection\n\t"                                                                          \
	".pushsection __rseq_failure, \"ax\"\n\t"                                                  \
	".byte 0x0f, 0xb9, 0x3d\n\t" /* ud1 0x53053053(%rip), %edi: the signature, as code */      \
	".long 0x53053053\n"                                                                       \
	"4:\n\t"                                                                                   \
	"jmp %l[moved]\n\t"                                                                        \
	".popsection\n\t"                                                                          \
	"leaq 3b(%%rip), " t "\n\t"                                                                \
	"movq " t ", %%fs:8(%[self])\n"                                                            \
	"1:\n\t"                                                                                   \
	"cmpl " core ", %%fs:4(%[self])\n\t"                                                       \
	"jne %l[moved]\n\t"

#define SECTION_ARM SECTION_ARM_WITH("%[t]", "%[core]")

#define SECTION_COMMITTED "\n2:\n\t"

/* 0, or a number of bytes from the thread pointer; false if the kernel or glibc has no rseq. */
static inline bool section_self_init(struct section_self *ret)
{
	ret->rseq = __rseq_offset;
	return __rseq_size != 0;
}

/* The core that the thread runs on now; larger than any if it is not registered. */
static inline struct core_id section_core(struct section_self self)
{
	uint32_t core;

	__asm__ volatile("movl %%fs:4(%[self]), %[core]"
		: [core] "=r"(core)
		: [self] "r"(self.rseq));
	return (struct core_id){ core };
}

/*
 * Take the lowest takeable slot of the core's current segment and lease it: FREE -> LEASED.
 * CHANGED if there is none. `addend` is record_lease_addend(owner, 1).
 *
 * Cut short: before the mask is stored, nothing has happened. After it, the slot is FREE and out
 * of the mask, and the rent may have been counted. After the commit the lease is the caller's.
 */
static inline enum section section_rent(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *const *segments, const uint32_t *n_segments,
	const uint64_t *addend, struct slot_id *ret_slot, uint64_t *ret_record)
{
	uint64_t segment, t = core.n, record, bit, at;

	/* `t` is the core first, and `record` the mask: registers are what this has few of. */
	__asm__ volatile goto(SECTION_ARM_WITH("%[at]", "%k[t]")
		"movl %c[current](%[state]), %k[segment]\n\t" /* the current segment ... */
		"cmpl %[n_segments], %k[segment]\n\t"         /* ... is none, or no number of one */
		"jae %l[changed]\n\t"
		"imulq %[size], %[segment], %[at]\n\t"
		"addq %[segments], %[at]\n\t"                 /* at: its address */
		"movq (%[at]), %[record]\n\t"
		"testq %[record], %[record]\n\t"
		"jz %l[changed]\n\t"                          /* nothing is takeable */
		"rep bsfq %[record], %[bit]\n\t"              /* tzcnt, where there is one */
		"leaq -1(%[record]), %[t]\n\t"
		"andq %[t], %[record]\n\t"
		"movq %[record], (%[at])\n\t"                 /* the slot leaves the mask */
		"movq %c[records](%[at], %[bit], 8), %[record]\n\t"
		"andq %[sequence], %[record]\n\t"
		"addq %[addend], %[record]\n\t"               /* the next lease, ours */
		"addq $1, %c[rents](%[state])\n\t"
		"movq %[record], %c[records](%[at], %[bit], 8)" /* commit */
		SECTION_COMMITTED
		: [segment] "=&r"(segment), [bit] "=&r"(bit), [record] "=&r"(record),
		  [at] "=&r"(at), [t] "+&r"(t)
		: [self] "r"(self.rseq), [state] "r"(state),
		  [segments] "m"(*segments), [n_segments] "m"(*n_segments), [addend] "m"(*addend),
		  [size] "i"(sizeof(struct thr_segment)),
		  [current] "i"(offsetof(struct thr_core, current)),
		  [rents] "i"(offsetof(struct thr_core, rents_total)),
		  [records] "i"(offsetof(struct thr_segment, record)),
		  [sequence] "i"((int32_t)RECORD_SEQUENCE_MASK)
		: "memory", "cc"
		: moved, changed);
	ret_slot->n = (uint32_t)(segment * THR_SEGMENT_SLOTS + bit);
	*ret_record = record;
	return SECTION_DONE;
moved:
	return SECTION_MOVED;
changed:
	return SECTION_CHANGED;
}

/*
 * Take `bits`, n of them, out of the mask of the core's current segment, which is `segment` if
 * `current` is still as expected. CHANGED if it is not, or if not all of them are takeable.
 *
 * Cut short: before the commit nothing has happened but a count. After it the slots are FREE and
 * out of the mask, until they are leased by section_put() or found by a walk.
 */
static inline enum section section_reserve(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, struct thr_segment *segment, uint64_t bits,
	uint64_t n)
{
	uint64_t t;

	__asm__ volatile goto(SECTION_ARM
		"cmpq %[expected], %c[current](%[state])\n\t"
		"jne %l[changed]\n\t"
		"movq (%[segment]), %[t]\n\t"
		"notq %[t]\n\t"
		"testq %[bits], %[t]\n\t"
		"jnz %l[changed]\n\t"                         /* one is not takeable */
		"orq %[bits], %[t]\n\t"
		"notq %[t]\n\t"                               /* mask & ~bits */
		"addq %[n], %c[rents](%[state])\n\t"
		"movq %[t], (%[segment])"                     /* commit */
		SECTION_COMMITTED
		: [t] "=&r"(t)
		: [self] "r"(self.rseq), [core] "r"(core.n), [state] "r"(state),
		  [expected] "r"(current), [segment] "r"(segment), [bits] "r"(bits),
		  [n] "r"(n), [current] "i"(offsetof(struct thr_core, current)),
		  [rents] "i"(offsetof(struct thr_core, rents_total))
		: "memory", "cc"
		: moved, changed);
	return SECTION_DONE;
moved:
	return SECTION_MOVED;
changed:
	return SECTION_CHANGED;
}

/*
 * *word = value, if the core's `current` is still as expected. Used for the record of a slot that
 * was reserved (FREE -> LEASED; nobody else can have got it, since only a walk, whose switch
 * changes `current`, gives it out again) and for `current` itself.
 *
 * Cut short: nothing has happened.
 */
static inline enum section section_put(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, uint64_t *word, uint64_t value)
{
	uint64_t t;

	__asm__ volatile goto(SECTION_ARM
		"cmpq %[expected], %c[current](%[state])\n\t"
		"jne %l[changed]\n\t"
		"movq %[value], (%[word])"                    /* commit */
		SECTION_COMMITTED
		: [t] "=&r"(t)
		: [self] "r"(self.rseq), [core] "r"(core.n), [state] "r"(state),
		  [expected] "r"(current), [word] "r"(word), [value] "r"(value),
		  [current] "i"(offsetof(struct thr_core, current))
		: "memory", "cc"
		: moved, changed);
	return SECTION_DONE;
moved:
	return SECTION_MOVED;
changed:
	return SECTION_CHANGED;
}

/*
 * Return a lease of one slot, number `slot` of the segment's 64: LEASED -> FREE, and it becomes
 * takeable. `value` is its record made FREE. CHANGED if the core does not hold the segment.
 *
 * Cut short: before the record is stored, nothing has happened. After it the lease has ended, and
 * the slot is FREE and out of the mask.
 */
static inline enum section section_give(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, uint64_t slot, uint64_t value)
{
	uint64_t t;

	__asm__ volatile goto(SECTION_ARM
		"leal 1(%[core]), %k[t]\n\t"                  /* holder_of_core(core) */
		"cmpl %k[t], %c[holder](%[segment])\n\t"
		"jne %l[changed]\n\t"
		"movq %[value], %c[records](%[segment], %[slot], 8)\n\t" /* it has ended */
		"addq $1, %c[returns](%[state])\n\t"
		"movq (%[segment]), %[t]\n\t"
		"btsq %[slot], %[t]\n\t"
		"movq %[t], (%[segment])"                     /* commit */
		SECTION_COMMITTED
		: [t] "=&r"(t)
		: [self] "r"(self.rseq), [core] "r"(core.n), [state] "r"(state),
		  [segment] "r"(segment), [slot] "r"(slot), [value] "r"(value),
		  [holder] "i"(offsetof(struct thr_segment, holder)),
		  [records] "i"(offsetof(struct thr_segment, record)),
		  [returns] "i"(offsetof(struct thr_core, local_returns_total))
		: "memory", "cc"
		: moved, changed);
	return SECTION_DONE;
moved:
	return SECTION_MOVED;
changed:
	return SECTION_CHANGED;
}

/*
 * The same for n leases of one segment, n at least 1, of any length, whose slots together are
 * `bits`. `tokens` is the first one's token (shm/token.h), that of the next lies `stride` bytes
 * further.
 *
 * Cut short: some of the records are FREE, and these leases have ended; the others have not.
 */
static inline enum section section_give_all(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, const uint64_t tokens[2],
	size_t stride, uint64_t n, uint64_t bits)
{
	uint64_t t, value, at, left;

	__asm__ volatile goto(SECTION_ARM
		"leal 1(%[core]), %k[t]\n\t"
		"cmpl %k[t], %c[holder](%[segment])\n\t"
		"jne %l[changed]\n\t"
		"movq %[tokens], %[at]\n\t"
		"movq %[n], %[left]\n"
		"5:\n\t"
		"movl (%[at]), %k[t]\n\t"
		"andl %[slot], %k[t]\n\t"                     /* t: which slot of the segment */
		"movq 8(%[at]), %[value]\n\t"
		"andq %[sequence], %[value]\n\t"              /* the record made FREE */
		"addq %[stride], %[at]\n\t"
		"movq %[value], %c[records](%[segment], %[t], 8)\n\t" /* this one has ended */
		"decq %[left]\n\t"
		"jnz 5b\n\t"
		"addq %[n], %c[returns](%[state])\n\t"
		"orq %[bits], (%[segment])"                   /* commit */
		SECTION_COMMITTED
		: [t] "=&r"(t), [value] "=&r"(value), [at] "=&r"(at), [left] "=&r"(left)
		: [self] "r"(self.rseq), [core] "r"(core.n), [state] "r"(state),
		  [segment] "r"(segment), [tokens] "r"(tokens), [stride] "er"(stride), [n] "r"(n),
		  [bits] "r"(bits), [slot] "i"(THR_SEGMENT_SLOTS - 1),
		  [sequence] "i"((int32_t)RECORD_SEQUENCE_MASK),
		  [holder] "i"(offsetof(struct thr_segment, holder)),
		  [records] "i"(offsetof(struct thr_segment, record)),
		  [returns] "i"(offsetof(struct thr_core, local_returns_total))
		: "memory", "cc"
		: moved, changed);
	return SECTION_DONE;
moved:
	return SECTION_MOVED;
changed:
	return SECTION_CHANGED;
}

/*
 * Make `takeable` slots of a segment takeable, and the segment the core's current one: `next` is
 * current_next(current, its number). Sound because a walk found them FREE while the core held the
 * segment and did not rent from it, and both are still so if `current` and the holder word are as
 * they were before the walk: whoever makes a segment current changes the one, whoever relinquishes
 * it the other. CHANGED if they are not.
 *
 * Cut short: before the commit the slots may be in the mask of a segment that is not current. They
 * are FREE, and nobody rents from it, so that is allowed.
 */
static inline enum section section_switch(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, struct thr_segment *segment, uint64_t holder,
	uint64_t takeable, uint64_t next)
{
	uint64_t t;

	__asm__ volatile goto(SECTION_ARM
		"cmpq %[expected], %c[current](%[state])\n\t"
		"jne %l[changed]\n\t"
		"cmpq %[seen], %c[holder](%[segment])\n\t"
		"jne %l[changed]\n\t"
		"orq %[takeable], (%[segment])\n\t"
		"movq %[next], %c[current](%[state])"         /* commit */
		SECTION_COMMITTED
		: [t] "=&r"(t)
		: [self] "r"(self.rseq), [core] "r"(core.n), [state] "r"(state),
		  [expected] "r"(current), [segment] "r"(segment), [seen] "r"(holder),
		  [takeable] "r"(takeable), [next] "r"(next),
		  [current] "i"(offsetof(struct thr_core, current)),
		  [holder] "i"(offsetof(struct thr_segment, holder))
		: "memory", "cc"
		: moved, changed);
	return SECTION_DONE;
moved:
	return SECTION_MOVED;
changed:
	return SECTION_CHANGED;
}

/*
 * Stop holding a segment: `holder` is the word as it was seen, `next` what it becomes. `number` is
 * the segment's. If it is the core's current one, that becomes none. CHANGED if the holder is not
 * as seen.
 *
 * Cut short: before the commit the core still holds the segment, perhaps with an empty mask, and
 * perhaps without renting from it. All of its slots are found again by a walk.
 */
static inline enum section section_relinquish(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, uint32_t number, uint64_t holder,
	uint64_t next)
{
	uint64_t t, none;

	__asm__ volatile goto(SECTION_ARM
		"cmpq %[seen], %c[holder](%[segment])\n\t"
		"jne %l[changed]\n\t"
		"movq %c[current](%[state]), %[t]\n\t"
		"cmpl %k[t], %[number]\n\t"
		"jne 5f\n\t"
		"shrq $32, %[t]\n\t"
		"incl %k[t]\n\t"
		"shlq $32, %[t]\n\t"
		"movl $-1, %k[none]\n\t"                      /* CURRENT_NONE, zero-extended */
		"orq %[none], %[t]\n\t"
		"movq %[t], %c[current](%[state])\n"          /* the core rents from nothing */
		"5:\n\t"
		"movq $0, (%[segment])\n\t"                   /* nothing is takeable */
		"movq %[next], %c[holder](%[segment])"        /* commit [P7] */
		SECTION_COMMITTED
		: [t] "=&r"(t), [none] "=&r"(none)
		: [self] "r"(self.rseq), [core] "r"(core.n), [state] "r"(state),
		  [segment] "r"(segment), [number] "r"(number), [seen] "r"(holder),
		  [next] "r"(next), [current] "i"(offsetof(struct thr_core, current)),
		  [holder] "i"(offsetof(struct thr_segment, holder))
		: "memory", "cc"
		: moved, changed);
	return SECTION_DONE;
moved:
	return SECTION_MOVED;
changed:
	return SECTION_CHANGED;
}
