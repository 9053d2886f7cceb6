/* SPDX-License-Identifier: MIT */
/*
 * The restartable sequences on arm64. Included by shm/section.h alone.
 *
 * Built like those on x86-64 (shm/section-x86_64.h, which tells the labels 1: to 4:), with the same
 * steps in the same order. Other cores may see plain stores in another order here. Where that
 * matters, at both ends of a lease and when a segment is given up, the store has release order;
 * what the threads of one core do for each other needs none, since the kernel orders what comes
 * before it switches from one to the next. "Cut short after n instructions" is a prefix of the
 * stores as the same core sees them, and as everybody does once the thread has been switched out.
 */

#include <sys/rseq.h>

#define SECTION_IS_THERE 1

/* Offset 4 is cpu_id, 8 is rseq_cs: the kernel's ABI (struct rseq in linux/rseq.h). */
#define SECTION_ARM                                                                                \
	".pushsection __rseq_cs, \"aw\"\n\t"                                                       \
	".balign 32\n"                                                                             \
	"3:\n\t"                                                                                   \
	".word 0, 0\n\t"                                                                           \
	".xword 1f, 2f - 1f, 4f\n\t"                                                               \
	".popsection\n\t"                                                                          \
	".pushsection __rseq_failure, \"ax\"\n\t"                                                  \
	".inst 0xd428bc00\n" /* brk #0x45e0: the signature, as code */                             \
	"4:\n\t"                                                                                   \
	"b %l[moved]\n\t"                                                                          \
	".popsection\n\t"                                                                          \
	"adrp %[t], 3b\n\t"                                                                        \
	"add %[t], %[t], :lo12:3b\n\t"                                                             \
	"str %[t], [%[self], #8]\n"                                                                \
	"1:\n\t"                                                                                   \
	"ldr %w[t], [%[self], #4]\n\t"                                                             \
	"cmp %w[t], %w[core]\n\t"                                                                  \
	"b.ne %l[moved]\n\t"

/* Does the core hold the segment? */
#define SECTION_HOLDS                                                                              \
	"ldr %w[t], [%[segment], %[holder]]\n\t"                                                   \
	"sub %w[t], %w[t], #1\n\t" /* holder_of_core(core) */                                      \
	"cmp %w[t], %w[core]\n\t"                                                                  \
	"b.ne %l[changed]\n\t"

#define SECTION_COMMITTED "\n2:\n\t"

/* 0, or a number of bytes from the thread pointer; false if the kernel or glibc has no rseq. */
static inline bool section_self_init(struct section_self *ret)
{
	ret->rseq = __rseq_offset;
	return __rseq_size != 0;
}

static inline void *section_rseq(struct section_self self)
{
	return (char *)__builtin_thread_pointer() + self.rseq;
}

/* The core that the thread runs on now; larger than any if it is not registered. */
static inline struct core_id section_core(struct section_self self)
{
	uint32_t core;

	__asm__ volatile("ldr %w[core], [%[self], #4]"
		: [core] "=r"(core)
		: [self] "r"(section_rseq(self)));
	return (struct core_id){ core };
}

