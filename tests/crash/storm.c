/* SPDX-License-Identifier: MIT */
/*
 * The storm: processes rent, stamp, verify, hand over and return on all cores, and one of them is
 * killed at random, every millisecond or so, and replaced. Afterwards nothing may be leaked, no
 * slot may have had two owners, and every buffer of a survivor must be as it left it.
 *
 *   storm [KILLS [WORKERS]]      $STORM_SEED repeats the kills' choice and timing,
 *                                $STORM_MEMORY is the arena's "memory" (thrusterd.json(5))
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/crash/worker.h"
#include "tests/harness/harness.h"

#define KILLS_DEFAULT 2000u
#define WORKERS_DEFAULT 8u
#define OPEN_SLOTS 8u
#define CLASSES 3u
#define DYING_MAX 16u
#define SETTLE_NS 60000000000ull

/* Slots of the first two classes: a segment and more for each core, so that cores hold them. The
 * third class is open. */
static unsigned small_slots, large_slots, all_slots;

static void write_config(char *config, size_t size)
{
	unsigned cores = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	const char *memory = getenv("STORM_MEMORY");

	small_slots = 64 * cores + 72;
	large_slots = 64 * cores + 2;
	all_slots = small_slots + large_slots + OPEN_SLOTS;
	snprintf(config, size,
		"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 80, "
		"\"undelivered_grace_ms\": 100, \"memory\": %s, \"classes\": ["
		" { \"slot_bytes\": 256, \"slots\": %u },"
		" { \"slot_bytes\": 1024, \"slots\": %u },"
		" { \"slot_bytes\": 4000, \"slots\": %u } ] } ] }",
		memory ? memory : "{ }", small_slots, large_slots, OPEN_SLOTS);
}

struct crew {
	struct storm *storm;
	pid_t pid[WORKERS_MAX];
	instance_t instance[WORKERS_MAX];
	instance_t n_instances;
	unsigned n_dying;
};

static int tests, failed;

static void check(bool ok, const char *what, uint64_t n)
{
	tests++;
	failed += !ok;
	printf("%sok %d - %s: %llu\n", ok ? "" : "not ", tests, what, (unsigned long long)n);
}

static void *shared(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		harness_fail("mmap: %s", strerror(errno));
	return p;
}

static struct storm *storm_new(unsigned kills, unsigned workers)
{
	struct storm *storm = shared(sizeof(*storm));
	unsigned i;
	int pair[2];

	storm->n_workers = workers;
	storm->oracle.slots = small_slots;
	storm->oracle.entry = shared(CLASSES * small_slots * sizeof(uint64_t));
	storm->oracle.is_dead = shared((kills + workers + 1) * sizeof(uint32_t));
	for (i = 0; i < workers; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			harness_fail("socketpair: %s", strerror(errno));
		storm->inbox[i] = pair[0];
		storm->outbox[i] = pair[1];
	}
	return storm;
}

static void crew_hire(struct crew *crew, unsigned place)
{
	instance_t me = ++crew->n_instances;
	pid_t pid = fork();

	if (pid < 0)
		harness_fail("fork: %s", strerror(errno));
	if (pid == 0)
		worker_run(crew->storm, place, me);
	crew->pid[place] = pid;
	crew->instance[place] = me;
}

/* The successor begins while this one is still being torn down; only not too many at a time. */
static void crew_kill(struct crew *crew, unsigned place)
{
	struct storm *storm = crew->storm;

	atomic_store(&storm->oracle.is_dead[crew->instance[place]], 1);
	kill(crew->pid[place], SIGKILL);
	atomic_store(&storm->present[place], 0);
	crew->n_dying++;
	while (crew->n_dying && waitpid(-1, NULL, crew->n_dying < DYING_MAX ? WNOHANG : 0) > 0)
		crew->n_dying--;
}

static void kill_at_random(struct crew *crew, unsigned kills, unsigned seed)
{
	uint64_t begun = now_ns(), said = begun;
	unsigned i, place;

	srand(seed);
	for (i = 0; i < kills; i++) {
		struct timespec pause = { 0, rand() % 2000000 };

		nanosleep(&pause, NULL);
		place = (unsigned)rand() % crew->storm->n_workers;
		crew_kill(crew, place);
		crew_hire(crew, place);
		if (now_ns() - said > 5000000000ull) {
			said = now_ns();
			fprintf(stderr, "%u of %u kills, %.0f a second\n", i + 1, kills,
				(i + 1) * 1e9 / (double)(said - begun));
		}
	}
}

static void settle(struct storm *storm)
{
	uint64_t until = now_ns() + SETTLE_NS;

	atomic_store(&storm->stage, STAGE_SETTLE);
	while (atomic_load(&storm->n_settled) < storm->n_workers) {
		if (now_ns() > until)
			harness_fail("the survivors do not settle");
		sleep_ms(1);
	}
}

/* A figure of all classes together. */
static uint64_t sum_of(const json_t *stats, const char *name)
{
	char path[64];
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < CLASSES; i++) {
		snprintf(path, sizeof(path), "arenas[0].classes[%u].%s", i, name);
		sum += (uint64_t)json_number(stats, path);
	}
	return sum;
}

