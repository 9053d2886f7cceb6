/* SPDX-License-Identifier: MIT */
#ifndef SHM_TRANSITION_H
#define SHM_TRANSITION_H

/*
 * The transitions of a record, run atomically: the one place where records change. The values come
 * from the pure functions of shm/record.h; here they meet memory, by one store or one CAS each.
 * All functions are lock-free, and safe at any moment against the death of whoever runs them.
 *
 * A slot_id handed in must be below class->slots.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include "shm/atomics.h"
#include "shm/id.h"
#include "shm/mask.h"
#include "shm/record.h"
#include "shm/self.h"
#include "shm/view.h"

/*
 * FREE -> LEASED(me), in an open class: begin where this core last found or returned a slot, and go
 * round the whole class once. 0, or -ENOBUFS after a full circle without a free slot. On success
 * *ret_record is the record as stored, which identifies the lease.
 */
int thr_open_claim(const struct thr_class_view *class_, struct core_id core, struct seat_id me,
	struct slot_id *ret_slot, uint64_t *ret_record);

/*
 * The fast path of thr_return(), for a lease of one slot, which lies in `segment` and whose record
 * was `leased` a moment ago. If
 * it is not DONE, thr_return_finish() has to see to it.
 */
static inline enum section return_now(const struct thr_class_view *class_,
	const struct thr_self *self, struct core_id core, struct thr_segment *segment,
	struct slot_id slot, uint64_t leased)
{
	return section_give(self->section, core, &class_->cores[core.n], segment,
		slot.n % THR_SEGMENT_SLOTS, record_free(leased));
}

/* The record was `leased`, and if it is not any more, the return has happened: nobody but the owner
 * ends a lease. Otherwise it happens now. */
void thr_return_finish(const struct thr_class_view *class_, const struct thr_self *self,
	struct slot_id slot, uint64_t leased);

/*
 * LEASED(me) -> FREE: one release store by the owner [P1]; on the core that holds the segment also
 * the slots' bits in the mask. 0, or -ESTALE if the record is not `leased` any more.
 */
int thr_return(const struct thr_class_view *class_, const struct thr_self *self,
	struct slot_id slot, uint64_t leased);

/*
 * LEASED(me) -> PENDING(to): one release store by the owner [P2]. 0, or -ESTALE. *ret_record is
 * what the receiver accepts.
 */
int thr_hand_over(const struct thr_class_view *class_, struct slot_id slot, uint64_t leased,
	struct seat_id me, struct seat_id to, uint64_t *ret_record);

/*
 * Undo a hand-over whose receiver turned out to be gone. True if the lease is the sender's again,
 * with the record it had; false if it was accepted or reclaimed meanwhile.
 */
bool thr_take_back(const struct thr_class_view *class_, struct slot_id slot, uint64_t pending,
	uint64_t leased);

/*
 * PENDING(me) -> LEASED(me): CAS, since the daemon may take back what a dead sender never
 * delivered. 0, or -ESTALE. *ret_record identifies the lease.
 */
int thr_accept(const struct thr_class_view *class_, struct slot_id slot, uint64_t pending,
	uint64_t *ret_record);

#endif
