/* SPDX-License-Identifier: MIT */
/*
 * thrusterctl leases: which of them are chosen, summed up and marked as forgotten. The choice is
 * made from a real daemon's leases; what takes hours to forget, a stand-in tells of.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/daemon/stand-in.h"
#include "tests/harness/harness.h"

#define S 1000000000ull

static const char config[] =
	"{ \"arenas\": ["
	" { \"name\": \"default\", \"max_clients\": 8, \"classes\": ["
	"  { \"slot_bytes\": 1000, \"slots\": 20 }, { \"slot_bytes\": 100000, \"slots\": 3 } ] },"
	" { \"name\": \"second\", \"classes\": [ { \"slot_bytes\": 64, \"slots\": 100 } ] } ] }";

static struct host host;
static char output[1 << 21];

TestSuite(forgotten, .timeout = 60);

static void must_run(const char *arguments)
{
	cr_assert_eq(host_ctl(&host, arguments, output, sizeof(output)), 0, "%s", output);
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

static size_t count(const char *arguments)
{
	json_t *json = json_of(arguments);
	size_t n = json_array_size(json_object_get(json, "leases"));

	json_decref(json);
	return n;
}

static size_t lines(const char *text)
{
	const char *at = output;
	size_t n = 0;

	for (; (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

static struct thruster_pool *attach(const char *arena, const char *label)
{
	struct thruster_attach_options options = host_options(&host, label);
	struct thruster_pool *pool;

	cr_assert_eq(thruster_attach(&pool, arena, &options), 0);
	return pool;
}

static void must_be_chosen(const struct thruster_pool *web, pid_t child)
{
	char arguments[128];

	cr_expect_eq(count("leases --json"), 3 + 2 + 4 + 5);
	cr_expect_eq(count("leases --json --arena second"), 4);
	cr_expect_eq(count("leases --json --arena nowhere"), 0);
	cr_expect_eq(count("leases --json --label eb"), 3 + 4);
	cr_expect_eq(count("leases --json --label web --arena default"), 3);
	cr_expect_eq(count("leases --json --larger 64K"), 2);
	cr_expect_eq(count("leases --json --larger 64"), 14);
	cr_expect_eq(count("leases --json --larger 1M"), 0);
	cr_expect_eq(count("leases --json --older 0"), 14);
	cr_expect_eq(count("leases --json --older 1h"), 0);
	snprintf(arguments, sizeof(arguments), "leases --json --client %u --arena default",
		thruster_client_id(web));
	cr_expect_eq(count(arguments), 3);
	snprintf(arguments, sizeof(arguments), "leases --json --pid %d", (int)child);
	cr_expect_eq(count(arguments), 5);
	snprintf(arguments, sizeof(arguments), "leases --json --pid %d --larger 1K", (int)getpid());
	cr_expect_eq(count(arguments), 3 + 2, "1088 bytes are more than 1024, 192 are not");
}

static void must_be_summed_up(const struct thruster_pool *web)
{
	json_t *json = json_of("leases --json --by client --arena default --label web");

	cr_expect_eq(json_array_size(json_object_get(json, "by_client")), 1);
	cr_expect_eq(json_number(json, "by_client[0].client_id"), thruster_client_id(web));
	cr_expect_eq(json_number(json, "by_client[0].pid"), getpid());
	cr_expect_eq(json_number(json, "by_client[0].leases"), 3);
	cr_expect_eq(json_number(json, "by_client[0].leased_bytes"), 3 * 1088);
	cr_expect_eq(json_number(json, "by_client[0].suspects"), 0);
	cr_expect_eq(json_number(json, "leases_total"), 14);
	cr_expect_eq(json_number(json, "leases_seen"), 14);
	cr_expect_geq(json_number(json, "by_client[0].age_max_ns"),
		json_number(json, "leases[0].age_ns"));
	json_decref(json);
	json = json_of("leases --json --by client");
	cr_expect_eq(json_array_size(json_object_get(json, "by_client")), 4);
	cr_expect_eq(json_number(json, "by_client[0].leases"), 5, "who has most comes first");
	cr_expect_eq(json_number(json, "by_client[3].leases"), 2);
	json_decref(json);
	must_run("leases --by client --limit 2");
	cr_expect_eq(lines("\n"), 4, "%s", output);
	cr_expect_eq(lines("2 of 4 clients; --limit N shows more\n"), 1);
}

Test(forgotten, leases_are_chosen_and_summed_up)
{
	struct thruster_pool *web, *video, *second;
	struct thruster_lease leases[4];
	pid_t child;

	host_start(&host, config);
	web = attach(NULL, "web");
	video = attach(NULL, "video");
	second = attach("second", "other-web");
	cr_assert_eq(thruster_rent_bulk(web, 1000, leases, 3), 3);
	cr_assert_eq(thruster_rent_bulk(video, 100000, leases, 2), 2);
	cr_assert_eq(thruster_rent_bulk(second, 1, leases, 4), 4);
	child = host_fork_holder(&host, "default", 5, 1000);
	must_be_chosen(web, child);
	must_be_summed_up(web);
	must_run("leases --label web --limit 2");
	cr_expect_eq(lines("the oldest 2 of 7 leases that match; --limit N shows more\n"), 1, "%s",
		output);
	cr_expect_eq(lines("SUSPECT\n"), 1);
	kill_child(child);
	cr_expect_eq(thruster_detach(web), 0);
	cr_expect_eq(thruster_detach(video), 0);
	cr_expect_eq(thruster_detach(second), 0);
	host_must_be_well(&host);
	host_stop(&host);
}

/* These need no daemon: they are refused before it is asked. */
Test(forgotten, nonsense_is_wrong_usage)
{
	static const char *const wrong[] = { "--older=", "--older=5y", "--older=-1s", "--older=5mm",
		"--older=99999999999999d", "--larger=K", "--larger=4X", "--larger=1.5K",
		"--larger=99999999T", "--by=class", "--client=x", "--pid=-1" };
	char command[128];
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(command, sizeof(command), "$THRUSTERCTL leases %s", wrong[i]);
		cr_expect_eq(shell(command, output, sizeof(output)), 2, "%s: %s", wrong[i], output);
	}
}

