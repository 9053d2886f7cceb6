/* SPDX-License-Identifier: MIT */
/*
 * Where the pages of an arena lie, of which size they are, when they come and go: in a machine of
 * its own with two nodes of memory and 64 reserved huge pages of 2 MiB.
 *
 *   pages at_start    near the cores that begin with them, allocated before anybody comes
 *   pages on_use      nothing but metadata at first, then near whoever touches them
 *   pages huge        served, used, killed, refused, given back
 *   pages trim        given back when asked, and by themselves
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "client/pool.h"
#include "shm/circle.h"
#include "tests/harness/keeper.h"
#include "tests/machine/kernel.h"
#include "tests/machine/machine.h"

#define SLOT_BYTES ((size_t)65536)
#define SLOTS 2048u      /* 128 MiB, eight segments for each of four cores */
#define SLOTS_HUGE 512u  /* 17 huge pages */
#define SLOTS_REST 1470u /* 47 huge pages: all but those */
#define EACH 32u         /* slots that a core's thread rents */
#define HUGE_BYTES 2097152u
#define WAIT_S 60
#define WORK_S 10
#define MIB_BYTES ((uint64_t)1048576)
#define MIB(bytes) ((double)(bytes) / (double)MIB_BYTES)

static void write_config(char *config, size_t size, unsigned slots, const char *memory)
{
	snprintf(config, size,
		"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 20, \"memory\": %s,"
		" \"classes\": [ { \"slot_bytes\": 256, \"slots\": %u },"
		" { \"slot_bytes\": %zu, \"slots\": %u } ] } ] }",
		memory, slots, SLOT_BYTES, slots);
}

static void begin(struct machine *m, unsigned slots, const char *memory)
{
	char config[512];

	memset(m, 0, sizeof(*m));
	m->n_cores = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	m->slots = slots;
	write_config(config, sizeof(config), slots, memory);
	printf("# %s\n", memory);
	machine_go_to(0, 0);
	host_start(&m->host, config);
}

static uint64_t arena_number(const struct machine *m, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "arenas[0].%s", name);
	return (uint64_t)host_number(&m->host, path);
}

static uint64_t resident(const struct machine *m)
{
	return arena_number(m, "memory.resident_bytes");
}

static size_t clients(const struct machine *m)
{
	json_t *stats = host_stats(&m->host);
	size_t n = json_array_size(json_object_get(
		json_array_get(json_object_get(stats, "arenas"), 0), "clients"));

	json_decref(stats);
	return n;
}

static bool is_about(uint64_t a, uint64_t b)
{
	uint64_t away = a > b ? a - b : b - a;

	return away * 10 < b;
}

struct places {
	uint64_t of_core[THR_CORES_MAX], right, wrong;
};

/* `each` bytes for each segment of a class, from `offset` to `end`: whose is the page, and is it
 * on his node? A page belongs to the one in whose part it begins. */
static void look(const struct thruster_pool *pool, const struct thr_class_geometry *c,
	uint64_t offset, uint64_t end, uint64_t each, struct places *places)
{
	uint64_t page = pool->board->geometry.page_bytes, at;
	uint32_t cores = pool->board->geometry.cores, core;
	volatile char *touched;

	for (at = (offset + page - 1) & ~(page - 1); at < end; at += page) {
		touched = (char *)pool->arena + at;
		(void)*touched;
		core = circle_core((uint32_t)((at - offset) / each), cores, c->segments);
		places->of_core[core]++;
		if (node_of((void *)touched) == node_of_core(core))
			places->right++;
		else
			places->wrong++;
	}
}

