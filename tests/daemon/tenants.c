/* SPDX-License-Identifier: MIT */
/*
 * Several tenants, an arena each: none sees another's memory, clients, leases or figures. Admins
 * see everything and may touch nothing.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include "tests/daemon/person.h"

#define RED 3001u
#define BLUE_GROUP 4002u
#define ADMIN 3900u
#define ADMIN_GROUP 4100u
#define CLASSES "\"classes\": [ { \"slot_bytes\": 4096, \"slots\": 8 } ]"

static const char config[] =
	"{ \"admins\": { \"users\": [ 3900 ], \"groups\": [ 4100 ] }, \"arenas\": ["
	" { \"name\": \"default\", " CLASSES ", \"allow\": { \"users\": [ 0 ] } },"
	" { \"name\": \"red\", " CLASSES ", \"allow\": { \"users\": [ 3001 ] } },"
	" { \"name\": \"blue\", " CLASSES ", \"allow\": { \"groups\": [ 4002 ] } },"
	" { \"name\": \"both\", " CLASSES
	", \"allow\": { \"users\": [ 3001 ], \"groups\": [ 4002 ] } } ] }";

static const struct person root = { 0, 0, 0 }, red = { RED, RED, 0 },
			   blue = { 3002, 3002, BLUE_GROUP }, also_blue = { 3003, BLUE_GROUP, 0 },
			   outsider = { 3333, 3333, 0 }, admin = { ADMIN, ADMIN, 0 },
			   by_group = { 3901, 3901, ADMIN_GROUP };
static struct host host;

static void set_up(void)
{
	host_start_for_others(&host, config);
}

static void clean_up(void)
{
	if (host.pid == 0)
		return;
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(tenants, .init = set_up, .fini = clean_up, .timeout = 60);

static int try_attach(const char *arena)
{
	return host_try_attach(&host, arena);
}

/* Refused, and with the refusal came neither a descriptor nor a number. */
static int is_sent_nothing(const char *arena)
{
	struct wire_attach request = raw_attach_request(arena);
	struct connection_answer answer;
	int r = thr_connection_ask(raw_connect(&host), &request, sizeof(request), 10000, &answer);

	if (r < 0)
		return r;
	return answer.fd[0] >= 0 || answer.fd[1] >= 0 || answer.reply.client_id ||
			       answer.reply.arena_bytes || answer.reply.board_bytes
		       ? -EBADF
		       : answer.reply.status;
}

Test(tenants, each_may_attach_to_his_own)
{
	static const struct {
		const struct person *person;
		int red, blue, both;
	} rows[] = {
		{ &red, 0, -EACCES, 0 },
		{ &blue, -EACCES, 0, 0 },
		{ &also_blue, -EACCES, 0, 0 },
		{ &root, -EACCES, -EACCES, -EACCES },
		{ &outsider, -EACCES, -EACCES, -EACCES },
		{ &admin, -EACCES, -EACCES, -EACCES },
		{ &by_group, -EACCES, -EACCES, -EACCES },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(as(*rows[i].person, try_attach, "red"), rows[i].red, "%zu", i);
		cr_expect_eq(as(*rows[i].person, try_attach, "blue"), rows[i].blue, "%zu", i);
		cr_expect_eq(as(*rows[i].person, try_attach, "both"), rows[i].both, "%zu", i);
	}
	cr_expect_eq(as(outsider, is_sent_nothing, "red"), -EACCES);
	cr_expect_eq(as(blue, is_sent_nothing, "red"), -EACCES);
	cr_expect_eq(as(admin, is_sent_nothing, "red"), -EACCES);
}

static int traces(const char *unused)
{
	struct wire_probes hello = {
		.header = wire_header_make(WIRE_PROBES), .step = WIRE_PROBES_HELLO
	};
	int fd = raw_connect(&host);

	(void)unused;
	return raw_ask(fd, &hello, sizeof(hello));
}

/* Whose word that a client has ended is believed may take everybody's leases. */
Test(tenants, who_sees_everything_may_not_trace)
{
	cr_expect_eq(as(outsider, traces, ""), -EACCES);
	cr_expect_eq(as(admin, traces, ""), -EACCES);
	cr_expect_eq(as(by_group, traces, ""), -EACCES);
	cr_expect_eq(as(root, traces, ""), 0);
}

