/* SPDX-License-Identifier: MIT */
/* What a run finds is not what it would make: another configuration, another version, damage. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/ledger.h"
#include "daemon/state.h"
#include "tests/harness/keeper.h"

#define ARENA(name, slots, rest)                                                                   \
	"{ \"name\": \"" name "\", \"max_clients\": 8, " rest "\"classes\": ["                     \
	" { \"slot_bytes\": 1000, \"slots\": " slots " } ] }"
#define CONFIG(arenas) "{ \"arenas\": [ " arenas " ] }"

static const char config[] = CONFIG(ARENA("default", "200", ""));
static const char other[] = CONFIG(ARENA("default", "300", ""));

static struct host host;
static struct thruster_pool *pool; /* of the first run's "default" */
static struct thruster_lease lease;

static void must_rent(struct thruster_pool *from, struct thruster_lease *ret)
{
	struct timespec deadline = { .tv_sec = (time_t)(now_ns() / 1000000000) + 10 };

	cr_assert_eq(thruster_rent_wait(from, 1, &deadline, ret), 0);
}

static void set_up(void)
{
	keeper_start(&host, config);
	pool = host_attach(&host, NULL);
	must_rent(pool, &lease);
	strcpy(lease.data, "mine");
}

static void clean_up(void)
{
	host_must_be_well(&host);
	keeper_stop(&host);
}

TestSuite(adopt, .init = set_up, .fini = clean_up, .timeout = 120);

static int64_t number(const char *path)
{
	return host_number(&host, path);
}

static size_t arenas(void)
{
	json_t *stats = host_stats(&host);
	size_t n = json_array_size(json_object_get(stats, "arenas"));

	json_decref(stats);
	return n;
}

static void await_arenas(size_t n)
{
	uint64_t until = now_ns() + 10000000000ull;

	while (arenas() != n) {
		if (now_ns() > until)
			harness_fail("%zu arenas, not %zu", arenas(), n);
		sleep_ms(5);
	}
}

/* The old client still has what it had, rents, and gives all back. */
static void old_goes_on_and_leaves(void)
{
	struct thruster_lease more;

	cr_expect_str_eq(lease.data, "mine");
	must_rent(pool, &more);
	cr_expect_eq(thruster_return(pool, &more), 0);
	cr_expect_eq(thruster_return(pool, &lease), 0);
	cr_expect_eq(thruster_detach(pool), 0);
}

static void *map_kept(const char *name)
{
	struct stat st;
	void *at;
	int fd = keeper_fd(name);

	cr_assert_geq(fd, 0, "%s", name);
	cr_assert_eq(fstat(fd, &st), 0);
	at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(at, MAP_FAILED);
	return at;
}

/* Another layout: the old arena until its last client leaves, the new one for new clients. */
Test(adopt, other_classes_retire_an_arena)
{
	struct thruster_pool *new;

	keeper_restart(&host, SIGKILL, other);
	cr_expect_eq(arenas(), 2);
	cr_expect(file_contains(host.log, "arena default (1): retired"));
	new = host_attach(&host, NULL);
	cr_expect_eq(number("arenas[1].classes[0].slots"), 300);
	cr_expect_eq(thruster_return(new, &lease), -ESTALE, "another arena's");
	old_goes_on_and_leaves();
	await_arenas(1);
	cr_expect_eq(number("arenas[0].classes[0].slots"), 300);
	cr_expect_eq(keeper_count(), 4, "the old one is not kept any more");
	cr_expect_eq(thruster_detach(new), 0);
}

/* A retired arena is looked after: through further runs, and when its clients die. */
Test(adopt, a_retired_arena_is_looked_after)
{
	pid_t pid = host_fork_holder(&host, "default", 5, 1000);

	keeper_restart(&host, SIGKILL, other);
	keeper_restart(&host, SIGTERM, NULL);
	cr_expect_eq(arenas(), 2);
	kill_child(pid);
	host_await(&host, "reclaim.leases_total", 5);
	old_goes_on_and_leaves();
	await_arenas(1);
}

/* And it is the configured one again if the configuration changes back. */
Test(adopt, a_retired_arena_comes_back)
{
	keeper_restart(&host, SIGKILL, other);
	keeper_restart(&host, SIGKILL, config);
	await_arenas(1);
	cr_expect_eq(number("arenas[0].classes[0].slots"), 200);
	cr_expect_eq(number("arenas[0].classes[0].leased"), 1);
	old_goes_on_and_leaves();
}