/* All is touched from core 0. */
static void check_arcs(const struct machine *m, const struct thruster_pool *pool)
{
	static struct places data, segments;
	const struct thr_geometry *g = &pool->board->geometry;
	const struct thr_class_geometry *c;
	unsigned i;

	memset(&data, 0, sizeof(data));
	memset(&segments, 0, sizeof(segments));
	for (i = 0; i < g->classes; i++) {
		c = &g->class_[i];
		look(pool, c, c->data_offset, c->data_offset + c->slots * c->stride_bytes,
			THR_SEGMENT_SLOTS * c->stride_bytes, &data);
		look(pool, c, c->segments_offset,
			c->segments_offset + c->segments * sizeof(struct thr_segment),
			sizeof(struct thr_segment), &segments);
	}
	machine_check(data.right && !data.wrong, "pages of slots on the node of their core",
		data.right);
	machine_check(data.wrong == 0, "pages of slots elsewhere", data.wrong);
	for (i = 0; i < m->n_cores; i++)
		printf("# core %u, node %d: %llu pages\n", i, node_of_core(i),
			(unsigned long long)data.of_core[i]);
	machine_check(segments.wrong == 0, "pages of segments elsewhere", segments.wrong);
	printf("# on the node of their core: %llu\n", (unsigned long long)segments.right);
}

static void fill(const struct thruster_lease *lease, uint64_t word)
{
	uint64_t *to = lease->data;
	size_t i;

	for (i = 0; i < lease->size / sizeof(*to); i++)
		to[i] = word + i;
}

static bool is_filled(const struct thruster_lease *lease, uint64_t word)
{
	const uint64_t *from = lease->data;
	size_t i;

	for (i = 0; i < lease->size / sizeof(*from); i++)
		if (from[i] != word + i)
			return false;
	return true;
}

/* Every slot of both classes at once, all of it written and then read. Returns how many. */
static unsigned use_all(const struct machine *m, struct thruster_pool *pool)
{
	struct thruster_lease *leases = calloc(2 * m->slots, sizeof(*leases));
	unsigned n = 0, i, good = 0;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_S;
	for (; n < 2 * m->slots; n++)
		if (thruster_rent_wait(pool, n < m->slots ? SLOT_BYTES : 1, &until, &leases[n]) < 0)
			break;
	for (i = 0; i < n; i++)
		fill(&leases[i], (uint64_t)i << 32);
	for (i = 0; i < n; i++)
		good += is_filled(&leases[i], (uint64_t)i << 32);
	if (n && thruster_return_bulk(pool, leases, n) != (int)n)
		good = 0;
	free(leases);
	return good;
}

static void check_use(const struct machine *m)
{
	struct thruster_pool *pool = host_attach(&m->host, NULL);
	unsigned n = use_all(m, pool);
	int r = thruster_detach(pool);
	size_t left = clients(m);

	machine_check(n == 2 * m->slots, "slots rented, written, read and returned", n);
	machine_check(r == 0 && left == 0, "clients when that one has detached", left);
}

static void at_start(void)
{
	uint64_t before[NODES], now[NODES], half;
	struct thruster_pool *pool;
	struct machine m;
	unsigned node;

	for (node = 0; node < NODES; node++)
		before[node] = shared_on(node);
	begin(&m, SLOTS, "{ \"allocate\": \"at_start\" }");
	half = arena_number(&m, "size_bytes") / NODES;
	machine_check(resident(&m) == NODES * half, "bytes resident at the start, all of the arena",
		resident(&m));
	for (node = 0; node < NODES; node++) {
		now[node] = shared_on(node) - before[node];
		printf("# node %u: %.1f MiB of shared memory more\n", node, MIB(now[node]));
		machine_check(is_about(now[node], half), "bytes on a node, half of the arena",
			now[node]);
	}
	pool = host_attach(&m.host, NULL);
	check_arcs(&m, pool);
	read_numa(m.host.pid, now);
	read_numa(getpid(), now);
	machine_check(is_about(now[0], now[1]), "pages on node 0, as on node 1", now[0]);
	thruster_detach(pool);
	check_use(&m);
	machine_judge(&m);
	host_stop(&m.host);
}

