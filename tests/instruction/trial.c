/* SPDX-License-Identifier: MIT */
/*
 * From fork to verdict. The harness stays on the core where the victim is, so that what it does
 * there comes between two instructions of the victim, and on that core.
 */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/instruction/trial.h"

bool trial_is_over(const struct trial *t)
{
	return t->failures >= t->failures_max;
}

bool trial_note(struct trial *t, const char *fault, int at)
{
	if (!fault)
		return true;
	t->failures++;
	printf("# %s: %s%s, at %s: %s\n", t->pass, t->now.part->scenario->name,
		t->now.part->is_plain ? " (plain)" : "", listing_name(&t->listing, at), fault);
	if (t->now.fail_call)
		printf("#   its system call %u gave %ld\n", t->now.fail_call, t->now.result);
	fflush(stdout);
	t->idle = NULL;
	tracee_kill(&t->tracee);
	world_abandon(&t->world);
	world_start(&t->world);
	return false;
}

static void attach(struct actor *a)
{
	int r = thruster_attach(&a->pool, NULL, NULL);

	if (r < 0)
		harness_fail("the victim cannot attach: %s", strerror(-r));
	a->stage->victim_id = thruster_client_id(a->pool);
}

/* Leave everything as it was, for the next time. */
static void clean(struct actor *a, bool is_unattached)
{
	act_return_all(a);
	if (is_unattached && a->pool) {
		expect(a, thruster_detach(a->pool) == 0, "detach", 0);
		a->pool = NULL;
	}
}

/* A victim that is not killed is used again. */
static void live(void *argument)
{
	struct trial *t = argument;
	struct actor a = { .stage = t->world.stage, .world = &t->world };
	const struct scenario *s = t->now.part->scenario;

	if (t->now.part->is_plain)
		become_plain();
	if (s->is_fenced)
		forbid_barriers();
	for (;;) {
		pin_to(t->world.core);
		if (!s->is_unattached && !a.pool)
			attach(&a);
		if (s->prepare)
			s->prepare(&a);
		tracee_pause();
		s->act(&a);
		atomic_store(&a.stage->is_done, true);
		tracee_pause();
		clean(&a, s->is_unattached);
		tracee_pause();
	}
}

static void clear_stage(struct stage *stage)
{
	stage->victim.n = 0;
	stage->wrong[0] = 0;
	atomic_store(&stage->is_asleep_soon, false);
	atomic_store(&stage->is_done, false);
}

/* A victim that stands ready to act: the one that is there, if it is of this part, or a new one. */
static bool get_ready(struct trial *t, struct part *part)
{
	int at;

	if (t->idle == part)
		return tracee_run(&t->tracee, &at) == TRACEE_PAUSED;
	return tracee_start(&t->tracee, live, t);
}

bool trial_begin(struct trial *t, struct part *part, unsigned fail_call, long result)
{
	struct world *w = &t->world;
	bool is_ready;

	if (t->idle && (t->idle != part || fail_call))
		trial_end(t, -1);
	t->runs++;
	t->now.part = part;
	t->now.fail_call = fail_call;
	t->now.result = result;
	t->now.company = COMPANY_NONE;
	t->now.company_at = -1;
	t->now.n_trail = 0;
	clear_stage(w->stage);
	w->stage->is_hampered = fail_call != 0;
	pin_to(w->core);
	world_reset(w);
	if (part->scenario->before)
		part->scenario->before(w);
	is_ready = get_ready(t, part);
	t->idle = NULL;
	if (!is_ready)
		return trial_note(t, "died: it could not be prepared", -1);
	if (w->stage->wrong[0])
		return trial_note(t, verdict("wrong answer: %s", w->stage->wrong), -1);
	if (part->scenario->meanwhile)
		part->scenario->meanwhile(w);
	if (fail_call)
		tracee_fail_call(&t->tracee, fail_call, result);
	return true;
}