Test(adopt, an_arena_that_is_configured_no_more)
{
	struct thruster_attach_options options = host_options(&host, NULL);
	struct thruster_pool *none;

	keeper_restart(&host, SIGKILL, CONFIG(ARENA("another", "10", "")));
	cr_expect_eq(thruster_attach(&none, NULL, &options), -ENOENT);
	old_goes_on_and_leaves();
	await_arenas(1);
}

Test(adopt, no_memory_for_the_new_one)
{
	keeper_restart(&host, SIGKILL, CONFIG(ARENA("default", "67108864", "")));
	cr_expect_eq(arenas(), 1);
	cr_expect(file_contains(host.log, "cannot be had"));
	cr_expect(file_contains(host.log, "goes on as it was before the configuration changed"));
	old_goes_on_and_leaves();
	/* With nobody in it, it is still the one to attach to. */
	pool = host_attach(&host, NULL);
	cr_expect_eq(thruster_detach(pool), 0);
}

/* Fewer clients, other users, another grace: no reason to make a new arena. */
Test(adopt, smaller_limits_are_no_difference)
{
	struct thruster_attach_options options = host_options(&host, NULL);
	struct thruster_pool *second;

	keeper_restart(&host, SIGKILL,
		CONFIG("{ \"name\": \"default\", \"max_clients\": 1, \"undelivered_grace_ms\": 5,"
		       " \"allow\": { \"users\": [0] }, \"classes\": ["
		       " { \"slot_bytes\": 1000, \"slots\": 200 } ] }"));
	cr_expect_eq(arenas(), 1);
	cr_expect_eq(thruster_attach(&second, NULL, &options), -EUSERS);
	old_goes_on_and_leaves();
}

/* New clients get a new arena, the old ones go on among themselves; when they have gone, so does
 * what was set aside. */
static void must_be_set_aside(const char *why, bool is_marked)
{
	struct thruster_pool *new;
	struct thruster_lease of_new;

	cr_expect(file_contains(host.log, why), "%s", why);
	cr_expect_eq(arenas(), 1);
	new = host_attach(&host, NULL);
	must_rent(new, &of_new);
	cr_expect_eq(thruster_return(pool, &of_new), -ESTALE);
	cr_expect_eq(thruster_return(new, &of_new), 0);
	/* It stays so in the next run. */
	keeper_restart(&host, SIGKILL, NULL);
	cr_expect_eq(arenas(), 1);
	cr_expect_geq(keeper_count(), 6);
	if (is_marked)
		cr_expect(file_contains(host.log, "an earlier run did so"));
	cr_expect_eq(thruster_detach(new), 0);
	old_goes_on_and_leaves();
	while (keeper_count() != 4)
		sleep_ms(5);
}

Test(adopt, a_ledger_that_is_none)
{
	struct ledger *ledger;

	keeper_kill(&host, SIGKILL);
	ledger = map_kept("l.1");
	ledger->magic++;
	keeper_launch(&host, NULL);
	must_be_set_aside("its ledger was never begun, or is none", true);
}

Test(adopt, a_ledger_with_a_wrong_client)
{
	struct ledger *ledger;

	keeper_kill(&host, SIGKILL);
	ledger = map_kept("l.1");
	((struct ledger_entry *)(ledger + 1))[2].id = 7;
	keeper_launch(&host, NULL);
	must_be_set_aside("its ledger seats an impossible client", true);
}

Test(adopt, a_ledger_with_a_wrong_geometry)
{
	struct ledger *ledger;

	keeper_kill(&host, SIGKILL);
	ledger = map_kept("l.1");
	ledger->geometry.class_[0].slots = 1u << 31;
	keeper_launch(&host, NULL);
	must_be_set_aside("its ledger has an impossible geometry", true);
}

Test(adopt, a_board_that_differs)
{
	struct thr_board *board;

	keeper_kill(&host, SIGKILL);
	board = map_kept("b.1");
	board->nonce++;
	keeper_launch(&host, NULL);
	must_be_set_aside("its board does not agree with its ledger", true);
}

Test(adopt, another_version_of_the_pages)
{
	struct ledger *ledger;

	keeper_kill(&host, SIGKILL);
	ledger = map_kept("l.1");
	ledger->abi++;
	keeper_launch(&host, NULL);
	must_be_set_aside("it was made by another version of the daemon", false);
}

