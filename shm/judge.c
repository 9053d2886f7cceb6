/* SPDX-License-Identifier: MIT */
/*
 * One pass over the segments, and then one over the cores. Words change while they are looked at,
 * and no two can be read at once. But none of them ever takes the same value twice, so a word that
 * is the same before and after another was read had that value when it was read. What is judged
 * about several words is judged only about those that stood still like that; a claim that passed in
 * the meantime is not seen, and a broken rule that stays broken is.
 */

#include <stddef.h>
#include "shm/atomics.h"
#include "shm/cover.h"
#include "shm/holder.h"
#include "shm/judge.h"
#include "shm/record.h"

struct bench {
	const struct thr_class_view *class_;
	const uint32_t *roster;
	uint32_t n_seats;
	uint32_t claim;
	uint32_t segment;
	unsigned slots;
	uint64_t mask;
	uint64_t holder, holder_after;
	uint64_t record[THR_SEGMENT_SLOTS];
	uint64_t still[THR_SEGMENT_SLOTS]; /* the same, where it did not change; else 0 */
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
	for (i = 0; i < b->slots; i++)
		b->record[i] = load_acquire(&s->record[i]); /* [P2]: with its sender */
	b->holder = load_acquire(&s->holder);
	b->mask = load_acquire(&s->mask);
	b->holder_after = load_acquire(&s->holder);
	for (i = 0; i < b->slots; i++)
		b->still[i] = load_acquire(&s->record[i]) == b->record[i] ? b->record[i] : 0;
}

static bool holder_is_known(const struct bench *b)
{
	uint32_t who = holder_who(b->holder);

	if (who == HOLDER_NOBODY)
		return true;
	if (b->claim == THR_CLAIM_OPEN)
		return false;
	if (holder_is_thread(who))
		return holder_seat(who).n >= 1 && holder_seat(who).n <= b->n_seats;
	if (who == HOLDER_REVOKED)
		return true;
	who &= ~HOLDER_BURIED;
	return holder_is_core(who) && holder_core(who).n < b->class_->n_cores;
}

static enum thr_rule judge_cover(const struct bench *b, unsigned *ret_slot)
{
	struct cover c = cover_of(b->still, b->slots);
	uint64_t stray = b->mask & (c.leased | ~mask_low(b->slots));

	if (c.overruns) {
		*ret_slot = mask_lowest(c.overruns);
		return THR_RULE_OVERRUN;
	}
	if (c.overlaps) {
		*ret_slot = mask_lowest(c.overlaps);
		return THR_RULE_OVERLAP;
	}
	if (stray) {
		*ret_slot = mask_lowest(stray) < b->slots ? mask_lowest(stray) : 0;
		return THR_RULE_MASK;
	}
	return THR_RULE_NONE;
}

static enum thr_rule judge_segment(struct bench *b, unsigned *ret_slot)
{
	enum thr_rule rule;
	unsigned i;

	bench_load(b);
	for (i = 0; i < b->slots; i++) {
		rule = judge_record(b, i);
		if (rule != THR_RULE_NONE) {
			*ret_slot = i;
			return rule;
		}
	}
	rule = judge_cover(b, ret_slot);
	if (rule != THR_RULE_NONE)
		return rule;
	*ret_slot = 0;
	if (!holder_is_known(b))
		return THR_RULE_HOLDER;
	/* A core that is buried still has its mask. */
	if (b->mask && b->holder == b->holder_after && !holder_is_core(holder_who(b->holder)) &&
		!(holder_who(b->holder) & HOLDER_BURIED))
		return THR_RULE_UNHELD;
	return THR_RULE_NONE;
}

static enum thr_rule judge_core(const struct thr_class_view *class_, struct core_id core,
	uint32_t *ret_segment)
{
	const struct thr_core *state = &class_->cores[core.n];
	uint64_t current = load_acquire(&state->current), holder;
	uint32_t segment = current_segment(current);

	if (segment == CURRENT_NONE)
		return THR_RULE_NONE;
	*ret_segment = segment < class_->n_segments ? segment : 0;
	if (segment >= class_->n_segments || class_->is_open)
		return THR_RULE_CURRENT;
	holder = load_acquire(&class_->segments[segment].holder);
	if ((holder_who(holder) & ~HOLDER_BURIED) != holder_of_core(core) &&
		load_acquire(&state->current) == current)
		return THR_RULE_CURRENT;
	return THR_RULE_NONE;
}

static void judge_cores(const struct thr_view *view, struct thr_verdict *v)
{
	struct core_id core;
	uint32_t i, segment = 0;

	for (i = 0; i < view->n_classes; i++) {
		for (core.n = 0; core.n < view->n_cores; core.n++) {
			v->rule = judge_core(&view->class_[i], core, &segment);
			if (v->rule == THR_RULE_NONE)
				continue;
			v->class_ = i;
			v->slot.n = segment * THR_SEGMENT_SLOTS;
			v->record = load_relaxed(class_record(&view->class_[i], v->slot));
			return;
		}
	}
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
	judge_cores(view, &v);
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
