/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GROWTH_RECLAIM_H
#define BENCH_GROWTH_RECLAIM_H

/* The class whose slots the victim has, all of them: too large to be had as a run of others. */
#define RECLAIM_BYTES 8192
#define RECLAIM_SLOTS_HELD 16

struct job;

/* A job whose value is how many us it took from the SIGKILL of a client that had all slots of that
 * class until another client, who waits for them, had them. */
void reclaim_once(struct job *job);

#endif