/* The version that made it comes back, and finds it as it was. */
Test(adopt, another_version_is_adopted_by_its_own)
{
	struct ledger *ledger;

	keeper_kill(&host, SIGKILL);
	ledger = map_kept("l.1");
	ledger->abi++;
	keeper_launch(&host, NULL);
	keeper_kill(&host, SIGKILL);
	ledger->abi--;
	keeper_launch(&host, NULL);
	cr_expect_eq(number("arenas[0].classes[0].leased"), 1);
	old_goes_on_and_leaves();
	await_arenas(1);
}

Test(adopt, a_part_that_is_missing)
{
	keeper_kill(&host, SIGKILL);
	keeper_drop("l.1");
	keeper_launch(&host, NULL);
	cr_expect(file_contains(host.log, "a part of it is missing"));
	cr_expect_eq(arenas(), 1);
	old_goes_on_and_leaves();
	while (keeper_count() != 4)
		sleep_ms(5);
}

Test(adopt, a_part_that_is_missing_of_an_arena_without_clients)
{
	old_goes_on_and_leaves();
	keeper_kill(&host, SIGKILL);
	keeper_drop("b.1");
	keeper_launch(&host, NULL);
	cr_expect(file_contains(host.log, "ended while it made an arena (1); dropped"));
	cr_expect_eq(keeper_count(), 4);
}

/* Whatever the arena's pages say is no reason: clients may write there. */
Test(adopt, noise_in_the_pages_is_no_damage)
{
	uint64_t *pages, i;

	keeper_kill(&host, SIGKILL);
	pages = map_kept("a.1");
	for (i = 64; i < 2048; i++)
		pages[i] = i * 0x9e3779b97f4a7c15ull;
	keeper_launch(&host, NULL);
	cr_expect_eq(arenas(), 1);
	cr_expect_eq(thruster_detach(pool), 0);
	memset(&pages[1], 0, 2047 * 8);
	/* As the daemon makes them, so that what follows can find it well. */
	keeper_restart(&host, SIGTERM, other);
	await_arenas(1);
}

Test(adopt, a_state_that_is_none)
{
	struct state *state;

	keeper_kill(&host, SIGKILL);
	state = map_kept("state");
	state->magic++;
	keeper_launch(&host, NULL);
	cr_expect(file_contains(host.log, "the state that an earlier run left is not sound"));
	cr_expect_eq(number("arenas[0].classes[0].leased"), 1);
	old_goes_on_and_leaves();
	/* Its ids do not meet the old ones. */
	keeper_restart(&host, SIGKILL, other);
	cr_expect_geq(keeper_fd("a.2"), 0);
}

Test(adopt, descriptors_that_are_nobodys)
{
	old_goes_on_and_leaves();
	keeper_kill(&host, SIGKILL);
	keeper_add("mystery", open("/dev/null", O_RDONLY | O_CLOEXEC));
	keeper_add("a.01", open("/dev/null", O_RDONLY | O_CLOEXEC));
	keeper_add("a.0", open("/dev/null", O_RDONLY | O_CLOEXEC));
	keeper_launch(&host, NULL);
	cr_expect_eq(keeper_count(), 4);
}

/* As if a walk over the arena had ended the daemon, three times in a row. */
Test(adopt, the_end_of_three_runs)
{
	struct state *state;
	unsigned i;

	for (i = 0; i < 3; i++) {
		cr_expect_not(file_contains(host.log, "set aside"), "after %u", i);
		keeper_kill(&host, SIGKILL);
		state = map_kept("state");
		state->at_work[i % STATE_HANDS] = 1;
		keeper_launch(&host, NULL);
	}
	must_be_set_aside("ended three times in a row", true);
}

/* Not if it did well in between, or had lived for long. */
Test(adopt, ends_of_runs_that_are_no_row)
{
	struct state *state;
	unsigned i;

	for (i = 0; i < 8; i++) {
		keeper_kill(&host, SIGKILL);
		state = map_kept("state");
		state->at_work[0] = i % 3 < 2;
		if (i > 4) {
			state->at_work[0] = 1;
			state->alive_ns = state->begun_ns + STATE_FAST_NS;
		}
		keeper_launch(&host, NULL);
	}
	cr_expect_not(file_contains(host.log, "set aside"));
	old_goes_on_and_leaves();
}
