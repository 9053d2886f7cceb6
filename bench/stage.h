/* SPDX-License-Identifier: MIT */
#ifndef BENCH_STAGE_H
#define BENCH_STAGE_H

/*
 * What the program and its workers share for one sample: one memfd, mapped by each. The program
 * writes the orders before it starts the workers and reads the reports when all have ended;
 * between, the workers meet here, and pass on what their pipes carry. No pointers: everybody maps
 * it elsewhere.
 */

#include <stddef.h>
#include <stdint.h>
#include "bench/cas-mask.h"
#include "bench/circle.h"
#include "bench/queue.h"
#include "bench/ring.h"
#include "bench/stacks.h"
#include "bench/storm.h"

#define LANES_MAX 64u /* a lane is one thread of one worker process */
#define SLOTS_MAX 4096u
#define STRIDE_MAX 4160u
#define BUFFERS_BYTES (96u << 20) /* all are sparse */

enum meeting { MEET_READY, MEET_START, MEET_END, MEETINGS };

struct orders {
	uint64_t ops, warm_ops; /* of each lane */
	int64_t dry_ns_max;     /* nothing came free for so long: it never will */
	uint64_t stride_bytes;  /* from buffer to buffer of an ancestor's pool */
	uint32_t n_cores;
	int32_t core[LANES_MAX];
	char socket[108];
	uint32_t number; /* of the sample */
	int32_t mounts;  /* a descriptor of those to join, of the engine's daemon; 0: the usual */
};

/* Written by its lane only. */
struct report {
	_Alignas(APART) int64_t start_ns, end_ns, cpu_ns;
	uint64_t dry;      /* found nothing free, and tried again */
	uint64_t rents;    /* of Kestrel's pipe */
	uint64_t switches; /* taken off its core unasked, while it was timed */
	int32_t thread;    /* kernel's id */
	uint32_t client;   /* thruster_client_id() */
	uint64_t done;     /* of a lane in a storm: it only grows; slots drained */
	uint64_t life;     /* which process has the lane; 0: none, or one that is being killed */
	char error[160];
};

struct stage {
	struct orders orders;
	_Alignas(APART) uint32_t arrived[MEETINGS];
	uint32_t is_made; /* not 0: the first process has made what others wait for */
	_Alignas(APART) uint32_t finished; /* lanes that have done what is timed */
	_Alignas(APART) uint64_t ball;     /* the line that goes to and fro */
	struct report report[LANES_MAX];
	struct storm storm;
	struct ring ring;
	/* The pools of our ancestry: one of them is used in a sample. */
	union {
		struct cas_mask cas_mask;
		struct circle circle;
		struct queue queue;
		struct stacks stacks;
	};
	_Alignas(4096) unsigned char buffers[BUFFERS_BYTES];
};

/* A new one, zeroed, and its descriptor; or a negative errno. Pages appear as they are touched. */
int stage_new(struct stage **ret, int *ret_fd);

/* Map the one that `fd` is. */
int stage_open(struct stage **ret, int fd);

/* All zero but the buffers. Nobody else has it open. */
void stage_reset(struct stage *stage, int fd);

/* Wait until all `lanes` have come to the meeting. */
void stage_meet(struct stage *stage, enum meeting meeting, unsigned lanes);

#endif
