/* SPDX-License-Identifier: MIT */
/* Whether there are restartable sequences is found out once, when a client attaches. */

#include "shm/self.h"

void thr_self_init(struct thr_self *self, struct seat_id seat, const struct thr_view *view,
	const uint64_t *visitable)
{
	*self = (struct thr_self){
		.addend = record_lease_addend(seat, 1),
		.seat = seat,
		.n_cores_all = view->n_cores,
		.visitable = visitable,
		.control = view->control,
		.n_seats = view->n_seats,
	};
	if (section_self_init(&self->section) && visitable)
		self->n_cores = view->n_cores;
}
