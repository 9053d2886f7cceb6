/* SPDX-License-Identifier: MIT */
/*
 * Each pass runs a part again and again. Breakpoints stand at everything that is still wanted, and
 * the first that is met is the point of that run; so it does not matter if two runs do not take
 * the same way, as long as each takes one that ends.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/instruction/passes.h"

#define ROUNDS_MAX 100
#define CALLS_MAX 64
#define TRIES 10

/* Breakpoints at what is sought (NULL: all) and not had; and, if asked for, at all that nobody ever
 * reached. */
static void plant(struct trial *t, const bool *sought, const bool *has, bool and_unreached)
{
	static bool *wanted;
	unsigned i;

	if (!wanted)
		wanted = calloc(t->listing.n, sizeof(*wanted));
	for (i = 0; i < t->listing.n; i++) {
		wanted[i] = (!sought || sought[i]) && !has[i];
		if (and_unreached && !t->way[i].part)
			wanted[i] = true;
	}
	tracee_plant(&t->tracee, wanted);
}

/* The end of a run that was not cut short. */
static void finish(struct trial *t, enum tracee_event event, int at)
{
	bool is_done = atomic_load(&t->world.stage->is_done);

	if (event == TRACEE_STUCK)
		trial_note(t, "stuck: it does not come to an end", at);
	else if (event == TRACEE_PAUSED && is_done)
		trial_end_alive(t, at);
	else if (t->now.fail_call && is_done)
		trial_end(t, at);
	else
		trial_note(t, "died: before it was done", at);
}

void pass_cover(struct trial *t, struct part *part)
{
	unsigned round, met = 1;
	enum tracee_event event;
	int at = -1;

	t->pass = "undisturbed";
	for (round = 0; met && round < ROUNDS_MAX && !trial_is_over(t); round++) {
		if (!trial_begin(t, part, 0, 0))
			return;
		plant(t, NULL, part->seen, false);
		for (met = 0; (event = trial_run(t, &at)) == TRACEE_TRAP; met++) {
			part->seen[at] = true;
			tracee_unplant(&t->tracee, (unsigned)at);
		}
		finish(t, event, -1);
	}
}

/* False if the part does not make so many calls. */
static bool hamper(struct trial *t, struct part *part, unsigned nth, long result)
{
	enum tracee_event event;
	bool was_made;
	int at = -1;

	if (!trial_begin(t, part, nth, result))
		return false;
	plant(t, part->seen, part->seen, true);
	while ((event = trial_run(t, &at)) == TRACEE_TRAP)
		tracee_unplant(&t->tracee, (unsigned)at);
	was_made = t->tracee.call / 2 >= nth;
	finish(t, event, at);
	return was_made && event == TRACEE_PAUSED; /* else it was the pause itself that failed */
}

void pass_hamper(struct trial *t, struct part *part)
{
	static const long results[] = {
		-ENOMEM, -EINTR, -EAGAIN, -ENOENT, -EPIPE, -EPROTOTYPE, 0, 1
	};
	unsigned nth;
	size_t i;

	t->pass = "hampered";
	for (i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		for (nth = 1; nth < CALLS_MAX && !trial_is_over(t); nth++)
			if (!hamper(t, part, nth, results[i]))
				break;
}

void pass_restart(struct trial *t, struct part *part, enum company company)
{
	enum tracee_event event;
	int at = -1, met;

	t->pass = "restarted";
	while (!trial_is_over(t) && trial_begin(t, part, 0, 0)) {
		plant(t, part->seen, part->restarted, true);
		while ((event = trial_run(t, &at)) == TRACEE_TRAP && !part->seen[at])
			tracee_unplant(&t->tracee, (unsigned)at);
		if (event != TRACEE_TRAP) {
			finish(t, event, -1);
			return;
		}
		part->restarted[at] = true;
		t->restarts[at]++;
		plant(t, part->seen, part->seen, true);
		trial_let_in(t, company, at);
		while (t->tracee.pid && (event = trial_run(t, &met)) == TRACEE_TRAP)
			tracee_unplant(&t->tracee, (unsigned)met);
		if (event != TRACEE_TRAP)
			finish(t, event, at);
	}
}

static void kill_here(struct trial *t, int at)
{
	t->kills[at]++;
	trial_note(t, verdict_now(&t->world), at);
	trial_end(t, at);
}

void pass_kill(struct trial *t, struct part *part)
{
	enum tracee_event event;
	int at = -1;

	t->pass = "killed";
	while (!trial_is_over(t) && trial_begin(t, part, 0, 0)) {
		plant(t, part->seen, part->killed, false);
		event = trial_run(t, &at);
		if (event != TRACEE_TRAP) {
			finish(t, event, -1);
			return;
		}
		part->killed[at] = true;
		kill_here(t, at);
	}
}

static void restart_here(struct trial *t, int at)
{
	enum tracee_event event;

	t->restarts[at]++;
	tracee_unplant_all(&t->tracee);
	trial_let_in(t, COMPANY_SAME_CORE, at);
	event = t->tracee.pid ? trial_run(t, &at) : TRACEE_TRAP;
	if (event != TRACEE_TRAP)
		finish(t, event, at);
}

static void rest(struct trial *t, unsigned i, const char *pass, const unsigned *done,
	void (*act)(struct trial *t, int at))
{
	unsigned tries;

	for (tries = 0; tries < TRIES && !done[i] && !trial_is_over(t); tries++) {
		t->pass = pass;
		if (trial_repeat(t, i, tries % 2))
			act(t, (int)i);
		else
			trial_end(t, (int)i);
	}
}

/* The first way there was one in a thousand, by what the daemon did meanwhile: go through all parts
 * for one that comes by undisturbed. */
static void seek(struct trial *t, unsigned i, const char *pass, const unsigned *done,
	void (*act)(struct trial *t, int at))
{
	bool *wanted = calloc(t->listing.n, sizeof(*wanted));
	enum tracee_event event;
	unsigned p;
	int at = -1;

	wanted[i] = true;
	t->pass = pass;
	for (p = 0; p < t->n_parts && !done[i] && !trial_is_over(t); p++) {
		if (!trial_begin(t, &t->parts[p], 0, 0))
			break;
		tracee_plant(&t->tracee, wanted);
		event = trial_run(t, &at);
		if (event == TRACEE_TRAP)
			act(t, at);
		else
			finish(t, event, -1);
	}
	free(wanted);
}

void pass_rest(struct trial *t)
{
	unsigned i;

	for (i = 0; i < t->listing.n; i++) {
		if (!t->way[i].part)
			continue;
		rest(t, i, "restarted on its way", t->restarts, restart_here);
		rest(t, i, "killed on its way", t->kills, kill_here);
		/* What has an excuse may be left to luck. */
		if (t->listing.at[i].excuse >= 0)
			continue;
		seek(t, i, "restarted", t->restarts, restart_here);
		seek(t, i, "killed", t->kills, kill_here);
	}
}
