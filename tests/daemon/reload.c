/* SPDX-License-Identifier: MIT */
/* SIGHUP: what can change at once does, what cannot is told, what is wrong changes nothing. */

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "client/pool.h"
#include "tests/harness/keeper.h"

#define CLASSES "\"classes\": [ { \"slot_bytes\": 1000, \"slots\": 200 } ]"
#define ARENA(rest) "{ \"arenas\": [ { \"name\": \"default\", " rest " } ] }"

static struct host host;
static struct thruster_pool *pool;

static void set_up(void)
{
	keeper_start(&host, ARENA("\"max_clients\": 8, " CLASSES));
	pool = host_attach(&host, NULL);
}

static void clean_up(void)
{
	struct thruster_lease lease;

	/* Whatever was reloaded, who is attached stays so. */
	cr_expect_eq(thruster_rent(pool, 1, &lease), 0);
	cr_expect_eq(thruster_return(pool, &lease), 0);
	cr_expect_eq(thruster_detach(pool), 0);
	keeper_stop(&host);
}

TestSuite(reload, .init = set_up, .fini = clean_up, .timeout = 60);

static int attach(const char *arena)
{
	return host_try_attach(&host, arena);
}

Test(reload, who_is_admitted)
{
	keeper_reload(&host,
		ARENA("\"max_clients\": 8, \"allow\": { \"users\": [65534] }, " CLASSES));
	cr_expect_eq(attach(NULL), -EACCES);
	cr_expect(file_contains(host.log, "configuration reloaded\n"));
	keeper_reload(&host, ARENA("\"allow\": { \"users\": [0] }, " CLASSES));
	cr_expect_eq(attach(NULL), 0);
	/* The next run has it from the ledger as well. */
	keeper_restart(&host, SIGKILL, NULL);
	cr_expect_eq(attach(NULL), 0);
}

Test(reload, how_many)
{
	keeper_reload(&host, ARENA("\"max_clients\": 1, " CLASSES));
	cr_expect_eq(attach(NULL), -EUSERS);
	keeper_reload(&host, ARENA("\"max_clients\": 2, " CLASSES));
	cr_expect_eq(attach(NULL), 0);
}

Test(reload, more_clients_than_there_are_seats)
{
	keeper_reload(&host, ARENA("\"max_clients\": 9, " CLASSES));
	cr_expect(file_contains(host.log, "need a restart; the rest is applied"));
	cr_expect(file_contains(host.log, "configuration reloaded; 1 changes wait for a restart"));
	cr_expect_eq(attach(NULL), 0);
}

Test(reload, a_quota)
{
	struct thruster_attach_options options = host_options(&host, NULL);
	struct thruster_pool *other;
	struct thruster_lease lease[2];

	keeper_reload(&host, ARENA("\"quota\": { \"leases\": 1 }, " CLASSES));
	cr_assert_eq(thruster_attach(&other, NULL, &options), 0);
	cr_expect_eq(thruster_rent(other, 1, &lease[0]), 0);
	cr_expect_eq(thruster_rent(other, 1, &lease[1]), -EDQUOT);
	keeper_reload(&host, ARENA("\"quota\": { \"leases\": 2 }, " CLASSES));
	cr_expect_eq(thruster_rent(other, 1, &lease[1]), 0);
	cr_expect_eq(thruster_return_bulk(other, lease, 2), 2);
	cr_expect_eq(thruster_detach(other), 0);
}

Test(reload, a_new_arena)
{
	keeper_reload(&host, "{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8, " CLASSES
			     " }, { \"name\": \"more\", " CLASSES " } ] }");
	cr_expect_eq(attach("more"), 0);
	cr_expect_eq(keeper_count(), 7);
	keeper_restart(&host, SIGKILL, NULL);
	cr_expect_eq(attach("more"), 0);
}

/* Cores may hold segments there as in the old one. */
Test(reload, a_new_arena_has_the_same_cores)
{
	struct thruster_pool *other;

	keeper_reload(&host, "{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8, " CLASSES
		" }, { \"name\": \"other\", " CLASSES " } ] }");
	other = host_attach(&host, "other");
	cr_expect_eq(memcmp((const void *)other->board->visitable,
			     (const void *)pool->board->visitable,
			     sizeof(pool->board->visitable)),
		0);
	cr_expect_eq(thruster_detach(other), 0);
}

Test(reload, other_memory)
{
	keeper_reload(&host, ARENA("\"max_clients\": 8, \"memory\": { \"allocate\": \"on_use\" }, "
		CLASSES));
	cr_expect(file_contains(host.log, "arena default: other classes, other memory, or more "
					  "clients than it has seats (8), need a restart"));
	keeper_restart(&host, SIGTERM, NULL);
	cr_expect(file_contains(host.log, "retired, since it is configured otherwise"));
}

Test(reload, an_arena_less)
{
	keeper_reload(&host, "{ \"arenas\": [ { \"name\": \"more\", " CLASSES " } ] }");
	cr_expect(file_contains(host.log, "arena default is not configured any more"));
	cr_expect_eq(attach(NULL), 0, "until the restart");
	cr_expect_eq(attach("more"), 0);
}

Test(reload, other_classes)
{
	keeper_reload(&host,
		ARENA("\"allow\": { \"users\": [65534] },"
		      "\"classes\": [ { \"slot_bytes\": 2000, \"slots\": 9 } ]"));
	cr_expect(file_contains(host.log, "other classes"));
	cr_expect_eq(attach(NULL), -EACCES, "the rest is applied");
}

Test(reload, what_is_wrong)
{
	keeper_reload(&host, ARENA("\"max_clients\": 0, " CLASSES));
	cr_expect(file_contains(host.log, "arenas[0].max_clients: 0 is out of bounds"));
	cr_expect(file_contains(host.log, "the old configuration stays in force"));
	cr_expect_eq(attach(NULL), 0);
	keeper_reload(&host, "{");
	cr_expect_eq(attach(NULL), 0);
}

Test(reload, again_and_again)
{
	unsigned i;

	for (i = 0; i < 50; i++)
		keeper_reload(&host, i % 2 ? ARENA("\"max_clients\": 5, " CLASSES)
					   : ARENA("\"max_clients\": 8, " CLASSES));
	cr_expect_eq(attach(NULL), 0);
	cr_expect_eq(keeper_count(), 4);
}
