/* SPDX-License-Identifier: MIT */
#ifndef TESTS_ARM64_WARDEN_H
#define TESTS_ARM64_WARDEN_H

/* What the daemon does for an arena, for one that has no daemon. One process, one thread. */

#include <sched.h>
#include <sys/types.h>
#include "shm/self.h"
#include "tests/arm64/crew.h"

struct warden {
	struct crew *crew;
	struct thr_self self; /* that visits cores; without a seat */
	cpu_set_t cores_here;
	pid_t pids[CREW_PROCESSES_MAX + 1];
	unsigned n_instances, n_killed;
	uint64_t n_reclaimed;
};

/* The crew's arena is there already. Returns how many cores there are. */
unsigned warden_init(struct warden *w, struct crew *crew);

/* Start a process in a seat that is empty. */
void warden_seat(struct warden *w, uint16_t seat);

/* Kill the process in a seat, take back what it had, and start another. */
void warden_kill(struct warden *w, uint16_t seat);

/* Have each core that was asked for segments give up some, or all of them if they `have_to`. How
 * many were given up. */
unsigned warden_visit(struct warden *w, bool have_to);

/* True if the arena is sound; else what is wrong was printed. */
bool warden_judge(struct warden *w, const char *when);

/* Take back what the dead have sent and nobody will get; how many leases are left then. */
uint64_t warden_count_leased(struct warden *w);

#endif
