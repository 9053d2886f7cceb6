/* SPDX-License-Identifier: MIT */
/*
 * What thrusterctl advises suffices: a daemon that is run into exhaustion, or not, is followed by
 * one that is configured as advised, and the same load is put to it.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/daemon/stand-in.h"
#include "tests/harness/harness.h"

#define THREADS 40u
#define ROUNDS_MAX 6u

static struct host host;
static char output[65536];

TestSuite(advise, .timeout = 100);

/* Threads that all want one buffer at the same time, and get it sooner or later. */
static struct {
	struct thruster_pool *pool;
	unsigned holding, wrong;
	bool is_released;
} load;

static void *want(void *unused)
{
	struct thruster_lease lease;
	unsigned i;

	(void)unused;
	for (i = 0; i < 5; i++) {
		if (thruster_rent_wait(load.pool, 1000, NULL, &lease) < 0) {
			__atomic_add_fetch(&load.wrong, 1, __ATOMIC_RELAXED);
			return NULL;
		}
		__atomic_add_fetch(&load.holding, 1, __ATOMIC_RELAXED);
		while (!__atomic_load_n(&load.is_released, __ATOMIC_ACQUIRE))
			sleep_ms(1);
		sleep_ms(2);
		if (thruster_return(load.pool, &lease) < 0)
			__atomic_add_fetch(&load.wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Returns how many rents had to wait. */
static int64_t put_load(void)
{
	pthread_t threads[THREADS];
	int64_t waits;
	unsigned i;

	memset(&load, 0, sizeof(load));
	load.pool = host_attach(&host, NULL);
	for (i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, want, NULL), 0);
	/* All want one: those who have none are waiting. Only now is anything returned. */
	do {
		sleep_ms(5);
		waits = host_number(&host, "arenas[0].clients[0].waits_total");
	} while (__atomic_load_n(&load.holding, __ATOMIC_RELAXED) + waits < THREADS);
	__atomic_store_n(&load.is_released, true, __ATOMIC_RELEASE);
	for (i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_join(threads[i], NULL), 0);
	waits = host_number(&host, "arenas[0].clients[0].waits_total");
	cr_expect_eq(load.wrong, 0);
	cr_expect_eq(thruster_detach(load.pool), 0);
	return waits;
}

/* The configuration that is advised; it must be one. */
static json_t *advised(const char *arguments)
{
	char command[256];
	json_error_t error;
	json_t *json;

	snprintf(command, sizeof(command), "advise --json %s 2>/dev/null", arguments);
	cr_assert_eq(host_ctl(&host, command, output, sizeof(output)), 0, "%s", output);
	json = json_loads(output, JSON_REJECT_DUPLICATES, &error);
	cr_assert(json, "%s: %s", error.text, output);
	snprintf(command, sizeof(command), "%s/advised.json", host.directory);
	write_file(command, output);
	snprintf(command, sizeof(command), "$THRUSTERD --check-config --config %s/advised.json",
		host.directory);
	cr_assert_eq(shell(command, output, sizeof(output)), 0, "%s", output);
	return json;
}

static void go_on_with(json_t *config)
{
	char *text = json_dumps(config, 0);

	host_stop(&host);
	host_start(&host, text);
	free(text);
	json_decref(config);
}

/* With a known number of waiters the first advice is right; without, it is doubled each time. */
Test(advise, what_was_exhausted_is_so_no_more)
{
	json_t *stats, *class_;
	bool knows;
	unsigned rounds = 0;
	int64_t slots;

	host_start(&host, "{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 4,"
		" \"classes\": [ { \"slot_bytes\": 1000, \"slots\": 8 } ] } ] }");
	cr_expect_geq(put_load(), THREADS - 8);
	stats = host_stats(&host);
	cr_expect_gt(json_number(stats, "arenas[0].classes[0].exhausted_total"), 0);
	class_ = json_array_get(json_object_get(json_array_get(json_object_get(stats, "arenas"), 0),
					"classes"), 0);
	knows = json_object_get(class_, "waiters_peak") != NULL;
	json_decref(stats);
	do {
		go_on_with(advised(""));
		rounds++;
	} while (put_load() > 0 && rounds < ROUNDS_MAX);
	cr_expect_eq(host_number(&host, "arenas[0].classes[0].exhausted_total"), 0);
	slots = host_number(&host, "arenas[0].classes[0].slots");
	cr_expect(slots >= THREADS && slots <= 4 * THREADS, "%ld slots", (long)slots);
	if (knows)
		cr_expect_eq(rounds, 1, "%u rounds, though the waiters are known", rounds);
	host_must_be_well(&host);
	host_stop(&host);
}

static void put_small_load(void)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct thruster_lease leases[100];
	unsigned i;

	for (i = 0; i < 100; i++)
		cr_assert_eq(thruster_rent_wait(pool, 1000, NULL, &leases[i]), 0);
	cr_expect_eq(host_number(&host, "arenas[0].classes[0].leased"), 100);
	cr_expect_eq(host_number(&host, "arenas[0].classes[0].exhausted_total"), 0);
	cr_expect_eq(thruster_return_bulk(pool, leases, 100), 100);
	cr_expect_eq(thruster_detach(pool), 0);
}

Test(advise, what_fits_still_fits)
{
	int64_t slots;

	host_start(&host, "{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 4,"
		" \"classes\": [ { \"slot_bytes\": 1000, \"slots\": 100000 },"
		" { \"slot_bytes\": 4000, \"slots\": 5 } ] } ] }");
	put_small_load();
	json_decref(advised(""));
	cr_expect_eq(host_ctl(&host, "advise", output, sizeof(output)), 0);
	cr_expect(strstr(output, "too little to judge by."), "%s", output);
	go_on_with(advised("--least 0"));
	slots = host_number(&host, "arenas[0].classes[0].slots");
	cr_expect(slots >= 125 && slots < 100000, "%ld slots", (long)slots);
	cr_expect_eq(host_number(&host, "arenas[0].classes[1].slots"), 5, "never used, and kept");
	put_small_load();
	host_must_be_well(&host);
	host_stop(&host);
}

static const char full[] =
	"{ \"log_level\": \"debug\", \"admins\": { \"users\": [ 0 ] }, \"arenas\": ["
	" { \"quota\": { \"leases\": 90 }, \"classes\": ["
	"   { \"slots\": 6, \"align_bytes\": 4096, \"slot_bytes\": 5000 },"
	"   { \"slot_bytes\": 64, \"slots\": 3 } ],"
	"   \"memory\": { \"allocate\": \"on_use\", \"trim_after_s\": 7 },"
	"   \"allow\": { \"users\": [ 0, %u ] }, \"undelivered_grace_ms\": 77, \"name\": \"odd\" },"
	" { \"name\": \"default\", \"max_clients\": 2,"
	"   \"classes\": [ { \"slot_bytes\": 100, \"slots\": 1 } ] } ] }";

static struct thruster_pool *rent_all(const char *arena)
{
	struct thruster_pool *pool = host_attach(&host, arena);
	struct thruster_lease lease;
	unsigned i;

	for (i = 0; thruster_rent(pool, 1, &lease) == 0 && i < 1000; i++)
		;
	return pool;
}

/* Only `slots` and `max_clients` may differ, and the order of everything is kept. */
static void must_differ_in_slots(const char *before, json_t *after, bool is_default_too)
{
	json_t *expected = json_loads(before, 0, NULL);
	json_t *arenas = json_object_get(expected, "arenas");
	json_t *odd = json_array_get(arenas, 0), *other = json_array_get(arenas, 1);
	json_t *classes = json_object_get(odd, "classes");
	char *has, *should;

	json_object_set_new(json_array_get(classes, 0), "slots",
		json_integer(json_number(after, "arenas[0].classes[0].slots")));
	json_object_set_new(json_array_get(classes, 1), "slots",
		json_integer(json_number(after, "arenas[0].classes[1].slots")));
	cr_expect_geq(json_number(after, "arenas[0].classes[1].slots"), 6);
	cr_expect_geq(json_number(after, "arenas[0].classes[0].slots"), 12);
	if (is_default_too) {
		json_object_set_new(other, "max_clients", json_integer(4));
		json_object_set_new(json_array_get(json_object_get(other, "classes"), 0), "slots",
			json_integer(json_number(after, "arenas[1].classes[0].slots")));
		cr_expect_geq(json_number(after, "arenas[1].classes[0].slots"), 2);
	}
	has = json_dumps(after, JSON_COMPACT);
	should = json_dumps(expected, JSON_COMPACT);
	cr_expect_str_eq(has, should);
	free(has);
	free(should);
	json_decref(expected);
	json_decref(after);
}

Test(advise, a_configuration_keeps_all_else)
{
	struct thruster_pool *odd, *first, *second;
	char text[2048], arguments[160];
	json_t *json;

	snprintf(text, sizeof(text), full, geteuid());
	host_start(&host, text);
	odd = rent_all("odd");
	first = rent_all(NULL);
	second = rent_all(NULL);
	snprintf(arguments, sizeof(arguments), "--config %s", host.config);
	must_differ_in_slots(text, advised(arguments), true);
	snprintf(arguments, sizeof(arguments), "--arena odd --config %s", host.config);
	must_differ_in_slots(text, advised(arguments), false);
	json = advised("");
	cr_expect_eq(json_number(json, "arenas[0].quota.leases"), 90, "in the statistics, too");
	cr_expect_eq(json_number(json, "arenas[0].memory.trim_after_s"), 7);
	cr_expect_eq(json_number(json, "arenas[0].classes[1].align_bytes"), 4096);
	cr_expect_eq(json_number(json, "arenas[1].max_clients"), 4);
	json_decref(json);
	cr_expect_eq(thruster_detach(odd), 0);
	cr_expect_eq(thruster_detach(first), 0);
	cr_expect_eq(thruster_detach(second), 0);
	host_must_be_well(&host);
	host_stop(&host);
}

static void must_say(const char *arguments, int status, const char *words)
{
	cr_expect_eq(host_ctl(&host, arguments, output, sizeof(output)), status, "%s", output);
	cr_expect(strstr(output, words), "no \"%s\" in: %s", words, output);
}

Test(advise, what_does_not_fit_together_is_told)
{
	char path[128], arguments[160];

	host_start(&host, "{ \"arenas\": [ { \"name\": \"default\", \"classes\": ["
		" { \"slot_bytes\": 64, \"slots\": 3 }, { \"slot_bytes\": 999, \"slots\": 3 } ] },"
		" { \"name\": \"more\", \"classes\": ["
		" { \"slot_bytes\": 64, \"slots\": 3 } ] } ] }");
	snprintf(path, sizeof(path), "%s/other.json", host.directory);
	snprintf(arguments, sizeof(arguments), "advise --config %s", path);
	must_say(arguments, 1, "other.json:");
	write_file(path, "{ \"arenas\": 1 }");
	must_say(arguments, 1, "this is no configuration of thrusterd");
	write_file(path, "{ \"arenas\": [ { \"name\": \"default\", \"classes\": ["
			 " { \"slot_bytes\": 64, \"slots\": 4 } ] } ] }");
	must_say(arguments, 0, "the file has no class of 999 bytes like the daemon's");
	must_say(arguments, 0, "the file says 4 slots of 64 bytes, the daemon has 3");
	must_say(arguments, 0, "arena more: the daemon serves it, and the file does not have it");
	must_say("advise", 0, "Not in the statistics, and to be added by hand:");
	must_say("advise", 0, "Never used: it could have fewer, or go; left as it is.");
	must_say("advise --json", 0, "Not in the statistics");
	must_say("advise --arena nowhere", 1, "there is no arena \"nowhere\"");
	must_say("advise --headroom 1001", 2, "--headroom");
	must_say("advise >/dev/full", 1, "cannot write");
	host_must_be_well(&host);
	host_stop(&host);
}

/* What a daemon says that counts waiters, of an open class on four cores. */
static const char told[] =
	"{ \"timestamp_realtime_ns\": 4000000000000, \"daemon\": { \"started_realtime_ns\": 1 },"
	" \"arenas\": [ { \"name\": \"default\", \"state\": \"served\", \"max_clients\": 9,"
	" \"clients\": [], \"memory\": { \"page_bytes\": 4096 }, \"classes\": ["
	"  { \"slot_bytes\": 64, \"align_bytes\": 0, \"claim\": \"open\", \"slots\": 8,"
	"    \"leased_peak\": 8, \"rents_total\": 5000, \"returns_total\": 5000,"
	"    \"exhausted_total\": 77, \"waiters_peak\": 32, \"cores\": ["
	"     { \"core\": 0, \"rents_total\": 5000 }, { \"core\": 1, \"rents_total\": 0 },"
	"     { \"core\": 2, \"rents_total\": 0 }, { \"core\": 3, \"rents_total\": 0 } ] } ] } ] }";

Test(advise, waiters_are_counted)
{
	const char *texts[STAND_IN_QUESTIONS] = { [WIRE_QUESTION_STATS] = told };
	char command[128];
	json_t *json;
	pid_t pid;

	host_prepare(&host, NULL);
	pid = stand_in_start(host.socket, texts);
	json = advised("");
	cr_expect_eq(json_number(json, "arenas[0].classes[0].slots"), 56);
	json_decref(json);
	json = advised("--headroom 0");
	cr_expect_eq(json_number(json, "arenas[0].classes[0].slots"), 40);
	json_decref(json);
	must_say("advise", 0, "   64      8     8         77     32       56\n");
	kill_child(pid);
	snprintf(command, sizeof(command), "rm -r %s", host.directory);
	cr_expect_eq(shell(command, output, sizeof(output)), 0);
}
