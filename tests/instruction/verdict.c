/* SPDX-License-Identifier: MIT */
/*
 * The table of beliefs: for each slot, the record that somebody says to hold it by. It is filled
 * from the bags of all who live and laid beside the records of the arena.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "client/pool.h"
#include "shm/atomics.h"
#include "shm/judge.h"
#include "shm/record.h"
#include "shm/token.h"
#include "tests/instruction/verdict.h"

#define CLASSES 3u
#define SLOTS_MAX 65536u
#define RENT_S 30

/* Shared, though nobody else looks at it: each fork would have it copied otherwise. */
static struct beliefs {
	uint64_t held_by[CLASSES][SLOTS_MAX]; /* records; a run's in each slot that it covers */
	bool is_tail[CLASSES][SLOTS_MAX];
} *beliefs;
static unsigned covered;

const char *verdict(const char *format, ...)
{
	static char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return text;
}

const char *verdict_now(struct world *w)
{
	const struct thr_geometry *g = &w->pool->board->geometry;
	uint32_t claims[THR_CLASSES_MAX], i;
	struct thr_verdict v;

	for (i = 0; i < g->classes; i++)
		claims[i] = g->class_[i].claim;
	v = thr_judge(&w->pool->view, w->pool->roster, claims);
	if (v.rule == THR_RULE_NONE)
		return NULL;
	return verdict("rule %s: not so: %s; class %u, slot %u, record %#llx",
		thr_rule_name(v.rule), thr_rule_text(v.rule), v.class_, v.slot.n,
		(unsigned long long)v.record);
}

static const char *believe(const struct thruster_lease *lease)
{
	uint32_t class_ = where_class(lease->token[0]), slot = where_slot(lease->token[0]).n;
	unsigned i, run = record_run(lease->token[1]);

	for (i = 0; i < run; i++) {
		if (beliefs->held_by[class_][slot + i])
			return verdict("second owner: class %u, slot %u is in two bags", class_,
				slot + i);
		beliefs->held_by[class_][slot + i] = lease->token[1];
		beliefs->is_tail[class_][slot + i] = i > 0;
	}
	covered += run;
	return NULL;
}

static const char *believe_all(const struct holding *h)
{
	const char *fault = NULL;
	unsigned i;

	for (i = 0; i < h->n && !fault; i++)
		fault = believe(&h->lease[i]);
	return fault;
}

static const char *compare(const struct world *w)
{
	const struct thr_view *view = &w->pool->view;
	struct slot_id slot;
	uint32_t i;

	for (i = 0; i < view->n_classes; i++) {
		for (slot.n = 0; slot.n < view->class_[i].slots; slot.n++) {
			uint64_t is = load_acquire(class_record(&view->class_[i], slot));
			uint64_t said = beliefs->held_by[i][slot.n];

			if (!said && !record_is_free(is))
				return verdict("lost: class %u, slot %u is leased to seat %u,"
					" and nobody knows", i, slot.n, record_owner(is).n);
			if (said && !beliefs->is_tail[i][slot.n] && is != said)
				return verdict("second owner: class %u, slot %u: seat %u holds it"
					" by %#llx, the record is %#llx", i, slot.n,
					record_owner(said).n, (unsigned long long)said,
					(unsigned long long)is);
		}
	}
	return NULL;
}

static const char *compare_stamps(const struct world *w)
{
	const struct thruster_lease *lease;
	unsigned i;
	size_t j;

	for (i = 0; i < w->bystander.n; i++) {
		lease = &w->bystander.lease[i];
		for (j = 0; j < lease->size; j++)
			if (((const unsigned char *)lease->data)[j] != i + 1)
				return verdict("disturbed: byte %zu of the bystander's buffer %u",
					j, i);
	}
	return NULL;
}

static const char *take_stock(struct world *w, const struct holding *victim)
{
	const struct holding *bags[] = {
		&w->bystander, &w->stage->mine, &w->stage->near, &w->stage->far, victim
	};
	const char *fault = verdict_now(w);
	size_t i;

	if (!beliefs)
		beliefs = mmap(NULL, sizeof(*beliefs), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (beliefs == MAP_FAILED)
		harness_fail("mmap: %s", strerror(errno));
	for (i = 0; i < CLASSES; i++)
		memset(beliefs->held_by[i], 0,
			w->pool->view.class_[i].slots * sizeof(beliefs->held_by[i][0]));
	covered = 0;
	for (i = 0; i < sizeof(bags) / sizeof(bags[0]) && !fault; i++)
		if (bags[i])
			fault = believe_all(bags[i]);
	if (!fault)
		fault = compare(w);
	if (!fault)
		fault = compare_stamps(w);
	return fault;
}

const char *verdict_beliefs(struct world *w)
{
	if (w->stage->wrong[0])
		return verdict("wrong answer: %s", w->stage->wrong);
	if (!take_delivery(w->pool) || !companion_send(&w->far, ERRAND_TAKE))
		return verdict("wrong answer: what was handed over cannot be accepted");
	return take_stock(w, &w->stage->victim);
}

static unsigned slots_of(const struct world *w)
{
	unsigned i, n = 0;

	for (i = 0; i < w->pool->view.n_classes; i++)
		n += w->pool->view.class_[i].slots;
	return n;
}

/* Rent all that is not covered, one by one, each once, and not one more. */
static const char *rent_all(struct world *w)
{
	unsigned left = slots_of(w) - covered;
	struct thruster_lease lease;
	struct timespec deadline;
	const char *fault;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += RENT_S;
	for (; left > 0; left--) {
		r = thruster_rent_wait(w->pool, 1, &deadline, &lease);
		if (r < 0)
			return verdict("not rentable: %u free slots: %s", left, strerror(-r));
		holding_add(&w->stage->mine, &lease);
		fault = believe(&lease);
		if (fault)
			return fault;
		if (record_run(lease.token[1]) != 1)
			return verdict("wrong answer: a run for one byte");
	}
	if (thruster_rent(w->pool, 1, &lease) != -ENOBUFS)
		return verdict("second owner: more slots can be rented than there are");
	return holding_return(&w->stage->mine, w->pool, 0) ?
		NULL : verdict("wrong answer: a return was refused");
}

const char *verdict_aftermath(struct world *w)
{
	const char *fault;

	if (!world_settle(w))
		return verdict("wrong answer: a bystander's lease was refused");
	fault = take_stock(w, NULL);
	if (!fault)
		fault = rent_all(w);
	if (!fault)
		fault = take_stock(w, NULL);
	return fault;
}
