/* SPDX-License-Identifier: MIT */
/*
 * Who may attach, and what those who may not are told. A refusal must cost nobody a seat, a
 * descriptor or a look at what is not theirs.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/daemon/person.h"

#define NOBODY 65534u /* a user and, as "nogroup", a group */
#define STRANGER 54321u
#define CLASSES "\"classes\": [ { \"slot_bytes\": 4096, \"slots\": 4 } ]"
#define ARENA(name, more) "{ \"name\": \"" name "\", " CLASSES ", " more " }"

static const char config[] = "{ \"arenas\": [" ARENA(
	"default", "\"max_clients\": 1, \"allow\": { \"users\": [ 0 ] }") "," ARENA("number",
	"\"allow\": { \"users\": [ 65534 ] }") "," ARENA("name",
	"\"allow\": { \"users\": [ \"nobody\" ] }") "," ARENA("group",
	"\"allow\": { \"groups\": [ \"nogroup\" ] }") "," ARENA("team",
	"\"allow\": { \"groups\": [ 11, 22222 ] }") "," ARENA("three",
	"\"max_clients\": 3, \"allow\": { \"users\": [ \"root\" ] }") "," ARENA("closed",
	"\"allow\": { }") "] }";

static struct host host;
static unsigned descriptors;

static bool others_may_reach(const char *path)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
		      setresuid(65534, 65534, 65534) < 0 || access(path, W_OK) < 0);
	waitpid(pid, &status, 0);
	return status == 0;
}

static void set_up(void)
{
	if (geteuid() != 0)
		cr_skip_test("only root can be other users");
	host_start(&host, config);
	if (!others_may_reach(host.socket)) {
		host_stop(&host);
		host.pid = 0;
		cr_skip_test("other users may not look into $TMPDIR here");
	}
	descriptors = raw_descriptors(&host);
}

static void clean_up(void)
{
	if (host.pid == 0)
		return;
	host_must_be_well(&host);
	raw_await_descriptors(&host, descriptors);
	host_stop(&host);
}

TestSuite(refusals, .init = set_up, .fini = clean_up, .timeout = 60);

static int try_attach(const char *arena)
{
	return host_try_attach(&host, arena);
}

/* Ask by hand, to see what comes with a refusal. */
static int raw_refusal(const char *arena)
{
	struct wire_attach request = raw_attach_request(arena);
	struct connection_answer answer;
	int r = thr_connection_ask(raw_connect(&host), &request, sizeof(request), 10000, &answer);

	if (r < 0)
		return r;
	if (answer.fd[0] >= 0 || answer.fd[1] >= 0 || answer.reply.client_id ||
		answer.reply.arena_bytes)
		return -EBADF;
	return answer.reply.status;
}

static const struct person root = { 0, 0, 0 }, nobody = { NOBODY, STRANGER, 0 },
			   in_group = { STRANGER, NOBODY, 0 },
			   in_team = { STRANGER, STRANGER, 22222 },
			   in_both = { STRANGER, STRANGER, NOBODY },
			   stranger = { STRANGER, STRANGER, 0 };

