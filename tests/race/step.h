/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RACE_STEP_H
#define TESTS_RACE_STEP_H

/* Included before all else in the build that pauses between accesses to shared memory. */

void thr_step(void);

#define THR_STEP() thr_step()
#define THR_STEP_DECLARED

#endif
