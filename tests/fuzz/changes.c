/* SPDX-License-Identifier: MIT */
/* Two copies of the metadata are compared, and each word that differs is called by its name. */

#include <stddef.h>
#include "shm/holder.h"
#include "shm/record.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/changes.h"

void changes_init(struct changes *changes, const struct arena *arena)
{
	*changes = (struct changes){ arena, malloc(arena->geometry.metadata_bytes) };
	must(changes->before, "memory");
}

void changes_fini(struct changes *changes)
{
	free(changes->before);
}

void changes_begin(struct changes *changes)
{
	memcpy(changes->before, changes->arena->pages, changes->arena->geometry.metadata_bytes);
}

static enum change in_control(uint64_t at)
{
	return at == offsetof(struct thr_control, magic) ||
			       at == offsetof(struct thr_control, waiting) ||
			       at == offsetof(struct thr_control, wakes) ||
			       at == offsetof(struct thr_control, visits)
		       ? CHANGE_WAKES
		       : CHANGE_OTHER;
}

static enum change in_core(uint64_t at)
{
	switch (at) {
	case offsetof(struct thr_core, current):
		return CHANGE_CURRENT;
	case offsetof(struct thr_core, asked):
		return CHANGE_ASKED;
	default:
		return CHANGE_OTHER;
	}
}

static enum change in_segment(uint64_t at, unsigned slots)
{
	switch (at) {
	case offsetof(struct thr_segment, mask):
		return CHANGE_MASK;
	case offsetof(struct thr_segment, holder):
		return CHANGE_HOLDER;
	case offsetof(struct thr_segment, returned):
		return CHANGE_RETURNED;
	default:
		return at >= offsetof(struct thr_segment, record) &&
				       at < offsetof(struct thr_segment, record) +
						       slots * sizeof(uint64_t)
			       ? CHANGE_RECORD
			       : CHANGE_OTHER;
	}
}

/* What the 64-bit word at an offset of the arena is. */
static enum change name_of(const struct arena *arena, uint64_t at)
{
	const struct thr_geometry *g = &arena->geometry;
	uint32_t i, segment;

	if (at < sizeof(struct thr_control))
		return in_control(at);
	for (i = 0; i < g->classes; i++) {
		const struct thr_class_geometry *c = &g->class_[i];
		uint64_t in = at - c->segments_offset;

		if (at - c->cores_offset < g->cores * sizeof(struct thr_core))
			return in_core((at - c->cores_offset) % sizeof(struct thr_core));
		if (in < c->segments * sizeof(struct thr_segment)) {
			segment = (uint32_t)(in / sizeof(struct thr_segment));
			return in_segment(in % sizeof(struct thr_segment),
				class_segment_slots(&arena->view.class_[i], segment));
		}
		if (at - c->senders_offset < c->slots * sizeof(uint16_t))
			return CHANGE_SENDER;
	}
	return CHANGE_OTHER;
}

static uint64_t word_at(const void *base, uint64_t at)
{
	uint64_t word;

	memcpy(&word, (const uint8_t *)base + at, sizeof(word));
	return word;
}

static bool may_become(uint64_t was, uint64_t is, unsigned allowed)
{
	if (!(allowed & CHANGE_USED))
		return is == record_free(was);
	return record_is_free(was) && record_is_free(is) && record_leases_between(was, is) <= 1;
}

void changes_must_be(const struct changes *changes, unsigned allowed)
{
	const struct arena *a = changes->arena;
	uint64_t at, was, is;
	enum change name;

	if (memcmp(changes->before, a->pages, a->geometry.metadata_bytes) == 0)
		return;
	for (at = 0; at < a->geometry.metadata_bytes; at += sizeof(uint64_t)) {
		was = word_at(changes->before, at);
		is = word_at(a->pages, at);
		if (was == is)
			continue;
		name = name_of(a, at);
		must(name & allowed, "at %llu: %#x was %#llx, is %#llx", (unsigned long long)at,
			(unsigned)name, (unsigned long long)was, (unsigned long long)is);
		must(name != CHANGE_RECORD || may_become(was, is, allowed), "a record became %#llx",
			(unsigned long long)is);
	}
}

void changes_must_have_freed(const struct changes *changes, struct seat_id seat)
{
	const struct arena *a = changes->arena;
	struct slot_id slot;
	uint32_t i, who;

	for (i = 0; i < a->view.n_classes; i++) {
		const struct thr_class_view *c = &a->view.class_[i];

		for (slot.n = 0; slot.n < c->slots; slot.n++) {
			const uint64_t *record = class_record(c, slot);
			uint64_t was = word_at(changes->before,
				(uint64_t)((const uint8_t *)record - (uint8_t *)a->pages));

			must(!record_is_owned_by(*record, seat), "slot %u is left", slot.n);
			must(record_is_owned_by(was, seat) || *record == was,
				"slot %u was not the seat's", slot.n);
			if (record_is_pending(*record))
				must(seat.n == 0 || c->senders[slot.n] != seat.n,
					"slot %u still has its sender", slot.n);
		}
		for (slot.n = 0; slot.n < c->n_segments; slot.n++) {
			who = holder_who(c->segments[slot.n].holder);
			must(!holder_is_thread(who) || !seat_id_equal(holder_seat(who), seat),
				"segment %u is still held", slot.n);
		}
	}
}

void census_must_add_up(const struct arena *arena)
{
	const struct census *census = &arena->census;
	uint64_t heads = 0, leases = 0;
	struct slot_id slot;
	uint32_t i;

	for (i = 0; i < arena->view.n_classes; i++) {
		const struct thr_class_view *c = &arena->view.class_[i];
		const struct thr_class_figures *f = &census->class_[i].figures;

		for (slot.n = 0; slot.n < c->slots; slot.n++)
			heads += !record_is_free(*class_record(c, slot));
		must(f->free + f->leased == c->slots, "free and leased");
		must(f->takeable + f->unheld <= f->free, "takeable and unheld");
		must(f->free_min <= f->free && f->leased_peak >= f->leased, "extremes");
		must(census->class_[i].pending <= f->leased, "pending");
	}
	for (i = 0; i <= census->n_seats; i++)
		leases += census->seats[i].leases;
	must(leases == heads, "%llu leases, %llu heads", (unsigned long long)leases,
		(unsigned long long)heads);
}