static json_t *told_lease(unsigned slot, uint64_t age_ns, unsigned client)
{
	return json_pack("{ss si si si si ss sI si si ss}", "arena", "default", "class", 0, "slot",
		(int)slot, "slots", 1, "size_bytes", 4096, "state", "leased", "age_ns",
		(json_int_t)age_ns, "client_id", (int)client, "pid", (int)client * 10, "label",
		client == 1 ? "good" : "bad");
}

/* What the daemon would say of leases, the oldest first, of which `total` exist. */
static char *told(json_t *leases, size_t total)
{
	json_t *root = json_pack("{ss si sI sI sI so}", "schema", "thruster.leases",
		"schema_version", 1, "timestamp_realtime_ns", (json_int_t)(100000 * S),
		"timestamp_monotonic_ns", (json_int_t)1, "leases_total", (json_int_t)total,
		"leases", leases);
	char *text = json_dumps(root, JSON_COMPACT);

	json_decref(root);
	return text;
}

/* Two clients, who attached 10,000 s ago. */
static const char told_stats[] =
	"{ \"timestamp_realtime_ns\": 100000000000000, \"arenas\": [ { \"name\": \"default\","
	" \"clients\": ["
	"  { \"id\": 1, \"pid\": 10, \"attached_realtime_ns\": 90000000000000 },"
	"  { \"id\": 2, \"pid\": 20, \"attached_realtime_ns\": 90000000000000 } ] } ] }";

static void with_stand_in(json_t *leases, size_t total, void (*look)(void))
{
	char *text = told(leases, total);
	const char *texts[STAND_IN_QUESTIONS] = {
		[WIRE_QUESTION_LEASES] = text, [WIRE_QUESTION_STATS] = told_stats
	};
	char command[128];
	pid_t pid;

	host_prepare(&host, NULL);
	pid = stand_in_start(host.socket, texts);
	look();
	kill_child(pid);
	free(text);
	snprintf(command, sizeof(command), "rm -r %s", host.directory);
	cr_expect_eq(shell(command, output, sizeof(output)), 0);
}