/* With the survivors alive and holding nothing, all must come back: what the dead had at once, what
 * they handed over and nobody got after the grace. */
static uint64_t count_leaked(const struct host *host)
{
	uint64_t until = now_ns() + 10000000000ull, leaked;

	for (;;) {
		json_t *stats = host_stats(host);

		leaked = sum_of(stats, "leased");
		json_decref(stats);
		if (leaked == 0 || now_ns() > until)
			return leaked;
		sleep_ms(10);
	}
}

/* The proof that does not believe the statistics: rent every single slot, wherever it is held. */
static uint64_t count_rentable(const struct host *host)
{
	struct thruster_lease *leases = shared((all_slots + 1) * sizeof(*leases));
	struct thruster_pool *pool = host_attach(host, NULL);
	struct timespec deadline;
	uint64_t n = 0;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += 5;
	while (n < all_slots && thruster_rent_wait(pool, 1, &deadline, &leases[n]) == 0)
		n++;
	n += thruster_rent(pool, 1, &leases[n]) == 0; /* one too many */
	thruster_detach(pool);
	return n;
}

static void judge(const struct host *host, struct storm *storm, unsigned kills)
{
	uint64_t leaked = count_leaked(host), rentable = count_rentable(host);
	char output[4096];
	json_t *stats;
	int64_t balance;

	check(leaked == 0, "slots leaked", leaked);
	check(rentable == all_slots, "slots that can be rented again: all of them", rentable);
	check(storm->second_owners == 0, "second owners", storm->second_owners);
	check(storm->broken_stamps == 0, "buffers changed by somebody else", storm->broken_stamps);
	check(storm->wrong_errors == 0, "errors that should not be", storm->wrong_errors);
	check(storm->rents > kills && storm->accepts > kills, "leases accepted from another worker",
		storm->accepts);
	check(storm->runs > 0, "leases of several slots", storm->runs);
	check(storm->waits > 0, "rents that would wait", storm->waits);
	check(storm->as_threads > 0, "workers without restartable sequences", storm->as_threads);
	stats = host_stats(host);
	balance = (int64_t)(sum_of(stats, "rents_total") - sum_of(stats, "returns_total") -
			    sum_of(stats, "reclaimed_total"));
	check(balance == 0, "rents - returns - reclaimed", (uint64_t)balance);
	printf("# %u kills, %llu rents, %llu hand-overs, %lld leases reclaimed from %lld clients\n",
		kills, (unsigned long long)storm->rents, (unsigned long long)storm->hand_overs,
		(long long)json_number(stats, "reclaim.leases_total"),
		(long long)json_number(stats, "reclaim.clients_total"));
	check(json_number(stats, "reclaim.leases_total") > 0, "leases reclaimed",
		(uint64_t)json_number(stats, "reclaim.leases_total"));
	json_decref(stats);
	check(host_ctl(host, "check", output, sizeof(output)) == 0,
		"the judge finds every rule kept", 0);
	printf("# %s", output);
}

int main(int argc, char **argv)
{
	unsigned kills = argc > 1 ? (unsigned)atoi(argv[1]) : KILLS_DEFAULT;
	unsigned workers = argc > 2 ? (unsigned)atoi(argv[2]) : WORKERS_DEFAULT;
	const char *seed = getenv("STORM_SEED");
	struct crew crew = { 0 };
	char config[1024];
	struct host host;
	unsigned i, status_sum = 0;
	int status;

	if (kills < 1 || workers < 2 || workers > WORKERS_MAX) {
		fprintf(stderr, "usage: storm [KILLS [WORKERS]], 2 to %d workers\n", WORKERS_MAX);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (probes_are_missed()) {
		printf("1..0 # SKIP %s\n", probes_are_missed());
		return 0;
	}
	write_config(config, sizeof(config));
	host_start(&host, config);
	crew.storm = storm_new(kills, workers);
	for (i = 0; i < workers; i++)
		crew_hire(&crew, i);
	kill_at_random(&crew, kills, seed ? (unsigned)atoi(seed) : (unsigned)time(NULL));
	settle(crew.storm);
	judge(&host, crew.storm, kills);
	while (crew.n_dying && waitpid(-1, NULL, 0) > 0)
		crew.n_dying--;
	atomic_store(&crew.storm->stage, STAGE_LEAVE);
	for (i = 0; i < workers; i++) {
		waitpid(crew.pid[i], &status, 0);
		status_sum += status != 0;
	}
	if (getenv("THRUSTER_TRACED"))
		check(host_number(&host, "contention.ebpf.exits_told_total") > kills / 2,
			"more than half of the ends were told before the teardown",
			(uint64_t)host_number(&host, "contention.ebpf.exits_told_total"));
	check(status_sum == 0, "survivors that did not leave in peace", status_sum);
	host_stop(&host);
	printf("1..%d\n", tests);
	return failed != 0;
}
