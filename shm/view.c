/* SPDX-License-Identifier: MIT */
/*
 * Turn a checked geometry and a base address into pointers; and give an arena's pages the few
 * values that are not zero at the start.
 */

#include "shm/view.h"
#include "shm/atomics.h"
#include "shm/circle.h"

void thr_view_init(struct thr_view *view, void *base, const struct thr_geometry *geometry)
{
	uint8_t *at = base;
	uint32_t i;

	*view = (struct thr_view){
		.control = base,
		.seats = (struct thr_seat *)(at + geometry->seats_offset),
		.n_seats = geometry->seats,
		.n_cores = geometry->cores,
		.n_classes = geometry->classes,
	};
	for (i = 0; i < geometry->classes; i++) {
		const struct thr_class_geometry *g = &geometry->class_[i];

		view->class_[i] = (struct thr_class_view){
			.segments = (struct thr_segment *)(at + g->segments_offset),
			.cores = (struct thr_core *)(at + g->cores_offset),
			.senders = (uint16_t *)(at + g->senders_offset),
			.data = at + g->data_offset,
			.stride_bytes = g->stride_bytes,
			.slots = g->slots,
			.n_segments = g->segments,
			.n_cores = geometry->cores,
		};
	}
}

void thr_view_format(struct thr_view *view)
{
	uint32_t i, core;

	for (i = 0; i < view->n_classes; i++) {
		struct thr_class_view *c = &view->class_[i];

		for (core = 0; core < c->n_cores; core++) {
			c->cores[core].arc_first = circle_arc(core, c->n_cores, c->slots);
			c->cores[core].arc_end = circle_arc(core + 1, c->n_cores, c->slots);
			c->cores[core].cursor = c->cores[core].arc_first;
		}
	}
	store_release(&view->control->magic, THR_CONTROL_MAGIC);
}
