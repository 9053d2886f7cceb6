/* SPDX-License-Identifier: MIT */
/*
 * How long after SIGKILL a large client's leases can be had again, with the end of processes
 * watched and without, side by side. The victim has so much memory of its own that the kernel must
 * tear down; we wait in rent_wait for what it holds.
 *
 *   reclaim-time [ROUNDS]      distributions as comments, and in TAP that all leases came back
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/harness/harness.h"

#define SLOTS 64u
#define SLOT_BYTES 4096u
#define ROUNDS_DEFAULT 3u
#define ROUNDS_MAX 200u
#define MIB ((size_t)1 << 20)

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8, \"classes\": ["
	" { \"slot_bytes\": 4096, \"slots\": 64 } ] } ] }";

static const size_t sizes_mib[] = { 0, 256, 1024 };

struct side {
	struct host host;
	struct thruster_pool *pool;
	uint64_t ns[3][ROUNDS_MAX];
};

static int tests, failed;

static void check(bool ok, const char *what)
{
	tests++;
	failed += !ok;
	printf("%sok %d - %s\n", ok ? "" : "not ", tests, what);
}

static void victim(const struct host *host, size_t mib, int ready)
{
	struct thruster_lease leases[SLOTS];
	struct thruster_pool *pool;
	char *memory;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pool = host_attach(host, NULL);
	if (thruster_rent_bulk(pool, SLOT_BYTES, leases, SLOTS) != (int)SLOTS)
		harness_fail("the victim cannot have all slots");
	memory = mmap(NULL, mib * MIB + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0);
	if (memory == MAP_FAILED)
		harness_fail("mmap: %s", strerror(errno));
	madvise(memory, mib * MIB + 1, MADV_NOHUGEPAGE);
	memset(memory, 1, mib * MIB + 1);
	sleep_ms(1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* From the signal until we have all that it had. */
static uint64_t round_of(struct side *side, size_t mib)
{
	struct thruster_lease leases[SLOTS];
	unsigned n = 0;
	uint64_t begun;
	int ready[2], r;
	char c;
	pid_t pid;

	if (pipe(ready) < 0)
		harness_fail("pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		victim(&side->host, mib, ready[1]);
	if (read(ready[0], &c, 1) != 1)
		harness_fail("the victim died");
	begun = now_ns();
	kill(pid, SIGKILL);
	while (n < SLOTS) {
		r = thruster_rent_wait(side->pool, SLOT_BYTES, NULL, &leases[n]);
		if (r < 0)
			harness_fail("rent_wait: %s", strerror(-r));
		n++;
	}
	begun = now_ns() - begun;
	thruster_return_bulk(side->pool, leases, SLOTS);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	host_await(&side->host, "arenas[0].classes[0].leased", 0);
	return begun;
}

static int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void print(const char *name, size_t mib, uint64_t *ns, unsigned rounds)
{
	qsort(ns, rounds, sizeof(*ns), ascending);
	printf("# %4zu MiB resident, %-8s: min %.2f, quartiles %.2f %.2f %.2f, max %.2f ms\n", mib,
		name, (double)ns[0] / 1e6, (double)ns[rounds / 4] / 1e6,
		(double)ns[rounds / 2] / 1e6, (double)ns[rounds * 3 / 4] / 1e6,
		(double)ns[rounds - 1] / 1e6);
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : ROUNDS_DEFAULT, round, i;
	static struct side sides[2]; /* with, without */
	const char *why;
	int64_t told;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (!probes_can_trace(&why)) {
		printf("1..0 # SKIP %s\n", why);
		return 0;
	}
	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = ROUNDS_DEFAULT;
	for (i = 0; i < 2; i++) {
		host_start(&sides[i].host, config);
		sides[i].pool = host_attach(&sides[i].host, NULL);
	}
	probes_start(&sides[0].host.probes, &sides[0].host, NULL, NULL);
	for (round = 0; round < rounds; round++)
		for (i = 0; i < 3; i++) {
			sides[0].ns[i][round] = round_of(&sides[0], sizes_mib[i]);
			sides[1].ns[i][round] = round_of(&sides[1], sizes_mib[i]);
		}
	for (i = 0; i < 3; i++) {
		print("watched", sizes_mib[i], sides[0].ns[i], rounds);
		print("not", sizes_mib[i], sides[1].ns[i], rounds);
	}
	told = host_number(&sides[0].host, "contention.ebpf.exits_told_total");
	check(told == (int64_t)rounds * 3, "each end was told before the teardown");
	for (i = 0; i < 2; i++) {
		check(host_number(&sides[i].host, "reclaim.leases_total") ==
				(int64_t)(rounds * 3 * SLOTS),
			"all leases were taken back, each once");
		thruster_detach(sides[i].pool);
		host_must_be_well(&sides[i].host);
		host_stop(&sides[i].host);
	}
	printf("1..%d\n", tests);
	return failed ? 1 : 0;
}