static void look_at_the_old(void)
{
	json_t *json = json_of("leases --json"), *first;

	cr_expect_eq(json_number(json, "leases[0].slot"), 100, "JSON is in the order of age");
	first = json_array_get(json_object_get(json, "leases"), 1);
	cr_expect(json_is_true(json_object_get(first, "suspect")), "%s", output);
	cr_expect_str_eq(json_string_value(json_object_get(first, "why")),
		"old: it is 5000 s old, and the median of its class is 2.0 s");
	first = json_array_get(json_object_get(json, "leases"), 0);
	cr_expect(json_is_false(json_object_get(first, "suspect")));
	cr_expect_null(json_object_get(first, "why"));
	json_decref(json);
	must_run("leases");
	cr_expect(strstr(strchr(output, '\n') + 1, "default  4.0K    101  83m20s") ==
		strchr(output, '\n') + 1, "suspects come first: %s", output);
	cr_expect_eq(lines("bad    old\n"), 1, "%s", output);
	cr_expect_eq(lines("good   -\n"), 11);
	cr_expect_eq(lines("1 look forgotten;"), 1);
	must_run("leases --by client");
	cr_expect_eq(lines("        1  bad\n"), 1, "%s", output);
}

/* The oldest of all is alone in its class, so that nobody can say whether that is long. */
Test(forgotten, an_old_lease_among_young_ones)
{
	json_t *leases = json_array(), *alone = told_lease(100, 9000 * S, 1);
	unsigned i;

	json_object_set_new(alone, "class", json_integer(1));
	json_array_append_new(leases, alone);
	json_array_append_new(leases, told_lease(101, 5000 * S, 2));
	for (i = 0; i < 10; i++)
		json_array_append_new(leases, told_lease(i, 2 * S, 1));
	with_stand_in(leases, 12, look_at_the_old);
}

static void look_at_the_gathered(void)
{
	json_t *json = json_of("leases --json --client 2 --older 1h");
	json_t *first = json_array_get(json_object_get(json, "leases"), 0);

	cr_expect_str_eq(json_string_value(json_object_get(first, "why")),
		"gathered: its client has 100 of this class, from every quarter of its 10000 s "
		"here");
	cr_expect_eq(json_array_size(json_object_get(json, "leases")), 64);
	json_decref(json);
	must_run("leases --limit 1");
	cr_expect_eq(lines("bad    gathered\n"), 1, "%s", output);
	cr_expect_eq(
		lines("the suspects and the oldest 1 of 200 leases; --limit N shows more\n"), 1);
	must_run("leases --client 2 --limit 0");
	cr_expect_eq(lines("gathered\n"), 99);
}

/* One each hundred seconds, and another client's from its start, which are older. */
Test(forgotten, a_steady_leak)
{
	json_t *leases = json_array();
	unsigned i;

	for (i = 0; i < 100; i++)
		json_array_append_new(leases, told_lease(i, 9999 * S, 1));
	for (i = 100; i > 0; i--)
		json_array_append_new(leases, told_lease(100 + i, (100 * i - 50) * S, 2));
	with_stand_in(leases, 200, look_at_the_gathered);
}

static void look_at_the_oldest(void)
{
	must_run("leases --limit 0");
	cr_expect_eq(lines("bad    gathered\n"), 100, "%s", output);
}

/* The daemon told of the half of it only, so that nothing is known of the younger ones. */
Test(forgotten, a_leak_that_is_too_large_to_tell)
{
	json_t *leases = json_array();
	unsigned i;

	for (i = 100; i > 0; i--)
		json_array_append_new(leases, told_lease(i, (5000 + 49 * i) * S, 2));
	with_stand_in(leases, 20000, look_at_the_oldest);
}

static void look_at_the_rest(void)
{
	json_t *json = json_of("leases --json --limit 3");

	cr_expect_eq(json_number(json, "leases_seen"), 20);
	cr_expect_eq(json_number(json, "leases_total"), 12345);
	cr_expect_eq(json_array_size(json_object_get(json, "leases")), 3);
	json_decref(json);
	must_run("leases --client 1");
	cr_expect_eq(lines("the daemon told of the oldest 20 of 12345 leases; younger ones are not "
			   "seen here\n"), 1, "%s", output);
	must_run("leases --by client");
	cr_expect_eq(lines("the daemon told of the oldest 20 of 12345"), 1, "%s", output);
}

Test(forgotten, what_the_daemon_did_not_tell_of)
{
	json_t *leases = json_array();
	unsigned i;

	for (i = 0; i < 20; i++)
		json_array_append_new(leases, told_lease(i, (30 - i) * S, 1));
	with_stand_in(leases, 12345, look_at_the_rest);
}
