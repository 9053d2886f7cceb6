/* SPDX-License-Identifier: MIT */
/*
 * Where there is no daemon somebody must do its part: go to cores that were asked for segments, and
 * take back what the dead had. The order is the daemon's.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shm/atomics.h"
#include "shm/core.h"
#include "shm/judge.h"
#include "shm/reclaim.h"
#include "shm/wait.h"
#include "tests/arm64/warden.h"

unsigned warden_init(struct warden *w, struct crew *crew)
{
	*w = (struct warden){ .crew = crew };
	sched_getaffinity(0, sizeof(w->cores_here), &w->cores_here);
	thr_self_init(&w->self, SEAT_NOBODY, &crew->view,
		crew->engine == CREW_THREADS ? NULL : crew->visitable);
	return (unsigned)CPU_COUNT(&w->cores_here);
}

void warden_seat(struct warden *w, uint16_t seat)
{
	struct crew *crew = w->crew;
	uint32_t id = client_id_make((struct seat_id){ seat }, (uint16_t)++w->n_instances).n;

	__atomic_store_n(&crew->instance[seat], w->n_instances, __ATOMIC_RELEASE);
	__atomic_store_n(&crew->roster[seat], id, __ATOMIC_RELEASE);
	w->pids[seat] = fork();
	if (w->pids[seat] < 0)
		abort();
	if (w->pids[seat] == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(mate_run(crew, seat));
	}
}

/* As the daemon does it: out of the roster, a barrier, the walk. */
void warden_kill(struct warden *w, uint16_t seat)
{
	struct crew *crew = w->crew;
	struct thr_reclaimed sum = { 0 };
	instance_t dead = crew->instance[seat];
	unsigned i, j;

	crew->is_dead[dead] = 1;
	kill(w->pids[seat], SIGKILL);
	waitpid(w->pids[seat], NULL, 0);
	__atomic_store_n(&crew->roster[seat], 0, __ATOMIC_RELEASE);
	thr_barrier();
	thr_reclaim_seat(&crew->view, (struct seat_id){ seat }, &sum);
	thr_wait_wake(crew->view.control, WAIT_ALL);
	for (i = 1; i <= crew->n_processes; i++)
		for (j = 0; j < CREW_BOX_LETTERS; j++)
			if (atomic_load(&crew->box[i][j].state) == letter_busy(dead))
				atomic_store(&crew->box[i][j].state, LETTER_EMPTY);
	w->n_killed++;
	w->n_reclaimed += sum.total;
	warden_seat(w, seat);
}

static bool go_to(uint32_t core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

unsigned warden_visit(struct warden *w, bool have_to)
{
	const struct thr_view *view = &w->crew->view;
	uint32_t core, i;
	unsigned n = 0;

	for (core = 0; core < w->self.n_cores && core < CPU_SETSIZE; core++)
		for (i = 0; i < view->n_classes; i++) {
			struct thr_core *state = &view->class_[i].cores[core];

			if (have_to)
				store_relaxed(&state->asked, holder_of_thread(SEAT_NOBODY, 0));
			if (!load_relaxed(&state->asked) || !CPU_ISSET(core, &w->cores_here) ||
				!go_to(core))
				continue;
			if (!have_to)
				atomic_fetch_add(&w->crew->visits, 1);
			n += thr_core_yield(
				&view->class_[i], &w->self, (struct core_id){ core }, true);
		}
	sched_setaffinity(0, sizeof(w->cores_here), &w->cores_here);
	return n;
}

bool warden_judge(struct warden *w, const char *when)
{
	struct crew *crew = w->crew;
	struct thr_verdict v = thr_judge(&crew->view, crew->roster, crew->claims);

	crew->judged++;
	if (v.rule == THR_RULE_NONE)
		return true;
	printf("# %s: %s (%s), class %u slot %u record %#llx\n", when, thr_rule_name(v.rule),
		thr_rule_text(v.rule), v.class_, v.slot.n, (unsigned long long)v.record);
	return false;
}

uint64_t warden_count_leased(struct warden *w)
{
	const struct thr_view *view = &w->crew->view;
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < view->n_classes; i++) {
		const struct thr_class_view *c = &view->class_[i];
		struct slot_id slot;

		for (slot.n = 0; slot.n < c->slots; slot.n++) {
			uint64_t record = load_acquire(class_record(c, slot));

			if (record_is_pending(record) && c->senders[slot.n] == 0)
				thr_reclaim_pending(c, slot, record);
			n += !record_is_free(load_relaxed(class_record(c, slot)));
		}
	}
	return n;
}