/* A thread on this core rents, and touches. */
static void check_toucher(struct thruster_pool *pool, unsigned core)
{
	struct thruster_lease leases[EACH];
	uint64_t at, right = 0, wrong = 0;
	unsigned i;

	machine_go_to(0, core);
	if (thruster_rent_bulk(pool, SLOT_BYTES, leases, EACH) != (int)EACH)
		harness_fail("core %u cannot rent", core);
	for (i = 0; i < EACH; i++) {
		fill(&leases[i], i);
		at = ((uint64_t)leases[i].data + THR_PAGE - 1) & ~(uint64_t)(THR_PAGE - 1);
		for (; at + THR_PAGE <= (uint64_t)leases[i].data + leases[i].size; at += THR_PAGE)
			if (node_of((void *)at) == node_of_core(core))
				right++;
			else
				wrong++;
	}
	printf("# core %u, node %d: %llu pages touched\n", core, node_of_core(core),
		(unsigned long long)right);
	machine_check(right && !wrong, "pages touched that are on another node", wrong);
	thruster_return_bulk(pool, leases, EACH);
}

static void on_use(void)
{
	struct thruster_pool *pool;
	uint64_t first, metadata;
	struct machine m;
	unsigned core;

	begin(&m, SLOTS, "{ \"allocate\": \"on_use\" }");
	pool = host_attach(&m.host, NULL);
	metadata = pool->board->geometry.metadata_bytes;
	first = resident(&m);
	machine_check(first == metadata, "bytes resident at the start, all of them metadata",
		first);
	for (core = 0; core < m.n_cores; core++)
		check_toucher(pool, core);
	machine_go_to(0, 0);
	machine_check(is_about(resident(&m) - first, m.n_cores * EACH * SLOT_BYTES),
		"bytes resident more, as many as were touched", resident(&m) - first);
	thruster_detach(pool);
	check_use(&m);
	machine_check(is_about(resident(&m), arena_number(&m, "size_bytes")),
		"bytes resident when all was touched", resident(&m));
	machine_judge(&m);
	host_stop(&m.host);
}

/* A daemon that asks for this does not start, and says why. */
static void check_refused(unsigned slots, const char *memory, const char *why)
{
	char config[512], command[512], output[4096];
	struct host other;
	int status;

	write_config(config, sizeof(config), slots, memory);
	host_prepare(&other, config);
	snprintf(command, sizeof(command), "timeout 20 %s --config %s --socket %s",
		getenv("THRUSTERD"), other.config, other.socket);
	status = shell(command, output, sizeof(output));
	machine_check(status == 1 && strstr(output, why), "a daemon fails that wants too much",
		(uint64_t)status);
	printf("# %u slots, %s\n# %s", slots, memory, output);
	snprintf(command, sizeof(command), "rm -r %s", other.directory);
	shell(command, output, sizeof(output));
}

static void check_trim(const struct machine *m, const char *say)
{
	char output[4096];

	machine_check(host_ctl(&m->host, "trim", output, sizeof(output)) == 0, say, 0);
	printf("# %s", output);
}

static void check_killed(const struct machine *m)
{
	pid_t pid = host_fork_holder(&m->host, NULL, m->slots / 2, SLOT_BYTES);

	machine_check(arena_number(m, "classes[1].leased") == m->slots / 2, "leased by a client",
		m->slots / 2);
	kill_child(pid);
	host_await(&m->host, "arenas[0].classes[1].leased", 0);
	machine_check(true, "who is killed; reclaimed",
		arena_number(m, "classes[1].reclaimed_total"));
}

/* Another daemon takes all huge pages that are free; what this one has stays usable. */
static void check_short(const struct machine *m, struct thruster_pool *pool)
{
	struct machine other;
	unsigned n;

	begin(&other, SLOTS_REST, "{ \"page_bytes\": 2097152 }");
	machine_check(meminfo("HugePages_Free") == 0, "free, another daemon has the rest",
		meminfo("HugePages_Free"));
	n = use_all(m, pool);
	machine_check(n == 2 * m->slots, "slots of the first still rented and written", n);
	host_stop(&other.host);
}

