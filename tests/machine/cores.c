/* SPDX-License-Identifier: MIT */
/*
 * Storms on many cores; in one of them cores come and go, which wants root and a machine of its
 * own. The first process leases all slots but a few, so that the cores take them from each other.
 *
 *   cores storm [KILLS]    the storm of tests/crash in classes that cores hold
 *   cores flap [SECONDS]   the same, while cores go offline and back and workers are moved
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/crash/worker.h"
#include "tests/machine/machine.h"

#define WORKERS 16u
#define INSTANCES_MAX 100000u
#define SLOTS_FOR_EACH_SMALL 20u /* of a worker */
#define SLOTS_FOR_EACH_LARGE 6u
#define SETTLE_NS 120000000000ull
#define HOARD_S 60

struct crew {
	struct machine machine;
	struct storm *storm;
	pid_t pid[WORKERS];
	instance_t instance[WORKERS], n_instances;
	unsigned kills, flaps, moves;
	struct thruster_pool *hoarder;
	struct thruster_lease *hoard;
	unsigned n_hoard;
};

static void *shared(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		harness_fail("mmap: %s", strerror(errno));
	return p;
}

static void storm_init(struct crew *c)
{
	unsigned i;
	int pair[2];

	c->storm = shared(sizeof(*c->storm));
	c->storm->n_workers = WORKERS;
	c->storm->oracle.slots = c->machine.slots;
	c->storm->oracle.entry = shared(2 * c->machine.slots * sizeof(uint64_t));
	c->storm->oracle.is_dead = shared(INSTANCES_MAX * sizeof(uint32_t));
	for (i = 0; i < WORKERS; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			harness_fail("socketpair: %s", strerror(errno));
		c->storm->inbox[i] = pair[0];
		c->storm->outbox[i] = pair[1];
	}
}

/* All slots of a class but so many, or half of them. */
static void hoard(struct crew *c, size_t size, unsigned but)
{
	unsigned n = c->machine.slots - (but < c->machine.slots / 2 ? but : c->machine.slots / 2);
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += HOARD_S;
	while (n--)
		if (thruster_rent_wait(c->hoarder, size, &until, &c->hoard[c->n_hoard++]) != 0)
			harness_fail("cannot rent what is free");
}

static void hire(struct crew *c, unsigned place)
{
	instance_t me = ++c->n_instances;
	pid_t pid = fork();

	if (pid < 0)
		harness_fail("fork: %s", strerror(errno));
	if (pid == 0) {
		setpriority(PRIO_PROCESS, 0, 0);
		worker_run(c->storm, place, me);
	}
	c->pid[place] = pid;
	c->instance[place] = me;
}

static void begin(struct crew *c)
{
	unsigned i;

	memset(c, 0, sizeof(*c));
	machine_init(&c->machine);
	storm_init(c);
	c->hoarder = host_attach(&c->machine.host, NULL);
	c->hoard = calloc(2 * c->machine.slots, sizeof(*c->hoard));
	hoard(c, 1000, SLOTS_FOR_EACH_LARGE * WORKERS);
	hoard(c, 1, SLOTS_FOR_EACH_SMALL * WORKERS);
	for (i = 0; i < WORKERS; i++)
		hire(c, i);
	/* Where there are fewer processors than cores, it would not come to its turn. */
	setpriority(PRIO_PROCESS, 0, -20);
}

static void kill_one(struct crew *c)
{
	unsigned place = (unsigned)rand() % WORKERS;

	atomic_store(&c->storm->oracle.is_dead[c->instance[place]], 1);
	kill(c->pid[place], SIGKILL);
	atomic_store(&c->storm->present[place], 0);
	waitpid(c->pid[place], NULL, 0);
	c->kills++;
	hire(c, place);
}

static void settle(struct crew *c)
{
	uint64_t until = now_ns() + SETTLE_NS;

	atomic_store(&c->storm->stage, STAGE_SETTLE);
	while (atomic_load(&c->storm->n_settled) < WORKERS) {
		if (now_ns() > until)
			harness_fail("the survivors do not settle");
		sleep_ms(1);
	}
	machine_print_cores(&c->machine);
	if (thruster_return_bulk(c->hoarder, c->hoard, c->n_hoard) != (int)c->n_hoard)
		harness_fail("the hoard cannot be returned");
}

static uint64_t count_leaked(const struct crew *c)
{
	uint64_t until = now_ns() + SETTLE_NS, leaked;

	do {
		json_t *stats = host_stats(&c->machine.host);

		leaked = (uint64_t)(json_number(stats, "arenas[0].classes[0].leased") +
				    json_number(stats, "arenas[0].classes[1].leased"));
		json_decref(stats);
	} while (leaked && now_ns() < until && (sleep_ms(10), true));
	return leaked;
}

static void end(struct crew *c)
{
	unsigned i, restless = 0;
	int status;

	settle(c);
	machine_check(count_leaked(c) == 0, "slots leaked", count_leaked(c));
	machine_rent_all(&c->machine, 0, "slots that can be had from one core");
	machine_check(c->storm->second_owners == 0, "second owners", c->storm->second_owners);
	machine_check(
		c->storm->broken_stamps == 0, "buffers changed by others", c->storm->broken_stamps);
	machine_check(
		c->storm->wrong_errors == 0, "errors that should not be", c->storm->wrong_errors);
	machine_judge(&c->machine);
	printf("# %u cores, %u kills, %u cores taken away, %u moves, %llu rents, %llu hand-overs\n",
		c->machine.n_cores, c->kills, c->flaps, c->moves,
		(unsigned long long)c->storm->rents, (unsigned long long)c->storm->hand_overs);
	atomic_store(&c->storm->stage, STAGE_LEAVE);
	for (i = 0; i < WORKERS; i++) {
		waitpid(c->pid[i], &status, 0);
		restless += status != 0;
	}
	machine_check(restless == 0, "survivors that did not leave in peace", restless);
	thruster_detach(c->hoarder);
	host_stop(&c->machine.host);
}

static void storm(unsigned kills)
{
	struct crew c;

	begin(&c);
	while (c.kills < kills && c.n_instances < INSTANCES_MAX - WORKERS) {
		sleep_ms((unsigned)rand() % 20);
		kill_one(&c);
	}
	end(&c);
}

/* The upper half of the cores come and go; workers are put on any core that is there. */
static void flap(unsigned seconds)
{
	uint64_t until;
	struct crew c;
	unsigned core;

	begin(&c);
	until = now_ns() + seconds * 1000000000ull;
	while (now_ns() < until) {
		core = c.machine.n_cores / 2 +
		       (unsigned)rand() % (c.machine.n_cores - c.machine.n_cores / 2);
		for (; c.moves % 8 != 7; c.moves++)
			machine_go_to(c.pid[(unsigned)rand() % WORKERS],
				rand() % 2 ? core : (unsigned)rand() % c.machine.n_cores);
		c.moves++;
		sleep_ms((unsigned)rand() % 50);
		c.flaps += machine_set_online(core, false);
		sleep_ms((unsigned)rand() % 50);
		if (rand() % 4 == 0)
			kill_one(&c);
		machine_set_online(core, true);
	}
	end(&c);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

	if (strcmp(what, "storm") == 0)
		storm(n ? n : 1000);
	else if (strcmp(what, "flap") == 0)
		flap(n ? n : 30);
	else
		harness_fail("usage: cores storm [KILLS] | flap [SECONDS]");
	return machine_done();
}
