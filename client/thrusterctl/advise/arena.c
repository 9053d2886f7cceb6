/* SPDX-License-Identifier: MIT */
/* From the statistics of an arena to the figures of each class, and to seats and bytes. */

#include <string.h>
#include "client/thrusterctl/advise/arena.h"
#include "client/thrusterctl/answer.h"
#include "shm/geometry.h"

static uint32_t count_used(const json_t *class_)
{
	uint32_t n = 0;
	json_t *core;
	size_t i;

	json_array_foreach(json_object_get(class_, "cores"), i, core)
		n += answer_number(core, "rents_total") > 0;
	return n;
}

static struct advise_figures read_figures(const json_t *class_, uint64_t seconds)
{
	uint64_t ended = answer_number(class_, "returns_total") +
			 answer_number(class_, "reclaimed_total");
	size_t cores = json_array_size(json_object_get(class_, "cores"));

	return (struct advise_figures){
		.slots = answer_number(class_, "slots"),
		.peak = answer_number(class_, "leased_peak"),
		.exhausted = answer_number(class_, "exhausted_total"),
		.rents = answer_number(class_, "rents_total"),
		.knows_waiters = json_object_get(class_, "waiters_peak") != NULL,
		.waiters_peak = answer_number(class_, "waiters_peak"),
		.leased = answer_number(class_, "leased"),
		.leases = answer_number(class_, "rents_total") - ended,
		.is_core = strcmp(answer_string(class_, "claim"), "core") == 0,
		.cores = cores ? (uint32_t)cores : 1,
		.cores_used = count_used(class_),
		.seconds = seconds,
	};
}

/* Did rents of clients that are there fail though no class was ever full? Then what was free was
 * in the hands of other cores. */
static bool are_held_back(const json_t *arena)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(arena, "classes"), i, one)
		if (answer_number(one, "exhausted_total"))
			return false;
	json_array_foreach(json_object_get(arena, "clients"), i, one)
		if (answer_number(one, "exhausted_total"))
			return true;
	return false;
}

static void read_classes(struct advise_arena *a, uint64_t seconds)
{
	bool is_held_back = are_held_back(a->arena), is_spilt = false;
	json_t *class_;
	size_t i;

	json_array_foreach(json_object_get(a->arena, "classes"), i, class_) {
		struct advise_figures *f = &a->figures[i];

		if (i == THR_CLASSES_MAX)
			break;
		*f = read_figures(class_, seconds);
		f->is_held_back = is_held_back || (!f->exhausted && f->waiters_peak);
		f->is_spilt_into = is_spilt;
		is_spilt |= f->exhausted > 0;
		a->n_classes++;
	}
}

/* Seats cost little, so there are never fewer advised than there are. */
static void judge_clients(struct advise_arena *a, unsigned headroom)
{
	uint64_t peak = answer_number(a->arena, "clients_peak"), n;

	a->clients = json_array_size(json_object_get(a->arena, "clients"));
	a->clients = peak > a->clients ? peak : a->clients;
	a->max_clients = answer_number(a->arena, "max_clients");
	a->advised_clients = a->max_clients;
	if (a->clients * 10 < a->max_clients * 9)
		return;
	/* With all seats taken nobody knows how many more were refused. */
	n = a->clients >= a->max_clients ? 2 * a->clients
					 : a->clients + (a->clients * headroom + 99) / 100;
	if (n > a->advised_clients)
		a->advised_clients = n < THR_SEATS_MAX ? n : THR_SEATS_MAX;
}

static void judge_size(struct advise_arena *a)
{
	struct thr_class_spec specs[THR_CLASSES_MAX];
	struct thr_geometry geometry;
	json_t *class_;
	uint32_t i;

	for (i = 0; i < a->n_classes; i++) {
		class_ = json_array_get(json_object_get(a->arena, "classes"), i);
		specs[i] = (struct thr_class_spec){
			.slot_bytes = answer_number(class_, "slot_bytes"),
			.slots = (uint32_t)a->class_[i].slots,
			.align_bytes = (uint32_t)answer_number(class_, "align_bytes"),
		};
	}
	a->is_possible =
		a->n_classes &&
		thr_geometry_init(&geometry, a->figures[0].cores, (uint32_t)a->advised_clients,
			specs, a->n_classes) == 0 &&
		thr_geometry_set_page(&geometry,
			answer_number(json_object_get(a->arena, "memory"), "page_bytes")) == 0;
	if (a->is_possible)
		a->size_bytes = geometry.arena_bytes;
}

struct advise_arena advise_arena(
	const json_t *arena, uint64_t seconds, const struct advise_terms *terms)
{
	struct advise_arena a = { .arena = arena };
	uint32_t i;

	read_classes(&a, seconds);
	for (i = 0; i < a.n_classes; i++)
		a.class_[i] = advise_class(&a.figures[i], terms);
	judge_clients(&a, terms->headroom);
	judge_size(&a);
	return a;
}
