/* SPDX-License-Identifier: MIT */
/*
 * One pass over the segments. The records of a segment are loaded once, into private memory, and
 * judged there. A lease may be returned and its slots leased anew between two of those loads, so
 * rules that need two records at a time are put to a second look before they are called broken.
 */

#include <stddef.h>
#include "shm/atomics.h"
#include "shm/cover.h"
#include "shm/judge.h"
#include "shm/record.h"

#define LOOKS 8

struct bench {
	const struct thr_class_view *class_;
	const uint32_t *roster;
	uint32_t n_seats;
	uint32_t claim;
	uint32_t segment;
	unsigned slots;
	uint64_t mask;
	uint64_t record[THR_SEGMENT_SLOTS];
};

static bool seat_is_taken(const struct bench *b, struct seat_id seat)
{
	return seat.n >= 1 && seat.n <= b->n_seats &&
	       load_relaxed(&b->roster[seat.n]) != 0;
}

/*
 * A hand-over to a client that has just gone is undone by its sender or by the daemon, but for a
 * moment the record names a vacant seat. So pending records need an owner in range, no more.
 */
static enum thr_rule judge_record(const struct bench *b, unsigned i)
{
	uint64_t r = b->record[i];
	uint16_t sender;

	if (!record_is_well_formed(r))
		return THR_RULE_RECORD;
	if (record_is_free(r))
		return THR_RULE_NONE;
	if (record_owner(r).n > b->n_seats)
		return THR_RULE_OWNER;
	if (record_is_leased(r) && !seat_is_taken(b, record_owner(r)))
		return THR_RULE_OWNER;
	if (b->claim == THR_CLAIM_OPEN && record_run(r) != 1)
		return THR_RULE_SINGLE;
	if (record_is_pending(r)) {
		sender = load_relaxed(&b->class_->senders[b->segment * THR_SEGMENT_SLOTS + i]);
		if (sender > b->n_seats)
			return THR_RULE_SENDER;
	}
	return THR_RULE_NONE;
}

static void bench_load(struct bench *b)
{
	const struct thr_segment *s = &b->class_->segments[b->segment];
	unsigned i;

	b->slots = class_segment_slots(b->class_, b->segment);
	b->mask = load_relaxed(&s->mask);
	for (i = 0; i < b->slots; i++)
		b->record[i] = load_acquire(&s->record[i]); /* [P2]: with its sender */
}

static enum thr_rule judge_loaded(const struct bench *b, unsigned *ret_slot)
{
	const struct thr_segment *s = &b->class_->segments[b->segment];
	struct cover c;
	enum thr_rule rule;
	uint64_t stray;
	unsigned i;

	for (i = 0; i < b->slots; i++) {
		rule = judge_record(b, i);
		if (rule != THR_RULE_NONE) {
			*ret_slot = i;
			return rule;
		}
	}
	c = cover_of(b->record, b->slots);
	if (c.overruns) {
		*ret_slot = mask_lowest(c.overruns);
		return THR_RULE_OVERRUN;
	}
	if (c.overlaps) {
		*ret_slot = mask_lowest(c.overlaps);
		return THR_RULE_OVERLAP;
	}
	stray = b->mask & ~c.takeable;
	if (stray) {
		*ret_slot = mask_lowest(stray) < b->slots ? mask_lowest(stray) : 0;
		return THR_RULE_MASK;
	}
	if (b->claim == THR_CLAIM_OPEN && load_relaxed(&s->holder) != 0) {
		*ret_slot = 0;
		return THR_RULE_HOLDER;
	}
	return THR_RULE_NONE;
}

static enum thr_rule judge_segment(struct bench *b, unsigned *ret_slot)
{
	enum thr_rule rule = THR_RULE_NONE;
	unsigned looks;

	for (looks = 0; looks < LOOKS; looks++) {
		bench_load(b);
		rule = judge_loaded(b, ret_slot);
		if (rule == THR_RULE_NONE)
			break;
	}
	return rule;
}

struct thr_verdict thr_judge(const struct thr_view *view, const uint32_t *roster,
	const uint32_t *claims)
{
	struct thr_verdict v = { 0 };
	struct bench b = { .roster = roster, .n_seats = view->n_seats };
	unsigned slot = 0;
	uint32_t i;

	if (load_acquire(&view->control->magic) != THR_CONTROL_MAGIC) {
		v.rule = THR_RULE_CONTROL;
		return v;
	}
	for (i = 0; i < view->n_classes; i++) {
		b.class_ = &view->class_[i];
		b.claim = claims[i];
		for (b.segment = 0; b.segment < b.class_->n_segments; b.segment++) {
			v.rule = judge_segment(&b, &slot);
			if (v.rule != THR_RULE_NONE) {
				v.class_ = i;
				v.slot.n = b.segment * THR_SEGMENT_SLOTS + slot;
				v.record = b.record[slot];
				return v;
			}
			v.slots_seen += b.slots;
		}
	}
	return v;
}

const char *thr_rule_name(enum thr_rule rule)
{
	static const char *const names[] = {
		[THR_RULE_NONE] = "none",
#define X(name, word, text) [THR_RULE_##name] = word,
		THR_RULES(X)
#undef X
	};

	return (size_t)rule < sizeof(names) / sizeof(names[0]) ? names[rule] : "unknown";
}

const char *thr_rule_text(enum thr_rule rule)
{
	static const char *const texts[] = {
		[THR_RULE_NONE] = "every rule holds",
#define X(name, word, text) [THR_RULE_##name] = text,
		THR_RULES(X)
#undef X
	};

	return (size_t)rule < sizeof(texts) / sizeof(texts[0]) ? texts[rule] : "unknown";
}
