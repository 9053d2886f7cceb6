/* SPDX-License-Identifier: MIT */
/*
 * What thrusterctl prints, for people in columns that fit a terminal, for programs as JSON, from an
 * arena in which something happens.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/daemon/raw.h"

#define COLUMNS 100
#define RENTS 1000000u

static const char config[] =
	"{ \"arenas\": ["
	" { \"name\": \"default\", \"max_clients\": 8, \"classes\": ["
	"  { \"slot_bytes\": 1000, \"slots\": 60 }, { \"slot_bytes\": 1000000, \"slots\": 3 } ] },"
	" { \"name\": \"second\", \"max_clients\": 65535, \"classes\": ["
	"  { \"slot_bytes\": 64, \"slots\": 100000 } ] } ] }";

static struct host host;
static char output[65536];

static void set_up(void)
{
	host_start(&host, config);
}

static void clean_up(void)
{
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(ctl, .init = set_up, .fini = clean_up, .timeout = 60);

static void must_run(const char *arguments)
{
	cr_assert_eq(host_ctl(&host, arguments, output, sizeof(output)), 0, "%s", output);
}

/* The text behind the nth line that begins with `start`, or a failed test. */
static const char *row(const char *start, unsigned nth)
{
	const char *line = output;

	for (; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, start, strlen(start)) == 0 && nth-- == 0)
			return line;
	cr_assert_fail("no line begins with \"%s\":\n%s", start, output);
	return NULL;
}

