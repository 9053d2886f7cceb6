/* SPDX-License-Identifier: MIT */
/*
 * What a core holds that goes offline can be had by those on others, and when it comes back, its
 * threads work on. As root, in a machine of its own.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "tests/machine/machine.h"

/* A process on a core that rents and returns everything, says so, and waits to do it again. */
static pid_t fork_on(const struct machine *m, unsigned core, int go, int done)
{
	struct thruster_lease *leases;
	struct thruster_pool *pool;
	pid_t pid = fork();
	char word = 0;
	unsigned i;
	int n = 0;

	if (pid)
		return pid;
	leases = calloc(2 * m->slots, sizeof(*leases));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pool = host_attach(&m->host, NULL);
	while (read(go, &word, 1) == 1) {
		machine_go_to(0, core);
		for (i = 0; i < 100; i++) {
			n = thruster_rent_bulk(pool, 1, leases, 2 * m->slots);
			if (n > 0 && thruster_return_bulk(pool, leases, (unsigned)n) != n)
				_exit(1);
		}
		word = sched_getcpu() == (int)core && n > 0;
		if (write(done, &word, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

static bool work(int go, int done)
{
	char word = 0;

	return write(go, &word, 1) == 1 && read(done, &word, 1) == 1 && word;
}

int main(void)
{
	unsigned core;
	int go[2], done[2];
	struct machine m;
	pid_t pid;

	machine_init(&m);
	core = m.n_cores - 1;
	if (pipe(go) < 0 || pipe(done) < 0)
		harness_fail("pipe: %s", strerror(errno));
	pid = fork_on(&m, core, go[0], done[1]);
	machine_check(work(go[1], done[0]), "a client works on core", core);
	machine_print_cores(&m);
	machine_check(machine_set_online(core, false), "that goes offline", core);
	machine_rent_all(&m, 1, "slots that can be had from another core, of all");
	machine_judge(&m);
	machine_check(machine_set_online(core, true), "it comes back", core);
	machine_check(work(go[1], done[0]), "and its client works on it", core);
	machine_rent_all(&m, 1, "slots that can be had from another core, of all");
	machine_check(machine_set_online(core, false), "offline again", core);
	machine_check(machine_set_online(core, true), "and online, untouched", core);
	machine_rent_all(&m, core, "slots that can be had from the core itself, of all");
	machine_judge(&m);
	machine_print_cores(&m);
	machine_go_to(0, 0);
	kill_child(pid);
	host_stop(&m.host);
	return machine_done();
}
