/* SPDX-License-Identifier: MIT */
/* Cores, and what is looked at after whatever was done to them. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tests/machine/machine.h"

#define WAIT_S 30

static int tests, failed;

void machine_check(bool ok, const char *what, uint64_t n)
{
	tests++;
	failed += !ok;
	printf("%sok %d - %s: %llu\n", ok ? "" : "not ", tests, what, (unsigned long long)n);
}

void machine_go_to(pid_t pid, unsigned core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(pid, sizeof(set), &set);
}

bool machine_set_online(unsigned core, bool is_online)
{
	char path[64];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", core);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, is_online ? "1" : "0", 1) == 1;
	close(fd);
	return done;
}

/* A daemon, with a segment of each class for every core, and one more with fewer slots. */
void machine_init(struct machine *m)
{
	char config[512];

	memset(m, 0, sizeof(*m));
	setvbuf(stdout, NULL, _IOLBF, 0);
	m->n_cores = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	m->slots = m->n_cores * THR_SEGMENT_SLOTS + 7;
	snprintf(config, sizeof(config),
		"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 80,"
		" \"undelivered_grace_ms\": 100, \"classes\": ["
		" { \"slot_bytes\": 256, \"slots\": %u }, { \"slot_bytes\": 1024, \"slots\": %u }"
		" ] } ] }",
		m->slots, m->slots);
	host_start(&m->host, config);
}

void machine_print_cores(const struct machine *m)
{
	static const char *const names[] = { "rents", "local_returns", "remote_returns", "refills",
		"adoptions", "visits", "restarts" };
	json_t *stats = host_stats(&m->host);
	char path[128];
	unsigned core, class_, i;

	for (class_ = 0; class_ < 2; class_++) {
		printf("# class %u, core", class_);
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			printf(" %s", names[i]);
		printf("\n");
		for (core = 0; core < m->n_cores; core++) {
			printf("# %u", core);
			for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
				snprintf(path, sizeof(path),
					"arenas[0].classes[%u].cores[%u].%s_total", class_, core,
					names[i]);
				printf(" %lld", (long long)json_number(stats, path));
			}
			printf("\n");
		}
	}
	printf("# reclaimed: %lld leases of %lld clients\n",
		(long long)json_number(stats, "reclaim.leases_total"),
		(long long)json_number(stats, "reclaim.clients_total"));
	json_decref(stats);
}

/* By a client that waits for them, from one core. */
void machine_rent_all(const struct machine *m, unsigned core, const char *what)
{
	struct thruster_pool *pool = host_attach(&m->host, NULL);
	struct thruster_lease lease;
	struct timespec until;
	uint64_t begun = now_ns(), last = begun, worst = 0, n = 0, now;

	machine_go_to(0, core);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_S;
	while (n < 2 * m->slots && thruster_rent_wait(pool, 1, &until, &lease) == 0) {
		n++;
		now = now_ns();
		worst = now - last > worst ? now - last : worst;
		last = now;
	}
	machine_check(n == 2 * m->slots, what, n);
	printf("# in %llu us, the longest wait for one %llu us\n",
		(unsigned long long)(last - begun) / 1000, (unsigned long long)worst / 1000);
	thruster_detach(pool);
}

void machine_judge(const struct machine *m)
{
	char output[4096];

	machine_check(host_ctl(&m->host, "check", output, sizeof(output)) == 0,
		"the judge finds every rule kept", 0);
	printf("# %s", output);
}

int machine_done(void)
{
	printf("1..%d\n", tests);
	return failed != 0;
}
