/* SPDX-License-Identifier: MIT */
/*
 * While a free slot exists anywhere, a client that is willing to wait gets it: whether it lies
 * with a core on which nothing runs any more, with a stopped process, with threads, or with nobody;
 * and a boundary between classes does not make a request fail either.
 */

#include "shm/token.h"
#include "tests/daemon/hands.h"

#define CLASS "arenas[0].classes[%u].%s"

static struct host host;
static unsigned per_class, open_slots;

/* Two classes that cores hold, on however many cores, and an open one. */
static void set_up(void)
{
	unsigned cores = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	char config[512];

	per_class = 64 * (cores < 2 ? 2 : cores) + 30;
	open_slots = cores > 1 ? 5 : 0; /* on one core there is no such class */
	snprintf(config, sizeof(config),
		"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 16, \"classes\": ["
		" { \"slot_bytes\": 256, \"slots\": %u }, { \"slot_bytes\": 4096, \"slots\": %u },"
		" { \"slot_bytes\": 20000, \"slots\": 5 } ] } ] }",
		per_class, per_class);
	host_start(&host, config);
}

static void clean_up(void)
{
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(steal, .init = set_up, .fini = clean_up, .timeout = 100);

static unsigned all(void)
{
	return 2 * per_class + 5;
}

static void skip_without_two_cores(void)
{
	if (allowed_core(1) < 0)
		cr_skip_test("this process may run on one core only");
}

/* The first takes all and gives it back, and does nothing any more; the other gets every slot. */
static void check_all_pass(struct hand *from, struct hand *to)
{
	unsigned n = hand_do(from, HAND_TAKE, all(), 1);

	cr_assert_eq(n, all(), "%u of %u", n, all());
	cr_assert_eq(hand_do(from, HAND_GIVE, all(), 1), all());
	n = hand_do(to, HAND_TAKE, all(), 1);
	cr_assert_eq(n, all(), "only %u of %u were to be had", n, all());
	cr_assert_eq(hand_do(to, HAND_GIVE, all(), 1), all());
}

static void check_pairs(bool first_has_rseq, bool second_has_rseq)
{
	struct hand one, two;

	skip_without_two_cores();
	one = hand_new(&host, allowed_core(1), first_has_rseq);
	two = hand_new(&host, allowed_core(0), second_has_rseq);
	check_all_pass(&one, &two);
	check_all_pass(&two, &one);
	hand_end(&one);
	hand_end(&two);
}

Test(steal, an_idle_core_has_to_give)
{
	check_pairs(true, true);
}

Test(steal, a_core_from_a_thread_and_back)
{
	check_pairs(true, false);
}

Test(steal, a_thread_from_a_thread)
{
	check_pairs(false, false);
}

Test(steal, from_a_process_that_is_stopped)
{
	struct hand one, two;
	unsigned round;

	for (round = 0; round < 2; round++) {
		one = hand_new(&host, allowed_core(0), round);
		two = hand_new(&host, ANY_CORE, true);
		cr_assert_eq(hand_do(&one, HAND_TAKE, all(), 1), all());
		cr_assert_eq(hand_do(&one, HAND_GIVE, all(), 1), all());
		kill(one.pid, SIGSTOP);
		cr_assert_eq(waitpid(one.pid, NULL, WUNTRACED), one.pid);
		cr_assert_eq(hand_do(&two, HAND_TAKE, all(), 1), all());
		cr_assert_eq(hand_do(&two, HAND_GIVE, all(), 1), all());
		kill(one.pid, SIGCONT);
		cr_assert_eq(hand_do(&one, HAND_TURN, 1000, 1), 1000, "it goes on afterwards");
		hand_end(&one);
		hand_end(&two);
	}
}

Test(steal, by_clients_that_are_all_on_one_core)
{
	struct hand hands[4];
	unsigned i;

	for (i = 0; i < 4; i++)
		hands[i] = hand_new(&host, allowed_core(0), i != 3);
	for (i = 0; i < 4; i++)
		check_all_pass(&hands[i], &hands[(i + 1) % 4]);
	for (i = 0; i < 4; i++)
		hand_end(&hands[i]);
}

/* Both engines and an open class at once, with less than enough for all. */
Test(steal, by_many_who_want_the_last_slots)
{
	struct hand hands[6], hoarder;
	unsigned i, round;

	hoarder = hand_new(&host, ANY_CORE, true);
	for (i = 0; i < 6; i++)
		hands[i] = hand_new(&host, i < 4 && allowed_core(i % 2) >= 0 ? allowed_core(i % 2)
									      : ANY_CORE,
			i % 3 != 0);
	cr_assert_eq(hand_do(&hoarder, HAND_TAKE, all() - 4, 1), all() - 4);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 6; i++)
			hand_order(&hands[i], HAND_TURN, 500, 1);
		for (i = 0; i < 6; i++)
			cr_assert_eq(hand_answer(&hands[i]), 500, "hand %u starved", i);
	}
	cr_assert_eq(hand_do(&hoarder, HAND_TAKE, 4, 1), 4);
	for (i = 0; i < 6; i++)
		hand_end(&hands[i]);
	hand_end(&hoarder);
}