static void huge_at_start(uint64_t all)
{
	struct thruster_pool *pool;
	uint64_t pages, left;
	struct machine m;

	begin(&m, SLOTS_HUGE, "{ \"page_bytes\": 2097152 }");
	pages = arena_number(&m, "size_bytes") / HUGE_BYTES;
	left = meminfo("HugePages_Free");
	machine_check(all - left == pages, "huge pages taken", all - left);
	machine_check(resident(&m) == pages * HUGE_BYTES, "bytes resident", resident(&m));
	check_use(&m);
	pool = host_attach(&m.host, NULL);
	machine_check(mapped_page_kib(m.host.pid) == HUGE_BYTES / 1024,
		"KernelPageSize of the mapping in thrusterd", mapped_page_kib(m.host.pid));
	machine_check(mapped_page_kib(getpid()) == HUGE_BYTES / 1024,
		"KernelPageSize of the mapping in a client", mapped_page_kib(getpid()));
	check_arcs(&m, pool);
	check_killed(&m);
	machine_check(use_all(&m, pool) == 2 * m.slots, "slots that another can have, of all",
		2 * m.slots);
	machine_judge(&m);
	check_refused(3 * SLOTS_HUGE, "{ \"page_bytes\": 2097152 }", "pages of 2097152 bytes");
	check_trim(&m, "thrusterctl trim");
	machine_check(meminfo("HugePages_Free") == left, "and no huge page is given away",
		meminfo("HugePages_Free"));
	check_short(&m, pool);
	thruster_detach(pool);
	host_stop(&m.host);
	machine_check(meminfo("HugePages_Free") == all, "huge pages free when the daemon ended",
		meminfo("HugePages_Free"));
}

static void huge_on_use(uint64_t all)
{
	struct machine m;
	uint64_t pages;

	begin(&m, SLOTS_HUGE, "{ \"page_bytes\": 2097152, \"allocate\": \"on_use\" }");
	pages = arena_number(&m, "size_bytes") / HUGE_BYTES;
	machine_check(all - meminfo("HugePages_Free") == resident(&m) / HUGE_BYTES,
		"huge pages taken, those of the metadata", all - meminfo("HugePages_Free"));
	machine_check(meminfo("HugePages_Rsvd") == pages - (all - meminfo("HugePages_Free")),
		"huge pages reserved, the rest", meminfo("HugePages_Rsvd"));
	check_refused(3 * SLOTS_HUGE, "{ \"page_bytes\": 2097152, \"allocate\": \"on_use\" }",
		"pages of 2097152 bytes");
	check_use(&m);
	machine_check(all - meminfo("HugePages_Free") == pages, "huge pages taken by use",
		all - meminfo("HugePages_Free"));
	machine_check(
		meminfo("HugePages_Rsvd") == 0, "reserved still", meminfo("HugePages_Rsvd"));
	check_trim(&m, "thrusterctl trim");
	machine_check(all - meminfo("HugePages_Free") == pages, "and no huge page is given away",
		all - meminfo("HugePages_Free"));
	host_stop(&m.host);
	machine_check(meminfo("HugePages_Free") == all && meminfo("HugePages_Rsvd") == 0,
		"huge pages free when the daemon ended", meminfo("HugePages_Free"));
}

/* The daemon is killed and comes again, while a client has buffers. */
static void huge_restart(uint64_t all)
{
	struct thruster_lease leases[EACH];
	struct thruster_pool *pool;
	struct machine m = { .slots = SLOTS_HUGE };
	unsigned i, good = 0;
	char config[512];
	uint64_t left;

	write_config(config, sizeof(config), m.slots, "{ \"page_bytes\": 2097152 }");
	keeper_start(&m.host, config);
	left = meminfo("HugePages_Free");
	pool = host_attach(&m.host, NULL);
	if (thruster_rent_bulk(pool, SLOT_BYTES, leases, EACH) != (int)EACH)
		harness_fail("nothing can be rented");
	for (i = 0; i < EACH; i++)
		fill(&leases[i], i);
	keeper_restart(&m.host, SIGKILL, NULL);
	for (i = 0; i < EACH; i++)
		good += is_filled(&leases[i], i);
	machine_check(good == EACH, "buffers as they were after the daemon's restart", good);
	machine_check(meminfo("HugePages_Free") == left, "huge pages free as before",
		meminfo("HugePages_Free"));
	thruster_detach(pool);
	check_use(&m);
	machine_judge(&m);
	keeper_stop(&m.host);
	machine_check(meminfo("HugePages_Free") == all, "huge pages free when the daemon ended",
		meminfo("HugePages_Free"));
}