Test(refusals, each_arena_admits_whom_it_names)
{
	static const struct {
		const struct person *person;
		const char *arena;
		int status;
	} rows[] = {
		{ &root, "default", 0 },
		{ &root, "three", 0 },
		{ &root, "number", -EACCES },
		{ &root, "group", -EACCES },
		{ &root, "team", -EACCES },
		{ &root, "closed", -EACCES },
		{ &nobody, "default", -EACCES },
		{ &nobody, "number", 0 },
		{ &nobody, "name", 0 },
		{ &nobody, "group", -EACCES },
		{ &nobody, "team", -EACCES },
		{ &nobody, "closed", -EACCES },
		{ &in_group, "group", 0 },
		{ &in_group, "number", -EACCES },
		{ &in_group, "team", -EACCES },
		{ &in_both, "group", 0 },
		{ &in_both, "team", -EACCES },
		{ &in_both, "default", -EACCES },
		{ &in_team, "team", 0 },
		{ &in_team, "group", -EACCES },
		{ &in_team, "name", -EACCES },
		{ &stranger, "default", -EACCES },
		{ &stranger, "group", -EACCES },
		{ &stranger, "closed", -EACCES },
		{ &stranger, "unknown", -ENOENT },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(as(*rows[i].person, try_attach, rows[i].arena), rows[i].status,
			"user %u, group %u, %u: %s", rows[i].person->uid, rows[i].person->gid,
			rows[i].person->group, rows[i].arena);
}

Test(refusals, who_is_refused_gets_no_descriptor)
{
	cr_expect_eq(as(nobody, raw_refusal, "default"), -EACCES);
	cr_expect_eq(as(stranger, raw_refusal, "closed"), -EACCES);
	cr_expect_eq(as(stranger, raw_refusal, "unknown"), -ENOENT);
	cr_expect_eq(as(root, raw_refusal, "number"), -EACCES);
}

/* Does the process see exactly the arenas of a list, each followed by a blank? */
static int sees(const char *list)
{
	json_t *stats = host_stats(&host), *arena;
	char seen[256] = "";
	size_t i;

	json_array_foreach(json_object_get(stats, "arenas"), i, arena)
	{
		strcat(seen, json_string_value(json_object_get(arena, "name")));
		strcat(seen, " ");
	}
	json_decref(stats);
	return strcmp(seen, list) == 0 ? 0 : -EBADMSG;
}

Test(refusals, statistics_show_only_what_one_may_attach_to)
{
	cr_expect_eq(as(root, sees, "default number name group team three closed "), 0);
	cr_expect_eq(as(nobody, sees, "number name "), 0);
	cr_expect_eq(as(in_group, sees, "group "), 0);
	cr_expect_eq(as(in_team, sees, "team "), 0);
	cr_expect_eq(as(stranger, sees, ""), 0);
}

/* The other answers keep to the same rule. */
static int sees_nothing_else(const char *argument)
{
	char text[8192];
	int r = host_ctl(&host, argument, text, sizeof(text));

	if (r != 0)
		return -EIO;
	return strstr(text, "default") || strstr(text, "three") ? -EBADMSG : 0;
}

/* Nothing wrong with what one cannot see is no good news. */
static int is_told_so(const char *argument)
{
	char text[8192];

	return host_ctl(&host, argument, text, sizeof(text)) == 1 &&
			       strstr(text, "you may see no arena")
		       ? 0
		       : -EBADMSG;
}

Test(refusals, leases_and_verdicts_show_only_what_one_may_attach_to)
{
	struct thruster_pool *pool = host_attach(&host, "default");
	struct thruster_lease lease;

	if (as(nobody, sees_nothing_else, "stats") == -EIO)
		cr_skip_test("another user may not run the programs of this build");
	cr_assert_eq(thruster_rent(pool, 1, &lease), 0);
	cr_expect_eq(as(nobody, sees_nothing_else, "clients"), 0);
	cr_expect_eq(as(nobody, sees_nothing_else, "leases --json"), 0);
	cr_expect_eq(as(nobody, sees_nothing_else, "check --json"), 0);
	cr_expect_eq(as(stranger, sees_nothing_else, "leases"), 0);
	cr_expect_eq(as(stranger, is_told_so, "check"), 0);
	cr_expect_eq(as(stranger, is_told_so, "stats"), 0);
	cr_expect_eq(as(stranger, is_told_so, "clients --json"), 0);
	cr_expect_eq(thruster_detach(pool), 0);
}

Test(refusals, names_and_options)
{
	char name[65] = "0123456789012345678901234567890123456789012345678901234567890123";
	struct thruster_attach_options options = host_options(&host, name);
	struct {
		struct thruster_attach_options known;
		char unknown[64];
	} later = { .known = host_options(&host, NULL) };
	struct thruster_pool *pool;

	cr_expect_eq(try_attach("unknown"), -ENOENT);
	cr_expect_eq(try_attach("defaul"), -ENOENT);
	cr_expect_eq(try_attach("Default"), -ENOENT);
	cr_expect_eq(try_attach("default "), -ENOENT);
	cr_expect_eq(try_attach(""), -EINVAL);
	cr_expect_eq(try_attach(name), -EINVAL);
	name[63] = 0;
	cr_expect_eq(try_attach(name), -ENOENT);
	cr_expect_eq(thruster_attach(NULL, NULL, &options), -EINVAL);
	options.size = 0;
	cr_expect_eq(thruster_attach(&pool, NULL, &options), -EINVAL);
	later.known.size = sizeof(later);
	cr_expect_eq(thruster_attach(&pool, NULL, &later.known), 0);
	cr_expect_eq(thruster_detach(pool), 0);
	later.unknown[63] = 1;
	cr_expect_eq(thruster_attach(&pool, NULL, &later.known), -E2BIG);
	/* The size of a pointer to them, a common slip: not to be taken for an older version. */
	options = host_options(&host, NULL);
	options.size = sizeof(&options);
	cr_expect_eq(thruster_attach(&pool, NULL, &options), -EINVAL);
	options.size = offsetof(struct thruster_attach_options, timeout_ms);
	cr_expect_eq(thruster_attach(&pool, NULL, &options), -EINVAL);
	cr_expect_eq(thruster_detach(NULL), 0);
}

Test(refusals, a_long_label_is_cut_and_a_wild_one_tamed)
{
	struct thruster_attach_options options = host_options(
		&host, "\033[31m\"quoted\" \\ \n\xff "
		       "0123456789012345678901234567890123456789012345678901234567890123");
	struct thruster_pool *pool;
	json_t *stats;
	char text[4096];

	cr_assert_eq(thruster_attach(&pool, "three", &options), 0);
	stats = host_stats(&host);
	cr_expect_str_eq(
		json_string_value(json_object_get(
			json_array_get(
				json_object_get(json_array_get(json_object_get(stats, "arenas"), 5),
					"clients"),
				0),
			"label")),
		"_[31m_quoted_______01234567890123456789012345678901234567890123");
	json_decref(stats);
	cr_expect_eq(host_ctl(&host, "clients", text, sizeof(text)), 0);
	cr_expect_not(strchr(text, '\033'));
	cr_expect_eq(thruster_detach(pool), 0);
}

/* A directory or a socket that one may not enter or write is a refusal, not "no daemon". */
Test(refusals, a_socket_that_one_may_not_reach)
{
	cr_assert_eq(chmod(host.socket, 0600), 0);
	cr_expect_eq(as(nobody, try_attach, "number"), -EACCES);
	cr_assert_eq(chmod(host.socket, 0666), 0);
	cr_assert_eq(chmod(host.directory, 0700), 0);
	cr_expect_eq(as(nobody, try_attach, "number"), -EACCES);
	cr_assert_eq(chmod(host.directory, 0755), 0);
	cr_expect_eq(as(nobody, try_attach, "number"), 0);
}

Test(refusals, more_clients_than_seats)
{
	struct thruster_pool *pools[3];
	uint32_t ids[3];
	unsigned i;

	for (i = 0; i < 3; i++) {
		pools[i] = host_attach(&host, "three");
		ids[i] = thruster_client_id(pools[i]);
	}
	for (i = 0; i < 10; i++)
		cr_expect_eq(try_attach("three"), -EUSERS);
	cr_expect_eq(try_attach("default"), 0, "another arena has seats");
	cr_expect_eq(thruster_detach(pools[1]), 0);
	pools[1] = host_attach(&host, "three");
	for (i = 0; i < 3; i++)
		cr_expect_neq(thruster_client_id(pools[1]), ids[i]);
	for (i = 0; i < 3; i++)
		cr_expect_eq(thruster_detach(pools[i]), 0);
}

/* The daemon may not have noticed the death yet; the attach must not fail for that. */
Test(refusals, the_seat_of_the_killed_is_free_at_once)
{
	unsigned i;
	pid_t pid;

	for (i = 0; i < 50; i++) {
		pid = host_fork_holder(&host, "default", 4, 4096);
		if (i % 10 == 0)
			cr_expect_eq(try_attach("default"), -EUSERS);
		kill_child(pid);
		cr_assert_eq(try_attach("default"), 0, "after %u kills", i);
	}
	host_await(&host, "reclaim.leases_total", 200);
}

Test(refusals, one_seat_five_hundred_times)
{
	uint32_t id, last = 0;
	unsigned i;

	for (i = 0; i < 500; i++) {
		struct thruster_pool *pool = host_attach(&host, "default");
		struct thruster_lease lease;

		id = thruster_client_id(pool);
		cr_assert(id != 0 && id != last);
		last = id;
		cr_assert_eq(thruster_rent(pool, 1, &lease), 0);
		cr_assert_eq(thruster_detach(pool), 0);
	}
}

/* First in, first out: a seat rests as long as can be, and no id comes twice. */
Test(refusals, seats_take_turns)
{
	uint32_t ids[30];
	unsigned i, j;

	for (i = 0; i < 30; i++) {
		struct thruster_pool *pool = host_attach(&host, "three");

		ids[i] = thruster_client_id(pool);
		cr_expect_eq(ids[i] & 0xffff, i % 3 + 1);
		for (j = 0; j < i; j++)
			cr_expect_neq(ids[i], ids[j]);
		cr_assert_eq(thruster_detach(pool), 0);
	}
	cr_expect_eq(thruster_client_id(NULL), 0);
}

/* Each attachment that fails for want of descriptors leaves its seat as it was. */
Test(refusals, no_descriptors_left)
{
	struct rlimit limit, before;
	unsigned used = descriptors_of(getpid()), more;
	int r = -EMFILE;

	getrlimit(RLIMIT_NOFILE, &before);
	limit = before;
	for (more = 0; more < 8 && r != 0; more++) {
		limit.rlim_cur = used + more;
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		r = try_attach("default");
		cr_expect(r == 0 || r == -EMFILE || r == -EUSERS, "%d", r);
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
		cr_expect_eq(descriptors_of(getpid()), used);
	}
	cr_expect_eq(r, 0);
	cr_expect_gt(more, 1);
}
