/* SPDX-License-Identifier: MIT */
#ifndef SHM_LANE_H
#define SHM_LANE_H

/*
 * Renting as a thread, where there are no restartable sequences: an old kernel or C library, an
 * emulator, a debugger that steps, a core that may not hold segments. A lane is a place in a
 * process' private memory that one thread at a time uses. It holds one segment of each class, keeps
 * a mask of it where nobody else can spoil it, and claims by CAS, so that anybody can take the
 * segment away at any moment, even while the thread is stopped (thr_segment_revoke()).
 *
 * When a process dies its lanes go with it; the daemon gives up what they held.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/abi.h"
#include "shm/core.h"
#include "shm/self.h"
#include "shm/view.h"

#define LANES 64u

struct thr_lane {
	uint32_t is_busy; /* a thread is in it */
	struct {
		uint32_t segment; /* that it holds, as long as its holder word is `holder` */
		uint64_t holder;
		uint64_t mask;    /* slots of it that it found takeable, and did not claim yet */
	} class_[THR_CLASSES_MAX];
} THR_ALIGNED_LINE;

/* Lanes of a client, zeroed before. */
void thr_lanes_init(struct thr_lane lanes[LANES]);

/*
 * Lease n slots in a row, n from 1 to 64. DONE, DRY or ASKED. At most LANES threads of a process
 * can be in here at once; another waits for one of them.
 */
enum core_outcome thr_lane_rent(const struct thr_class_view *class_, uint32_t class_index,
	const struct thr_self *self, struct thr_lane lanes[LANES], unsigned n,
	struct slot_id *ret_slot, uint64_t *ret_record);

/* Give up what the lanes of a seat hold in a class. By the daemon when the client is gone, or by
 * the client when no thread of it is in a lane any more. */
void thr_lanes_end(const struct thr_class_view *class_, struct seat_id seat);

#endif