static void huge(void)
{
	uint64_t all = meminfo("HugePages_Free");

	huge_at_start(all);
	huge_on_use(all);
	huge_restart(all);
	check_refused(SLOTS_HUGE, "{ \"page_bytes\": 1073741824 }", "pages of 1073741824 bytes");
	check_refused(SLOTS_HUGE, "{ \"page_bytes\": 4194304 }", "no pages of 4194304 bytes");
}

struct amounts {
	uint64_t resident, free;
};

static struct amounts measure(const struct machine *m)
{
	return (struct amounts){ resident(m), meminfo("MemFree") * 1024 };
}

/* The arena lost what is not leased, and the machine gained it. */
static void check_less(const struct machine *m, struct amounts before, uint64_t kept)
{
	struct amounts now = measure(m);

	printf("# resident: %.1f MiB, before %.1f; MemFree: %.1f MiB, before %.1f\n",
		MIB(now.resident), MIB(before.resident), MIB(now.free), MIB(before.free));
	machine_check(now.resident <= kept, "bytes resident", now.resident);
	machine_check(now.free > before.free &&
			      is_about(now.free - before.free, before.resident - now.resident),
		"bytes that the machine has free more", now.free - before.free);
}

static void trim_when_asked(void)
{
	struct thruster_lease leases[EACH];
	struct thruster_pool *pool;
	struct amounts before;
	struct machine m;
	unsigned i, good = 0;
	uint64_t kept;

	begin(&m, SLOTS, "{ \"allocate\": \"at_start\" }");
	check_use(&m);
	pool = host_attach(&m.host, NULL);
	if (thruster_rent_bulk(pool, SLOT_BYTES, leases, EACH) != (int)EACH)
		harness_fail("nothing can be rented");
	for (i = 0; i < EACH; i++)
		fill(&leases[i], i);
	kept = pool->board->geometry.metadata_bytes + (EACH + 2) * SLOT_BYTES;
	before = measure(&m);
	check_trim(&m, "thrusterctl trim");
	check_less(&m, before, kept);
	for (i = 0; i < EACH; i++)
		good += is_filled(&leases[i], i);
	machine_check(good == EACH, "buffers leased meanwhile are as they were", good);
	thruster_detach(pool);
	check_use(&m);
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
			fill(&leases[i], n + (unsigned)i);
		sched_yield();
		for (i = 0; i < had; i++)
			if (!is_filled(&leases[i], n + (unsigned)i))
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

	begin(&m, SLOTS, "{ \"trim_after_s\": 1 }");
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
		(unsigned long long)arena_number(&m, "memory.trims_total"),
		MIB(arena_number(&m, "memory.trimmed_bytes_total")),
		(unsigned long long)arena_number(&m, "classes[1].rents_total"));
	machine_check(wrong == 0, "clients that found a buffer changed, or could not work", wrong);
	check_use(&m);
	machine_judge(&m);
	host_stop(&m.host);
}

/* Wait until no more is resident than that. */
static void await_resident(const struct machine *m, uint64_t bytes)
{
	uint64_t begun = now_ns();

	while (resident(m) > bytes && now_ns() - begun < WAIT_S * 1000000000ull)
		sleep_ms(100);
	printf("# after %.1f s and %llu trims\n", (double)(now_ns() - begun) / 1e9,
		(unsigned long long)arena_number(m, "memory.trims_total"));
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

	begin(&m, SLOTS, "{ \"trim_after_s\": 3 }");
	check_use(&m);
	before = measure(&m);
	await_resident(&m, MIB_BYTES);
	check_less(&m, before, MIB_BYTES);
	check_use(&m);
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

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(what, "at_start") == 0) {
		at_start();
	} else if (strcmp(what, "on_use") == 0) {
		on_use();
	} else if (strcmp(what, "huge") == 0) {
		huge();
	} else if (strcmp(what, "trim") == 0) {
		trim_when_asked();
		trim_at_work();
		trim_by_itself();
	} else {
		harness_fail("usage: pages at_start | on_use | huge | trim");
	}
	return machine_done();
}
