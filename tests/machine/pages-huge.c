/* SPDX-License-Identifier: MIT */
/* Huge pages: served, used, killed, refused, given back. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/pool.h"
#include "tests/machine/kernel.h"
#include "tests/machine/pages.h"

#define SLOTS_HUGE 512u  /* 17 huge pages */
#define SLOTS_REST 1470u /* 47 huge pages: all but those */
#define HUGE_BYTES 2097152u

/* A daemon that asks for this does not start, and says why. */
static void check_refused(unsigned slots, const char *memory, const char *why)
{
	char config[512], command[512], output[4096];
	struct host other;
	int status;

	pages_write_config(config, sizeof(config), slots, memory);
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

static void check_killed(const struct machine *m)
{
	pid_t pid = host_fork_holder(&m->host, NULL, m->slots / 2, SLOT_BYTES);

	machine_check(pages_number(m, "classes[1].leased") == m->slots / 2, "leased by a client",
		m->slots / 2);
	kill_child(pid);
	host_await(&m->host, "arenas[0].classes[1].leased", 0);
	machine_check(true, "who is killed; reclaimed",
		pages_number(m, "classes[1].reclaimed_total"));
}

/* Another daemon takes all huge pages that are free; what this one has stays usable. */
static void check_short(const struct machine *m, struct thruster_pool *pool)
{
	struct machine other;
	unsigned n;

	pages_begin(&other, SLOTS_REST, "{ \"page_bytes\": 2097152 }");
	machine_check(meminfo("HugePages_Free") == 0, "free, another daemon has the rest",
		meminfo("HugePages_Free"));
	n = pages_use_all(m, pool);
	machine_check(n == 2 * m->slots, "slots of the first still rented and written", n);
	host_stop(&other.host);
}

static void huge_at_start(uint64_t all)
{
	struct thruster_pool *pool;
	uint64_t pages, left;
	struct machine m;

	pages_begin(&m, SLOTS_HUGE, "{ \"page_bytes\": 2097152 }");
	pages = pages_number(&m, "size_bytes") / HUGE_BYTES;
	left = meminfo("HugePages_Free");
	machine_check(all - left == pages, "huge pages taken", all - left);
	machine_check(pages_resident(&m) == pages * HUGE_BYTES, "bytes resident",
		pages_resident(&m));
	pages_check_use(&m);
	pool = host_attach(&m.host, NULL);
	machine_check(mapped_page_kib(m.host.pid) == HUGE_BYTES / 1024,
		"KernelPageSize of the mapping in thrusterd", mapped_page_kib(m.host.pid));
	machine_check(mapped_page_kib(getpid()) == HUGE_BYTES / 1024,
		"KernelPageSize of the mapping in a client", mapped_page_kib(getpid()));
	pages_check_arcs(&m, pool);
	check_killed(&m);
	machine_check(pages_use_all(&m, pool) == 2 * m.slots, "slots that another can have, of all",
		2 * m.slots);
	machine_judge(&m);
	check_refused(3 * SLOTS_HUGE, "{ \"page_bytes\": 2097152 }", "pages of 2097152 bytes");
	pages_check_trim(&m, "thrusterctl trim");
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

	pages_begin(&m, SLOTS_HUGE, "{ \"page_bytes\": 2097152, \"allocate\": \"on_use\" }");
	pages = pages_number(&m, "size_bytes") / HUGE_BYTES;
	machine_check(all - meminfo("HugePages_Free") == pages_resident(&m) / HUGE_BYTES,
		"huge pages taken, those of the metadata", all - meminfo("HugePages_Free"));
	machine_check(meminfo("HugePages_Rsvd") == pages - (all - meminfo("HugePages_Free")),
		"huge pages reserved, the rest", meminfo("HugePages_Rsvd"));
	check_refused(3 * SLOTS_HUGE, "{ \"page_bytes\": 2097152, \"allocate\": \"on_use\" }",
		"pages of 2097152 bytes");
	pages_check_use(&m);
	machine_check(all - meminfo("HugePages_Free") == pages, "huge pages taken by use",
		all - meminfo("HugePages_Free"));
	machine_check(
		meminfo("HugePages_Rsvd") == 0, "reserved still", meminfo("HugePages_Rsvd"));
	pages_check_trim(&m, "thrusterctl trim");
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

	pages_write_config(config, sizeof(config), m.slots, "{ \"page_bytes\": 2097152 }");
	keeper_start(&m.host, config);
	left = meminfo("HugePages_Free");
	pool = host_attach(&m.host, NULL);
	if (thruster_rent_bulk(pool, SLOT_BYTES, leases, EACH) != (int)EACH)
		harness_fail("nothing can be rented");
	for (i = 0; i < EACH; i++)
		pages_fill(&leases[i], i);
	keeper_restart(&m.host, SIGKILL, NULL);
	for (i = 0; i < EACH; i++)
		good += pages_is_filled(&leases[i], i);
	machine_check(good == EACH, "buffers as they were after the daemon's restart", good);
	machine_check(meminfo("HugePages_Free") == left, "huge pages free as before",
		meminfo("HugePages_Free"));
	thruster_detach(pool);
	pages_check_use(&m);
	machine_judge(&m);
	keeper_stop(&m.host);
	machine_check(meminfo("HugePages_Free") == all, "huge pages free when the daemon ended",
		meminfo("HugePages_Free"));
}

void pages_huge(void)
{
	uint64_t all = meminfo("HugePages_Free");

	huge_at_start(all);
	huge_on_use(all);
	huge_restart(all);
	check_refused(SLOTS_HUGE, "{ \"page_bytes\": 1073741824 }", "pages of 1073741824 bytes");
	check_refused(SLOTS_HUGE, "{ \"page_bytes\": 4194304 }", "no pages of 4194304 bytes");
}