static void keep_way(struct trial *t, unsigned at)
{
	struct way *way = &t->way[at];

	*way = t->now;
	way->trail = malloc((t->now.n_trail + 1) * sizeof(*way->trail));
	if (!way->trail)
		harness_fail("memory");
	memcpy(way->trail, t->now.trail, t->now.n_trail * sizeof(*way->trail));
}

enum tracee_event trial_run(struct trial *t, int *ret_at)
{
	enum tracee_event event = tracee_run(&t->tracee, ret_at);

	if (event != TRACEE_TRAP)
		return event;
	if (!t->way[*ret_at].part)
		keep_way(t, (unsigned)*ret_at);
	t->now.trail[t->now.n_trail++] = *ret_at;
	return event;
}

/* To the victim's core, if it may run on one only. */
static void follow(struct trial *t)
{
	cpu_set_t set;

	if (sched_getaffinity(t->tracee.pid, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1)
		sched_setaffinity(0, sizeof(set), &set);
}

void trial_let_in(struct trial *t, enum company company, int at)
{
	struct world *w = &t->world;
	bool ok = true;

	t->now.company = company;
	t->now.company_at = at;
	switch (company) {
	case COMPANY_SAME_CORE:
		follow(t);
		ok = intrude(w->pool, &w->stage->mine);
		break;
	case COMPANY_PLAIN:
		follow(t);
		ok = intrude_gently(w->pool) && companion_send(&w->near, ERRAND_INTRUDE);
		break;
	case COMPANY_FAR:
		ok = companion_send(&w->far, ERRAND_HOLD_FEW);
		break;
	case COMPANY_MOVES:
		ok = companion_send(&w->far, ERRAND_MOVE);
		break;
	default:
		break;
	}
	if (!ok)
		trial_note(t, "wrong answer: an intruder's lease was refused", at);
}

void trial_end(struct trial *t, int at)
{
	pin_to(t->world.core);
	t->idle = NULL;
	tracee_kill(&t->tracee);
	if (world_await_reclaim(&t->world))
		trial_note(t, verdict_aftermath(&t->world), at);
	else
		trial_note(t, "not reclaimed: the dead one's seat is still taken", at);
}

void trial_end_alive(struct trial *t, int at)
{
	struct world *w = &t->world;
	int met;

	pin_to(w->core);
	tracee_unplant_all(&t->tracee);
	if (!trial_note(t, verdict_beliefs(w), at))
		return;
	if (t->now.part->scenario->is_once || t->now.fail_call) {
		trial_end(t, at);
		return;
	}
	if (tracee_run(&t->tracee, &met) != TRACEE_PAUSED)
		trial_note(t, "died: when all was done", at);
	else if (w->stage->wrong[0])
		trial_note(t, verdict("wrong answer: %s", w->stage->wrong), at);
	else if (trial_note(t, verdict_aftermath(w), at))
		t->idle = t->now.part;
}

/* Once without a stop: some ways are those of a process that has done it before. */
static void warm_up(struct trial *t, struct part *part)
{
	int met;

	if (trial_begin(t, part, 0, 0) && tracee_run(&t->tracee, &met) == TRACEE_PAUSED)
		trial_end_alive(t, -1);
}

bool trial_repeat(struct trial *t, unsigned at, bool is_warm)
{
	const struct way *way = &t->way[at];
	bool *wanted = calloc(t->listing.n, sizeof(*wanted));
	unsigned i;
	int met = -1;

	if (!wanted)
		harness_fail("memory");
	for (i = 0; i < way->n_trail; i++)
		wanted[way->trail[i]] = true;
	wanted[at] = true;
	if (is_warm)
		warm_up(t, way->part);
	if (!trial_begin(t, way->part, way->fail_call, way->result)) {
		free(wanted);
		return false;
	}
	tracee_plant(&t->tracee, wanted);
	free(wanted);
	while (trial_run(t, &met) == TRACEE_TRAP && met != (int)at) {
		tracee_unplant(&t->tracee, (unsigned)met);
		if (way->company && met == way->company_at)
			trial_let_in(t, way->company, met);
	}
	return met == (int)at;
}