static unsigned rows(const char *start)
{
	const char *line = output;
	unsigned n = 0;

	for (; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		n += strncmp(line, start, strlen(start)) == 0;
	return n;
}

static void must_fit(void)
{
	const char *line = output;
	size_t n;

	while (*line) {
		n = strcspn(line, "\n");
		cr_expect_leq(n, COLUMNS, "%zu columns: %.*s", n, (int)n, line);
		cr_expect(n == 0 || line[n - 1] != ' ', "blanks at the end: %.*s", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

static json_t *json_of(const char *arguments)
{
	json_error_t error;
	json_t *json;

	must_run(arguments);
	json = json_loads(output, JSON_REJECT_DUPLICATES, &error);
	cr_assert(json, "%s: %s", arguments, error.text);
	return json;
}

Test(ctl, the_table_fits_after_a_million_rents)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	unsigned long slots, free_, least, leased, peak, rents, returns, reclaimed, exhausted;
	struct thruster_lease leases[63], lease;
	unsigned i, wrong = 0;

	for (i = 0; i < RENTS; i++)
		wrong += thruster_rent(pool, 1, &lease) != 0 || thruster_return(pool, &lease) != 0;
	cr_assert_eq(thruster_rent_bulk(pool, 1, leases, 63), 63);
	for (i = 0; i < RENTS; i++)
		wrong += thruster_rent(pool, 1, &lease) != -ENOBUFS;
	cr_expect_eq(wrong, 0);
	must_run("stats");
	must_fit();
	cr_expect_eq(
		sscanf(row(" 1000  ", 0), " 1000 %lu %lu %lu %lu %lu %lu %lu %lu %lu\n", &slots,
			&free_, &least, &leased, &peak, &rents, &returns, &reclaimed, &exhausted),
		9, "%s", output);
	cr_expect_eq(slots, 60);
	cr_expect_eq(free_ + least, 0);
	cr_expect_eq(leased, 60);
	cr_expect_eq(peak, 60);
	cr_expect_eq(rents, RENTS + 60);
	cr_expect_eq(returns, RENTS);
	cr_expect_eq(reclaimed, 0);
	cr_expect_eq(exhausted, RENTS + 3, "three went on to the larger class");
	cr_expect_eq(rows("arena "), 2);
	cr_expect_eq(
		rows("reclaimed so far: 0 leases, 0 clients gone without a detach"), 1);
	cr_expect_eq(thruster_detach(pool), 0);
}

Test(ctl, clients)
{
	struct thruster_attach_options options = host_options(&host, "my-label");
	struct thruster_pool *pool;
	struct thruster_lease lease;
	char name[64];
	unsigned id, pid, uid, leases;
	char age[32], bytes[32];
	json_t *json;

	cr_assert_eq(thruster_attach(&pool, "second", &options), 0);
	cr_assert_eq(thruster_rent(pool, 1, &lease), 0);
	must_run("clients");
	must_fit();
	cr_expect_eq(sscanf(row("second ", 0), "second %u %u %u %31s %u %31s 0 0 0.0s %63s\n", &id,
			     &pid, &uid, age, &leases, bytes, name),
		7, "%s", output);
	cr_expect(id == thruster_client_id(pool) && pid == (unsigned)getpid() && uid == getuid() &&
		  leases == 1);
	cr_expect_str_eq(bytes, "64");
	cr_expect_str_eq(name, "my-label");
	json = json_of("clients --json");
	cr_expect_eq(json_number(json, "clients[0].id"), thruster_client_id(pool));
	cr_expect_eq(json_number(json, "clients[0].leased_bytes"), 64);
	json_decref(json);
	cr_expect_eq(thruster_detach(pool), 0);
}

/* Ask until the oldest lease is at least that old. */
static int64_t await_age(int64_t at_least)
{
	uint64_t until = now_ns() + 20000000000u;
	int64_t age;

	do {
		json_t *json = json_of("leases --json");

		age = json_number(json, "leases[0].age_ns");
		json_decref(json);
	} while (age < at_least && now_ns() < until);
	return age;
}

Test(ctl, leases_say_who_what_and_how_long)
{
	struct thruster_attach_options options = host_options(&host, "holder");
	struct thruster_pool *pool;
	struct thruster_lease lease;
	struct thruster_ticket ticket;
	unsigned client, pid;
	char label[32];
	int64_t age;
	json_t *json;

	cr_assert_eq(thruster_attach(&pool, NULL, &options), 0);
	must_run("leases");
	cr_expect_eq(rows("default "), 0);
	cr_assert_eq(thruster_rent(pool, 5000, &lease), 0);
	age = await_age(1);
	cr_expect_geq(age, 1);
	cr_expect_gt(await_age(age + 1), age);
	must_run("leases");
	must_fit();
	cr_expect_eq(sscanf(row("default ", 0), "default 977K %*u %*s leased %u %u %31s", &client,
			     &pid, label),
		3, "%s", output);
	cr_expect_eq(client, thruster_client_id(pool));
	cr_expect_eq(pid, (unsigned)getpid());
	cr_expect_str_eq(label, "holder");
	json = json_of("leases --json");
	cr_expect_eq(json_number(json, "leases[0].pid"), getpid());
	cr_expect_eq(json_number(json, "leases[0].size_bytes"), (int64_t)lease.size);
	cr_expect_eq(json_number(json, "leases_total"), 1);
	json_decref(json);
	cr_assert_eq(thruster_hand_over(pool, &lease, thruster_client_id(pool), &ticket), 0);
	must_run("leases");
	cr_expect(strstr(row("default ", 0), "pending"), "%s", output);
	cr_expect_eq(thruster_detach(pool), 0);
}

/* At most so many, of all arenas together, and those the oldest. */
Test(ctl, leases_are_limited_to_the_oldest)
{
	struct thruster_pool *first = host_attach(&host, NULL),
			     *second = host_attach(&host, "second");
	struct thruster_lease leases[60];

	cr_assert_eq(thruster_rent_bulk(second, 1, leases, 2), 2);
	cr_assert_geq(await_age(200000000), 200000000);
	cr_assert_eq(thruster_rent_bulk(first, 1, leases, 60), 60);
	must_run("leases --limit 3");
	cr_expect_eq(rows("second ") + rows("default "), 3, "%s", output);
	cr_expect_eq(rows("second "), 2, "the oldest come first");
	cr_expect_eq(rows("the oldest 3 of 62 leases; --limit N shows more\n"), 1);
	cr_expect_lt(row("second ", 1), row("default ", 0));
	must_run("leases --limit 1");
	cr_expect_eq(rows("second ") + rows("default "), 1);
	cr_expect_eq(rows("second "), 1);
	must_run("leases");
	cr_expect_eq(rows("second ") + rows("default "), 50);
	must_run("leases --limit 0");
	cr_expect_eq(rows("second ") + rows("default "), 62);
	cr_expect_eq(rows("the oldest "), 0);
	must_run("leases --limit=4294967295");
	cr_expect_eq(rows("second ") + rows("default "), 62);
	cr_expect_eq(thruster_detach(first), 0);
	cr_expect_eq(thruster_detach(second), 0);
}

Test(ctl, check_is_content_with_a_sound_arena)
{
	pid_t pid = host_fork_holder(&host, "default", 10, 1000);

	must_run("check");
	cr_expect_str_eq(output,
		"arena default: sound, 63 slots seen\narena second: sound, 100000 slots seen\n");
	kill_child(pid);
}

Test(ctl, json_is_json_and_has_what_is_promised)
{
	static const char *const numbers[] = { "schema_version", "timestamp_realtime_ns",
		"timestamp_monotonic_ns", "daemon.pid", "daemon.started_realtime_ns",
		"arenas[0].size_bytes", "arenas[0].classes[0].slot_bytes",
		"arenas[0].classes[0].slots", "arenas[0].classes[0].free",
		"arenas[0].classes[0].free_min", "arenas[0].classes[0].leased",
		"arenas[0].classes[0].leased_peak", "arenas[0].classes[0].rents_total",
		"arenas[0].classes[0].returns_total", "arenas[0].classes[0].exhausted_total",
		"arenas[0].classes[0].cores[0].core", "arenas[0].classes[0].cores[0].slots",
		"arenas[0].classes[0].cores[0].leased", "arenas[0].clients[0].id",
		"arenas[0].clients[0].pid", "arenas[0].clients[0].uid",
		"arenas[0].clients[0].leased", "reclaim.clients_total", "reclaim.leases_total" };
	struct thruster_pool *pool = host_attach(&host, NULL);
	json_t *json = json_of("stats --json"), *ebpf;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		cr_expect_geq(json_number(json, numbers[i]), 0);
	cr_expect_eq(json_number(json, "daemon.pid"), host.pid);
	cr_expect_str_eq(json_string_value(json_object_get(json, "schema")), "thruster.stats");
	ebpf = json_object_get(json_object_get(json, "contention"), "ebpf");
	cr_expect(json_is_string(json_object_get(ebpf, "state")));
	cr_expect(json_is_string(json_object_get(ebpf, "reason")));
	json_decref(json);
	json_decref(json_of("leases --json"));
	json_decref(json_of("check --json"));
	cr_expect_eq(thruster_detach(pool), 0);
}

/* $THRUSTER_SOCKET stands in for --socket. */
Test(ctl, the_socket_of_the_environment)
{
	cr_expect_eq(shell("$THRUSTERCTL check", output, sizeof(output)), 0, "%s", output);
	setenv("THRUSTER_SOCKET", "/nowhere", 1);
	cr_expect_eq(shell("$THRUSTERCTL check", output, sizeof(output)), 3, "%s", output);
	must_run("check");
	setenv("THRUSTER_SOCKET", "", 1);
	must_run("check");
}

/* What could not be written was not done. */
Test(ctl, a_full_disk_is_an_error)
{
	static const char *const commands[] = { "stats", "stats --json", "clients",
		"clients --json", "leases", "leases --json", "check", "check --json" };
	char arguments[64];
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		snprintf(arguments, sizeof(arguments), "%s >/dev/full", commands[i]);
		cr_expect_eq(
			host_ctl(&host, arguments, output, sizeof(output)), 1, "%s", commands[i]);
		cr_expect_str_eq(output, "thrusterctl: cannot write: No space left on device\n");
	}
}
