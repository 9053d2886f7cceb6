/* SPDX-License-Identifier: MIT */
/*
 * Killed at every instruction, and restarted at every instruction. The instructions are those of
 * the library that this program is linked with, all of them; what is never reached must be excused
 * in unreached.txt.
 *
 *   instructions [--all] [--only TEXT] [--first] [--list]
 *
 *   --all     kill and restart at each instruction in every scenario that reaches it, in place of
 *             one scenario for each kind of client (it takes half an hour)
 *   --only    scenarios whose name begins with TEXT, and nothing is said of what is not reached
 *   --first   end at the first failure
 *   --list    kill nobody, only find out what is never reached: for the upkeep of unreached.txt
 */

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/rseq.h>
#include <unistd.h>
#include "tests/instruction/passes.h"
#include "tests/instruction/semaphores.h"

#define BY_LUCK ", by luck" /* the end of an excuse for what is reached now and then */
#define FAILURES_MAX 20

struct options {
	bool all, list;
	const char *only;
	unsigned failures_max;
};

static unsigned tests, failed;

__attribute__((format(printf, 2, 3))) static void check(bool ok, const char *format, ...)
{
	va_list args;

	tests++;
	failed += !ok;
	printf("%sok %u - ", ok ? "" : "not ", tests);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void skip_all(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	exit(EXIT_SUCCESS);
}

static struct options parse(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "first", no_argument, NULL, 'f' },
		{ "list", no_argument, NULL, 'l' },
		{ "only", required_argument, NULL, 'o' },
		{ 0 },
	};
	struct options o = { .failures_max = FAILURES_MAX };
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		switch (c) {
		case 'a':
			o.all = true;
			break;
		case 'f':
			o.failures_max = 1;
			break;
		case 'l':
			o.list = true;
			break;
		case 'o':
			o.only = optarg;
			break;
		default:
			exit(2);
		}
	}
	return o;
}

static void *zeroed(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		harness_fail("memory");
	return p;
}

static void add_parts(struct trial *t, const struct scenario *s, const struct options *o)
{
	unsigned plain, n = t->listing.n;

	for (; s->name; s++) {
		if (o->only && strncmp(s->name, o->only, strlen(o->only)) != 0)
			continue;
		for (plain = 0; plain < 2; plain++) {
			t->parts = realloc(t->parts, (t->n_parts + 1) * sizeof(*t->parts));
			t->parts[t->n_parts++] = (struct part){ s, plain == 1, zeroed(n, 1),
				zeroed(n, 1), zeroed(n, 1) };
		}
	}
}

static void prepare(struct trial *t, const struct options *o)
{
	const char *path;
	uintptr_t base;
	char excuses[512];

	snprintf(excuses, sizeof(excuses), "%s/tests/instruction/unreached.txt",
		getenv("THRUSTER_SOURCE"));
	path = listing_whereabouts((const void *)thruster_rent, &base);
	listing_load(&t->listing, path, base, excuses, "");
	tracee_init(&t->tracee, &t->listing);
	t->way = zeroed(t->listing.n, sizeof(*t->way));
	t->kills = zeroed(t->listing.n, sizeof(*t->kills));
	t->restarts = zeroed(t->listing.n, sizeof(*t->restarts));
	t->now.trail = zeroed(2 * t->listing.n, sizeof(int));
	t->failures_max = o->failures_max;
	t->is_complete = o->all;
	add_parts(t, scenarios_rent, o);
	add_parts(t, scenarios_wait, o);
	add_parts(t, scenarios_return, o);
	add_parts(t, scenarios_pass, o);
	add_parts(t, scenarios_come, o);
	world_start(&t->world);
}

/* One more scenario with the same instruction shows nothing new, as a rule. */
static void spare(struct trial *t, const struct part *part, size_t done)
{
	const bool *is_done = *(bool *const *)((const char *)part + done);
	struct part *other;
	unsigned i;

	for (other = t->parts; other < t->parts + t->n_parts; other++) {
		if ((other->is_plain != part->is_plain && !part->scenario->is_unattached) ||
			(other->scenario->is_thorough && done == offsetof(struct part, restarted)))
			continue;
		for (i = 0; i < t->listing.n; i++)
			(*(bool **)((char *)other + done))[i] |= is_done[i];
	}
}

static void for_each_part(struct trial *t, const char *what,
	void (*pass)(struct trial *t, struct part *part))
{
	unsigned i, before = t->failures, runs = t->runs;

	for (i = 0; i < t->n_parts && !trial_is_over(t); i++) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r%-12s %3u of %u, %u runs ", what, i + 1, t->n_parts,
				t->runs);
		pass(t, &t->parts[i]);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%60s\r", "");
	check(t->failures == before, "%u runs %s", t->runs - runs, what);
}

static void hamper(struct trial *t, struct part *part)
{
	if (part->scenario->has_calls && !part->is_plain)
		pass_hamper(t, part);
}

static void restart_beside(struct trial *t, struct part *part, enum company company)
{
	/* To attach is a talk with the daemon: who else is there makes no difference. */
	if (company != COMPANY_SAME_CORE && part->scenario->is_unattached && !t->is_complete)
		return;
	if (company == COMPANY_FAR && part->scenario->moves_far)
		company = COMPANY_MOVES;
	pass_restart(t, part, company);
	if (!t->is_complete)
		spare(t, part, offsetof(struct part, restarted));
}