/* Take the lowest takeable slot and lease it. */
static inline enum section section_rent(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *const *segments, const uint32_t *n_segments,
	const uint64_t *addend, struct slot_id *ret_slot, uint64_t *ret_record)
{
	uint64_t segment, t, u, mask, bit, record;

	__asm__ volatile goto(SECTION_ARM
		"ldr %w[segment], [%[state], %[current]]\n\t"  /* the current segment ... */
		"cmp %w[segment], %w[n_segments]\n\t"          /* ... is none, or no number */
		"b.hs %l[changed]\n\t"
		"mov %[t], %[size]\n\t"
		"madd %[t], %[segment], %[t], %[segments]\n\t" /* t: its address */
		"ldr %[mask], [%[t]]\n\t"
		"cbz %[mask], %l[changed]\n\t"                 /* nothing is takeable */
		"rbit %[bit], %[mask]\n\t"
		"clz %[bit], %[bit]\n\t"                       /* the lowest */
		"sub %[u], %[mask], #1\n\t"
		"and %[mask], %[mask], %[u]\n\t"
		"str %[mask], [%[t]]\n\t"                      /* the slot leaves the mask */
		"add %[t], %[t], %[records]\n\t"
		"ldr %[record], [%[t], %[bit], lsl #3]\n\t"
		"and %[record], %[record], %[sequence]\n\t"
		"add %[record], %[record], %[addend]\n\t"      /* the next lease, ours */
		"ldr %[u], [%[state], %[rents]]\n\t"
		"add %[u], %[u], #1\n\t"
		"str %[u], [%[state], %[rents]]\n\t"
		"add %[t], %[t], %[bit], lsl #3\n\t"
		"stlr %[record], [%[t]]"                       /* commit */
		SECTION_COMMITTED
		: [segment] "=&r"(segment), [t] "=&r"(t), [u] "=&r"(u), [mask] "=&r"(mask),
		  [bit] "=&r"(bit), [record] "=&r"(record)
		: [self] "r"(section_rseq(self)), [core] "r"(core.n), [state] "r"(state),
		  [segments] "r"(*segments), [n_segments] "r"(*n_segments), [addend] "r"(*addend),
		  [size] "i"(sizeof(struct thr_segment)),
		  [current] "i"(offsetof(struct thr_core, current)),
		  [rents] "i"(offsetof(struct thr_core, rents_total)),
		  [records] "i"(offsetof(struct thr_segment, record)),
		  [sequence] "i"(RECORD_SEQUENCE_MASK)
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

/* Take `bits` out of the mask. */
static inline enum section section_reserve(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, struct thr_segment *segment, uint64_t bits,
	uint64_t n)
{
	uint64_t t, u;

	__asm__ volatile goto(SECTION_ARM
		"ldr %[t], [%[state], %[current]]\n\t"
		"cmp %[t], %[expected]\n\t"
		"b.ne %l[changed]\n\t"
		"ldr %[t], [%[segment]]\n\t"
		"bics xzr, %[bits], %[t]\n\t"
		"b.ne %l[changed]\n\t"                         /* one is not takeable */
		"bic %[t], %[t], %[bits]\n\t"
		"ldr %[u], [%[state], %[rents]]\n\t"
		"add %[u], %[u], %[n]\n\t"
		"str %[u], [%[state], %[rents]]\n\t"
		"str %[t], [%[segment]]"                       /* commit */
		SECTION_COMMITTED
		: [t] "=&r"(t), [u] "=&r"(u)
		: [self] "r"(section_rseq(self)), [core] "r"(core.n), [state] "r"(state),
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

/* *word = value, if `current` is as expected. */
static inline enum section section_put(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, uint64_t *word, uint64_t value)
{
	uint64_t t;

	__asm__ volatile goto(SECTION_ARM
		"ldr %[t], [%[state], %[current]]\n\t"
		"cmp %[t], %[expected]\n\t"
		"b.ne %l[changed]\n\t"
		"stlr %[value], [%[word]]"                     /* commit */
		SECTION_COMMITTED
		: [t] "=&r"(t)
		: [self] "r"(section_rseq(self)), [core] "r"(core.n), [state] "r"(state),
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

/* End a lease of one slot. */
static inline enum section section_give(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, uint64_t slot, uint64_t value)
{
	uint64_t t, u;

	__asm__ volatile goto(SECTION_ARM
		SECTION_HOLDS
		"add %[t], %[segment], %[slot], lsl #3\n\t"
		"add %[t], %[t], %[records]\n\t"
		"stlr %[value], [%[t]]\n\t"                    /* it has ended [P1] */
		"ldr %[t], [%[state], %[returns]]\n\t"
		"add %[t], %[t], #1\n\t"
		"str %[t], [%[state], %[returns]]\n\t"
		"mov %[u], #1\n\t"
		"lsl %[u], %[u], %[slot]\n\t"
		"ldr %[t], [%[segment]]\n\t"
		"orr %[t], %[t], %[u]\n\t"
		"str %[t], [%[segment]]"                       /* commit */
		SECTION_COMMITTED
		: [t] "=&r"(t), [u] "=&r"(u)
		: [self] "r"(section_rseq(self)), [core] "r"(core.n), [state] "r"(state),
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

/* End n leases whose slots are `bits`. */
static inline enum section section_give_all(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, const uint64_t tokens[2],
	size_t stride, uint64_t n, uint64_t bits)
{
	uint64_t t, value, at, left;

	__asm__ volatile goto(SECTION_ARM
		SECTION_HOLDS
		"mov %[at], %[tokens]\n\t"
		"mov %[left], %[n]\n"
		"5:\n\t"
		"ldr %w[t], [%[at]]\n\t"
		"and %[t], %[t], %[slot]\n\t"                  /* t: which slot of the segment */
		"add %[t], %[segment], %[t], lsl #3\n\t"
		"add %[t], %[t], %[records]\n\t"
		"ldr %[value], [%[at], #8]\n\t"
		"and %[value], %[value], %[sequence]\n\t"      /* the record made FREE */
		"add %[at], %[at], %[stride]\n\t"
		"stlr %[value], [%[t]]\n\t"                    /* this one has ended [P1] */
		"subs %[left], %[left], #1\n\t"
		"b.ne 5b\n\t"
		"ldr %[t], [%[state], %[returns]]\n\t"
		"add %[t], %[t], %[n]\n\t"
		"str %[t], [%[state], %[returns]]\n\t"
		"ldr %[t], [%[segment]]\n\t"
		"orr %[t], %[t], %[bits]\n\t"
		"str %[t], [%[segment]]"                       /* commit */
		SECTION_COMMITTED
		: [t] "=&r"(t), [value] "=&r"(value), [at] "=&r"(at), [left] "=&r"(left)
		: [self] "r"(section_rseq(self)), [core] "r"(core.n), [state] "r"(state),
		  [segment] "r"(segment), [tokens] "r"(tokens), [stride] "r"(stride), [n] "r"(n),
		  [bits] "r"(bits), [slot] "i"(THR_SEGMENT_SLOTS - 1),
		  [sequence] "i"(RECORD_SEQUENCE_MASK),
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

/* Make slots takeable and the segment current. */
static inline enum section section_switch(struct section_self self, struct core_id core,
	struct thr_core *state, uint64_t current, struct thr_segment *segment, uint64_t holder,
	uint64_t takeable, uint64_t next)
{
	uint64_t t;

	__asm__ volatile goto(SECTION_ARM
		"ldr %[t], [%[state], %[current]]\n\t"
		"cmp %[t], %[expected]\n\t"
		"b.ne %l[changed]\n\t"
		"ldr %[t], [%[segment], %[holder]]\n\t"
		"cmp %[t], %[seen]\n\t"
		"b.ne %l[changed]\n\t"
		"ldr %[t], [%[segment]]\n\t"
		"orr %[t], %[t], %[takeable]\n\t"
		"str %[t], [%[segment]]\n\t"
		"str %[next], [%[state], %[current]]"          /* commit */
		SECTION_COMMITTED
		: [t] "=&r"(t)
		: [self] "r"(section_rseq(self)), [core] "r"(core.n), [state] "r"(state),
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

/* Stop holding a segment. */
static inline enum section section_relinquish(struct section_self self, struct core_id core,
	struct thr_core *state, struct thr_segment *segment, uint32_t number, uint64_t holder,
	uint64_t next)
{
	uint64_t t, none;

	__asm__ volatile goto(SECTION_ARM
		"ldr %[t], [%[segment], %[holder]]\n\t"
		"cmp %[t], %[seen]\n\t"
		"b.ne %l[changed]\n\t"
		"ldr %[t], [%[state], %[current]]\n\t"
		"cmp %w[t], %w[number]\n\t"
		"b.ne 5f\n\t"
		"lsr %[t], %[t], #32\n\t"
		"add %w[t], %w[t], #1\n\t"
		"mov %w[none], #-1\n\t"                        /* CURRENT_NONE, zero-extended */
		"orr %[t], %[none], %[t], lsl #32\n\t"
		"str %[t], [%[state], %[current]]\n"          /* the core rents from nothing */
		"5:\n\t"
		"str xzr, [%[segment]]\n\t"                    /* nothing is takeable */
		"add %[t], %[segment], %[holder]\n\t"
		"stlr %[next], [%[t]]"                         /* commit [P7] */
		SECTION_COMMITTED
		: [t] "=&r"(t), [none] "=&r"(none)
		: [self] "r"(section_rseq(self)), [core] "r"(core.n), [state] "r"(state),
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