static bool is_of_class(const struct thruster_lease *lease, unsigned class_)
{
	return where_class(lease->token[0]) == class_;
}

/* 256 has a stride of 320, 4096 of 4160: 640 wastes nothing as two, and 4000 is better as one. */
Test(steal, takes_the_way_that_wastes_least_and_then_the_other)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	static struct thruster_lease leases[HANDS_MAX];
	struct timespec deadline = hand_deadline(20000);
	unsigned small = 0, large = 0, i;

	for (i = 0; i < HANDS_MAX && thruster_rent(pool, 640, &leases[i]) == 0; i++) {
		small += leases[i].size == 640;
		large += leases[i].size == 4160;
		cr_assert(leases[i].size == 640 || leases[i].size == 4160 ||
				  leases[i].size == 20032,
			"%zu", leases[i].size);
		cr_assert(large == 0 || leases[i].size != 640, "a larger one before its time");
	}
	cr_assert_eq(small, per_class / 2, "%u runs of two", small);
	cr_assert_eq(large, per_class, "%u large ones", large);
	cr_assert_eq(thruster_return_bulk(pool, leases, i), (int)i);

	small = large = 0;
	for (i = 0; i < HANDS_MAX && thruster_rent(pool, 4000, &leases[i]) == 0; i++) {
		small += is_of_class(&leases[i], 0);
		large += is_of_class(&leases[i], 1);
		cr_assert(small == 0 || !is_of_class(&leases[i], 1), "a run before its time");
	}
	cr_assert_eq(large, per_class, "%u large ones first", large);
	cr_assert_eq(small, per_class / 64 * (64 / 13) + per_class % 64 / 13,
		"%u runs of thirteen", small);
	cr_assert_eq(thruster_rent_wait(pool, 4000, &(struct timespec){ 0 }, &leases[i]),
		-ETIMEDOUT);
	cr_assert_eq(thruster_return_bulk(pool, leases, i), (int)i);

	/* The longest run there is, and a byte more. */
	cr_assert_eq(thruster_rent_wait(pool, 64 * 4160, &deadline, &leases[0]), 0);
	cr_assert_eq(leases[0].size, 64 * 4160);
	if (open_slots)
		cr_assert_eq(thruster_rent(pool, 64 * 4160 + 1, &leases[1]), -EMSGSIZE);
	cr_assert_eq(thruster_detach(pool), 0);
}

static int64_t figure(const json_t *stats, unsigned class_, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), CLASS, class_, name);
	return json_number(stats, path);
}

/* The cores' own counts of a class; what was begun anew may have been counted again. */
static int64_t sum_of_cores(const json_t *stats, unsigned class_, const char *name)
{
	char path[160], last[96];
	int64_t sum = 0;
	long core;

	for (core = 0; core < sysconf(_SC_NPROCESSORS_CONF); core++) {
		snprintf(last, sizeof(last), "cores[%ld].%s", core, name);
		snprintf(path, sizeof(path), CLASS, class_, last);
		sum += json_number(stats, path);
	}
	return sum;
}

Test(steal, the_figures_add_up_when_all_is_quiet)
{
	struct hand hands[4];
	int64_t leased = 0, all_rents = 0;
	json_t *stats;
	unsigned i;

	for (i = 0; i < 4; i++)
		hands[i] = hand_new(&host,
			allowed_core(i % 2) >= 0 ? allowed_core(i % 2) : ANY_CORE, i != 2);
	for (i = 0; i < 4; i++)
		hand_order(&hands[i], HAND_TURN, 3000, i == 1 ? 3000 : 1);
	for (i = 0; i < 4; i++)
		cr_assert_eq(hand_answer(&hands[i]), 3000);
	cr_assert_eq(hand_do(&hands[0], HAND_TAKE, 100, 1), 100);
	kill_child(hands[1].pid);
	host_await(&host, "reclaim.clients_total", 1);
	stats = host_stats(&host);
	for (i = 0; i < 3; i++) {
		int64_t rents = figure(stats, i, "rents_total");
		int64_t cores = sum_of_cores(stats, i, "rents_total");

		cr_assert_eq(rents - figure(stats, i, "returns_total") - figure(stats, i, "leased"),
			figure(stats, i, "reclaimed_total"), "class %u", i);
		leased += figure(stats, i, "leased");
		all_rents += rents;
		cr_assert(cores >= rents &&
				  cores <= rents + sum_of_cores(stats, i, "restarts_total"),
			"class %u: %ld rents, %ld on the cores", i, (long)rents, (long)cores);
		cr_assert_eq(sum_of_cores(stats, i, "takeable"), figure(stats, i, "takeable"));
	}
	cr_assert_eq(leased, 100);
	cr_assert_eq(all_rents, 4 * 3000 + 100);
	json_decref(stats);
	hand_end(&hands[0]);
	hand_end(&hands[2]);
	hand_end(&hands[3]);
}