static void restart_same_core(struct trial *t, struct part *part)
{
	restart_beside(t, part, COMPANY_SAME_CORE);
}

static void restart_plain(struct trial *t, struct part *part)
{
	restart_beside(t, part, COMPANY_PLAIN);
}

static void restart_far(struct trial *t, struct part *part)
{
	restart_beside(t, part, COMPANY_FAR);
}

static void forget_restarts(struct trial *t)
{
	unsigned i;

	for (i = 0; i < t->n_parts; i++)
		memset(t->parts[i].restarted, 0, t->listing.n * sizeof(bool));
}

static void kill_all(struct trial *t, struct part *part)
{
	pass_kill(t, part);
	if (!t->is_complete)
		spare(t, part, offsetof(struct part, killed));
}

static void run_passes(struct trial *t, const struct options *o)
{
	unsigned before, runs;

	for_each_part(t, "undisturbed", pass_cover);
	for_each_part(t, "with system calls that fail", hamper);
	for_each_part(t, "restarted, a client on the same core in between", restart_same_core);
	forget_restarts(t);
	for_each_part(t, "restarted, a plain client in between", restart_plain);
	forget_restarts(t);
	for_each_part(t, "restarted, a client on another core in between", restart_far);
	if (o->list)
		return;
	for_each_part(t, "killed", kill_all);
	before = t->failures;
	runs = t->runs;
	pass_rest(t);
	check(t->failures == before, "%u runs for what is reached in company only", t->runs - runs);
}

static void report_functions(const struct trial *t)
{
	const struct listing *l = &t->listing;
	unsigned i, first, killed, restarted, kills, restarts, all_killed = 0, all_kills = 0,
		all_restarted = 0, all_restarts = 0;

	for (first = 0; first < l->n; first = i) {
		killed = restarted = kills = restarts = 0;
		for (i = first; i < l->n && l->at[i].function == l->at[first].function; i++) {
			killed += t->kills[i] != 0;
			restarted += t->restarts[i] != 0;
			kills += t->kills[i];
			restarts += t->restarts[i];
		}
		if (killed || restarted)
			printf("# %-28s %4u of %4u instructions killed (%u times),"
			       " %u restarted (%u times)\n", l->at[first].function, killed,
				i - first, kills, restarted, restarts);
		all_killed += killed;
		all_restarted += restarted;
		all_kills += kills;
		all_restarts += restarts;
	}
	printf("# %u points killed at (%u times), %u restarted at (%u times); %u runs\n",
		all_killed, all_kills, all_restarted, all_restarts, t->runs);
}

static void check_reached(const struct trial *t, const struct options *o)
{
	const struct listing *l = &t->listing;
	unsigned *used = zeroed(l->n_excuses + 1, sizeof(*used));
	unsigned i, excused = 0, missing = 0, unvisited = 0, idle = 0;

	for (i = 0; i < l->n; i++) {
		/* What is reached only by luck may be excused as well. */
		bool is_stopped_at = o->list || (t->kills[i] && t->restarts[i]);

		if (t->way[i].part && (is_stopped_at || l->at[i].excuse < 0)) {
			if (!o->list && (!t->kills[i] || !t->restarts[i])) {
				unvisited++;
				printf("# reached, but not stopped at again: %s\n",
					listing_name(l, (int)i));
			}
		} else if (l->at[i].excuse >= 0) {
			excused++;
			used[l->at[i].excuse]++;
		} else {
			missing++;
			if (o->list || missing <= 100)
				printf("# never reached: %s\n", listing_name(l, (int)i));
		}
	}
	for (i = 0; i < l->n_excuses; i++) {
		/* Luck may have reached it, this time. */
		bool is_idle = used[i] == 0 && !strstr(l->excuse[i], BY_LUCK);

		idle += is_idle;
		printf("# %s: %u: %s\n", is_idle ? "an excuse for nothing" : "excused", used[i],
			l->excuse[i]);
	}
	check(missing == 0, "%u instructions are never reached and not excused", missing);
	check(unvisited == 0, "%u instructions were reached, but not stopped at again", unvisited);
	check(idle == 0, "%u excuses excuse nothing", idle);
	printf("# of %u instructions %u are excused\n", l->n, excused);
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	static struct trial t;
	int r = tracee_try();

	if (r < 0)
		skip_all(strerror(-r));
	if (!__rseq_size)
		skip_all("restartable sequences are switched off here; clients with and without"
			 " them are tried where they are on");
	if (!getenv("THRUSTER_SOURCE"))
		harness_fail("$THRUSTER_SOURCE does not say where the sources are");
	semaphores_raise();
	prepare(&t, &o);
	run_passes(&t, &o);
	report_functions(&t);
	if (!o.only)
		check_reached(&t, &o);
	if (t.idle)
		trial_end(&t, -1);
	if (t.failures == 0)
		world_stop(&t.world);
	else
		world_abandon(&t.world);
	printf("1..%u\n", tests);
	return failed != 0;
}