/* Attach and hold two leases. */
static void hold(int ready, const char *arena)
{
	struct thruster_attach_options options = host_options(&host, arena);
	struct thruster_lease lease;
	struct thruster_pool *pool;

	if (thruster_attach(&pool, arena, &options) < 0 || thruster_rent(pool, 1, &lease) < 0 ||
		thruster_rent(pool, 1, &lease) < 0 || write(ready, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* The whole answer to a question, as text, the caller's. */
static char *ask(enum wire_question question)
{
	struct wire_query query = { wire_header_make(WIRE_QUERY), question, 0 };
	struct connection_answer answer;
	int fd = raw_connect(&host);
	char *text;
	ssize_t n;

	if (thr_connection_ask(fd, &query, sizeof(query), 10000, &answer) < 0 ||
		answer.reply.status != 0)
		harness_fail("no answer");
	text = calloc(1, answer.reply.board_bytes + 1);
	n = text ? pread(answer.fd[0], text, answer.reply.board_bytes, 0) : -1;
	if (n != (ssize_t)answer.reply.board_bytes)
		harness_fail("no text");
	close(answer.fd[0]);
	close(fd);
	return text;
}

/* Does every answer name each of these, a letter each, and none of the others? */
static int sees(const char *letters)
{
	static const char *const names[] = { "\"default\"", "\"red\"", "\"blue\"" };
	static const enum wire_question questions[] = {
		WIRE_QUESTION_STATS, WIRE_QUESTION_LEASES, WIRE_QUESTION_CHECK
	};
	size_t q, i;

	for (q = 0; q < 3; q++) {
		char *text = ask(questions[q]);

		for (i = 0; i < 3; i++) {
			bool is_there = strstr(text, names[i]);
			bool should_be = strchr(letters, names[i][1]);

			if (is_there != should_be) {
				fprintf(stderr, "%s: %s\n", names[i], text);
				return -EBADMSG;
			}
		}
		free(text);
	}
	return 0;
}

Test(tenants, answers_name_nobody_elses)
{
	pid_t pids[] = { beside(red, hold, "red"), beside(blue, hold, "blue"),
		beside(root, hold, "default") };
	size_t i;

	cr_expect_eq(as(red, sees, "r"), 0);
	cr_expect_eq(as(blue, sees, "b"), 0);
	cr_expect_eq(as(also_blue, sees, "b"), 0, "one arena is one trust domain");
	cr_expect_eq(as(outsider, sees, ""), 0);
	cr_expect_eq(as(root, sees, "drb"), 0);
	cr_expect_eq(as(admin, sees, "drb"), 0);
	cr_expect_eq(as(by_group, sees, "drb"), 0);
	for (i = 0; i < 3; i++)
		kill_child(pids[i]);
}

/* Sums and counters: "clients leases all" of the reclaims, and whether the daemon's are there. */
static int counts(const char *expected)
{
	char *text = ask(WIRE_QUESTION_STATS), is[64];
	json_error_t error;
	json_t *stats = json_loads(text, 0, &error), *daemon = json_object_get(stats, "daemon");
	const char *const only_all[] = { "connections", "connections_refused_total",
		"protocol_violations_total", "set_aside_total", "set_aside" };
	unsigned there = 0, i;

	for (i = 0; i < 5; i++)
		there += json_object_get(daemon, only_all[i]) != NULL;
	snprintf(is, sizeof(is), "%d %d %u", (int)json_number(stats, "reclaim.clients_total"),
		(int)json_number(stats, "reclaim.leases_total"), there);
	if (strcmp(is, expected) != 0)
		fprintf(stderr, "%s, not %s\n", is, expected);
	free(text);
	json_decref(stats);
	return strcmp(is, expected) == 0 ? 0 : -EBADMSG;
}

Test(tenants, sums_are_of_what_one_may_see)
{
	kill_child(beside(red, hold, "red"));
	kill_child(beside(red, hold, "red"));
	kill_child(beside(blue, hold, "blue"));
	kill_child(beside(blue, hold, "both"));
	host_await(&host, "reclaim.clients_total", 4);
	cr_expect_eq(as(red, counts, "3 6 0"), 0);
	cr_expect_eq(as(blue, counts, "2 4 0"), 0);
	cr_expect_eq(as(outsider, counts, "0 0 0"), 0);
	cr_expect_eq(as(admin, counts, "4 8 5"), 0);
	cr_expect_eq(as(by_group, counts, "4 8 5"), 0);
	cr_expect_eq(as(root, counts, "4 8 5"), 0);
}

/* The clients of an arena see each other: how many there are in the first that is seen. */
static int sees_two(const char *arena)
{
	json_t *stats = host_stats(&host),
	       *first = json_array_get(json_object_get(stats, "arenas"), 0);
	bool ok = strcmp(json_string_value(json_object_get(first, "name")), arena) == 0 &&
		  json_array_size(json_object_get(first, "clients")) == 2 &&
		  json_number(first, "clients[0].uid") != json_number(first, "clients[1].uid");

	json_decref(stats);
	return ok ? 0 : -EBADMSG;
}

Test(tenants, clients_of_one_arena_see_each_other)
{
	pid_t one = beside(blue, hold, "blue"), two = beside(also_blue, hold, "blue");

	cr_expect_eq(as(blue, sees_two, "blue"), 0);
	cr_expect_eq(as(also_blue, sees_two, "blue"), 0);
	kill_child(one);
	kill_child(two);
}

/* Of what memfds does this process have pages, and can it get at the daemon's? */
static int has_its_own_memory_only(const char *arena)
{
	struct thruster_attach_options options = host_options(&host, NULL);
	char line[512], path[64];
	struct thruster_pool *pool;
	unsigned own = 0, foreign = 0, i;
	FILE *maps;

	if (thruster_attach(&pool, arena, &options) < 0)
		return -EIO;
	maps = fopen("/proc/self/maps", "re");
	while (fgets(line, sizeof(line), maps)) {
		const char *name = strstr(line, "memfd:thruster-");

		if (!name)
			continue;
		name += strlen("memfd:thruster-");
		if (strncmp(name, arena, strlen(arena)) == 0)
			own++;
		else
			foreign++;
	}
	fclose(maps);
	for (i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%u", (int)host.pid, i);
		foreign += open(path, O_RDONLY) >= 0;
	}
	thruster_detach(pool);
	return own && !foreign ? 0 : -EBADMSG;
}

Test(tenants, nobody_has_anothers_memory)
{
	cr_expect_eq(as(red, has_its_own_memory_only, "red"), 0);
	cr_expect_eq(as(blue, has_its_own_memory_only, "blue"), 0);
}

/* An arena that is full, and whose clients die, costs the others nothing. */
Test(tenants, one_arena_full_leaves_the_others_as_they_were)
{
	pid_t pids[4];
	size_t i;

	for (i = 0; i < 4; i++)
		pids[i] = beside(red, hold, "red"); /* all eight slots */
	cr_expect_eq(as(blue, try_attach, "blue"), 0);
	kill_child(beside(blue, hold, "blue"));
	for (i = 0; i < 4; i++)
		kill_child(pids[i]);
	host_await(&host, "reclaim.leases_total", 10);
}
