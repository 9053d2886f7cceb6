/* SPDX-License-Identifier: MIT */
/*
 * Turn a checked geometry and a base address into pointers; and give an arena's pages the few
 * values that are not zero at the start.
 */

#include "shm/view.h"
#include "shm/atomics.h"
#include "shm/circle.h"
#include "shm/holder.h"

/* Sizes of `bits` bits, less 1, begin behind 2^(bits - 1). */
static uint8_t first_class_for(const struct thr_view *view, unsigned bits)
{
	uint32_t i = 0;

	while (bits > 0 && i + 1 < view->n_classes &&
		view->class_[i].stride_bytes <= (uint64_t)1 << (bits - 1))
		i++;
	return (uint8_t)i;
}

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
			.is_open = g->claim == THR_CLAIM_OPEN,
			.index = (uint8_t)i,
		};
	}
	for (i = 0; i < sizeof(view->first_class); i++)
		view->first_class[i] = first_class_for(view, i);
}

void thr_view_set_tag(struct thr_view *view, uint64_t nonce)
{
	uint32_t i;

	for (i = 0; i < view->n_classes; i++)
		view->class_[i].arena = view_tag(nonce);
}

static void format_core(const struct thr_class_view *c, uint32_t core)
{
	struct thr_core *state = &c->cores[core];
	unsigned i;

	state->current = CURRENT_NONE;
	for (i = 0; i < THR_CORE_HELD_MAX; i++)
		state->held[i] = CURRENT_NONE;
	state->arc_first = circle_arc(core, c->n_cores, c->slots);
	state->arc_end = circle_arc(core + 1, c->n_cores, c->slots);
	state->cursor = c->is_open ? state->arc_first
				   : circle_arc(core, c->n_cores, c->n_segments);
}

void thr_view_format(struct thr_view *view)
{
	uint32_t i, j;

	for (i = 0; i < view->n_classes; i++) {
		const struct thr_class_view *c = &view->class_[i];

		for (j = 0; j < c->n_cores; j++)
			format_core(c, j);
		for (j = 0; j < c->n_segments; j++)
			c->segments[j].returned = 1; /* a first walk pays */
	}
	store_release(&view->control->magic, THR_CONTROL_MAGIC);
}
