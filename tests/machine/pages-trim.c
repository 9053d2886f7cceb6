/* SPDX-License-Identifier: MIT */
/* Pages given back: when asked, beside clients at work, and by themselves. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "client/pool.h"
#include "tests/machine/kernel.h"
#include "tests/machine/pages.h"

#define WORK_S 10

struct amounts {
	uint64_t resident, free;
};

static struct amounts measure(const struct machine *m)
{
	return (struct amounts){ pages_resident(m), meminfo("MemFree") * 1024 };
}

/* The arena lost what is not leased, and the machine gained it. */
static void check_less(const struct machine *m, struct amounts before, uint64_t kept)
{
	struct amounts now = measure(m);
	uint64_t more = now.free > before.free ? now.free - before.free : 0;

	printf("# resident: %.1f MiB, before %.1f; MemFree: %.1f MiB, before %.1f\n",
		MIB(now.resident), MIB(before.resident), MIB(now.free), MIB(before.free));
	machine_check(now.resident <= kept, "bytes resident", now.resident);
	machine_check(more && pages_is_about(more, before.resident - now.resident),
		"bytes that the machine has free more", more);
}

static void trim_when_asked(void)
{
	struct thruster_lease leases[EACH];
	struct thruster_pool *pool;
	struct amounts before;
	struct machine m;
	unsigned i, good = 0;
	uint64_t kept;

	pages_begin(&m, SLOTS, "{ \"allocate\": \"at_start\" }");
	pages_check_use(&m);
	pool = host_attach(&m.host, NULL);
	if (thruster_rent_bulk(pool, SLOT_BYTES, leases, EACH) != (int)EACH)
		harness_fail("nothing can be rented");
	for (i = 0; i < EACH; i++)
		pages_fill(&leases[i], i);
	kept = pool->board->geometry.metadata_bytes + (EACH + 2) * SLOT_BYTES;
	before = measure(&m);
	pages_check_trim(&m, "thrusterctl trim");
	check_less(&m, before, kept);
	for (i = 0; i < EACH; i++)
		good += pages_is_filled(&leases[i], i);
	machine_check(good == EACH, "buffers leased meanwhile are as they were", good);
	thruster_detach(pool);
	pages_check_use(&m);
	machine_judge(&m);
	host_stop(&m.host);
}

/* A client that fills what it rents, on a core, and finds it so. */
static pid_t fork_worker(const struct machine *m, unsigned core)
{
	uint64_t until = now_ns() + WORK_S * 1000000000ull, n = (uint64_t)core << 32;
	struct thruster_lease leases[EACH];
	struct thruster_pool *pool;
	pid_t pid = fork();
	int had, i;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	machine_go_to(0, core);
	pool = host_attach(&m->host, NULL);
	for (; now_ns() < until; n += EACH) {
		had = thruster_rent_bulk(pool, SLOT_BYTES, leases, 1 + (unsigned)rand() % EACH);
		for (i = 0; i < had; i++)
			pages_fill(&leases[i], n + (unsigned)i);
		sched_yield();
		for (i = 0; i < had; i++)
			if (!pages_is_filled(&leases[i], n + (unsigned)i))
				_exit(1);
		if (had > 0 && thruster_return_bulk(pool, leases, (unsigned)had) != had)
			_exit(2);
	}
	_exit(thruster_detach(pool) < 0 ? 3 : 0);
}

static void trim_at_work(void)
{
	uint64_t until = now_ns() + WORK_S * 1000000000ull, trims = 0;
	unsigned core, wrong = 0;
	struct machine m;
	char output[4096];
	pid_t pid[THR_CORES_MAX];
	int status;

	pages_begin(&m, SLOTS, "{ \"trim_after_s\": 1 }");
	for (core = 0; core < m.n_cores; core++)
		pid[core] = fork_worker(&m, core);
	while (now_ns() < until)
		trims += host_ctl(&m.host, "trim", output, sizeof(output)) == 0;
	for (core = 0; core < m.n_cores; core++) {
		waitpid(pid[core], &status, 0);
		wrong += status != 0;
	}
	machine_check(trims > 0, "trims while clients work", trims);
	printf("# all trims: %llu, gave back %.1f MiB; leases: %llu\n",
		(unsigned long long)pages_number(&m, "memory.trims_total"),
		MIB(pages_number(&m, "memory.trimmed_bytes_total")),
		(unsigned long long)pages_number(&m, "classes[1].rents_total"));
	machine_check(wrong == 0, "clients that found a buffer changed, or could not work", wrong);
	pages_check_use(&m);
	machine_judge(&m);
	host_stop(&m.host);
}

/* Wait until no more is resident than that. */
static void await_resident(const struct machine *m, uint64_t bytes)
{
	uint64_t begun = now_ns();

	while (pages_resident(m) > bytes && now_ns() - begun < WAIT_S * 1000000000ull)
		sleep_ms(100);
	printf("# after %.1f s and %llu trims\n", (double)(now_ns() - begun) / 1e9,
		(unsigned long long)pages_number(m, "memory.trims_total"));
}

/* What was used at once goes when it lies idle, that of cores too; and what somebody has for longer
 * than the time goes after him. */
static void trim_by_itself(void)
{
	struct thruster_pool *pool;
	struct thruster_lease *leases = calloc(SLOTS / 2, sizeof(*leases));
	struct amounts before;
	struct machine m;
	int n;

	pages_begin(&m, SLOTS, "{ \"trim_after_s\": 3 }");
	pages_check_use(&m);
	before = measure(&m);
	await_resident(&m, MIB_BYTES);
	check_less(&m, before, MIB_BYTES);
	pages_check_use(&m);
	pool = host_attach(&m.host, NULL);
	n = thruster_rent_bulk(pool, SLOT_BYTES, leases, SLOTS / 2);
	before = measure(&m);
	await_resident(&m, (uint64_t)n * SLOT_BYTES * 21 / 20);
	check_less(&m, before, (uint64_t)n * SLOT_BYTES * 21 / 20);
	sleep_ms(8000);
	before = measure(&m);
	thruster_detach(pool);
	await_resident(&m, MIB_BYTES);
	check_less(&m, before, MIB_BYTES);
	machine_judge(&m);
	host_stop(&m.host);
	free(leases);
}

void pages_trim(void)
{
	trim_when_asked();
	trim_at_work();
	trim_by_itself();
}
