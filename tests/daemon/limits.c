/* SPDX-License-Identifier: MIT */
/*
 * What one user can have of the daemon, beside his arenas: connections, time, and memory for
 * answers that he does not read. Beyond it he is refused, and nobody else is the worse for it.
 */

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "tests/daemon/person.h"

#define GREEDY 3001u
#define GREEDY_MAX (4u + 32u) /* one for each seat, and 32 */
#define STRANGERS_MAX 64u
#define FLOOD_NS 3000000000ull
#define BOUND_NS 5000000000ull
#define ASKERS 30u

#define TEXT(top)                                                                                  \
	"{ " top "\"arenas\": ["                                                                   \
	" { \"name\": \"default\", \"max_clients\": 4, \"allow\": { \"users\": [ 0, 3002 ] },"     \
	"   \"classes\": [ { \"slot_bytes\": 64, \"slots\": 64 } ] },"                             \
	" { \"name\": \"greedy\", \"max_clients\": 4, \"allow\": { \"users\": [ 3001 ] },"         \
	"   \"classes\": [ { \"slot_bytes\": 64, \"slots\": 400000 } ] } ] }"

static const struct person greedy = { GREEDY, GREEDY, 0 }, modest = { 3002, 3002, 0 },
			   stranger = { 5001, 5001, 0 }, another = { 5002, 5002, 0 };
static struct host host;

static void start(void)
{
	host_start_for_others(&host, TEXT(""));
}

static void start_with_two(void)
{
	host_start_for_others(&host, TEXT("\"max_connections_per_user\": 2, "));
}

static void clean_up(void)
{
	if (host.pid == 0)
		return;
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(limits, .init = start, .fini = clean_up, .timeout = 60);

static int try_attach(const char *arena)
{
	return host_try_attach(&host, arena);
}

/* The daemon has refused this connection: its only message says so. */
static bool is_refused(int fd)
{
	struct wire_reply reply;

	return recv(fd, &reply, sizeof(reply), 0) == (ssize_t)sizeof(reply) &&
	       reply.header.type == WIRE_REPLY && reply.status == -EUSERS &&
	       recv(fd, &reply, sizeof(reply), 0) == 0;
}

/* A connection that is answered says so; so it is known to be one of those that count. */
static bool is_answered(int fd)
{
	struct wire_detach detach = { wire_header_make(WIRE_DETACH) };
	struct connection_answer answer;

	return thr_connection_ask(fd, &detach, sizeof(detach), 10000, &answer) == 0 &&
	       answer.reply.status == 0;
}

/* Connect as often as one may, then some more; then stay. `argument`: how often one may. */
static void flood(int ready, const char *argument)
{
	unsigned i, n = (unsigned)atoi(argument);

	for (i = 0; i < n; i++)
		if (!is_answered(raw_connect(&host)))
			_exit(1);
	for (i = 0; i < 100; i++) {
		int fd = raw_connect(&host);

		if (!is_refused(fd))
			_exit(2);
		close(fd);
	}
	if (write(ready, "r", 1) != 1)
		_exit(3);
	for (;;)
		pause();
}

static int count_refused(void)
{
	json_t *stats = host_stats(&host);
	int n = (int)json_number(stats, "daemon.connections_refused_total");

	json_decref(stats);
	return n;
}

static unsigned count_in_log(const char *text)
{
	char command[256], output[64];

	snprintf(command, sizeof(command), "grep -c '%s' %s", text, host.log);
	shell(command, output, sizeof(output));
	return (unsigned)atoi(output);
}

Test(limits, a_flood_of_connections_hurts_only_who_makes_it)
{
	uint64_t begun = now_ns();
	pid_t pid = beside(greedy, flood, "36");

	cr_assert_eq(GREEDY_MAX, 36);
	/* Only while he has said nothing for less than five seconds. */
	if (now_ns() - begun < 3000000000u)
		cr_expect_eq(as(greedy, try_attach, "greedy"), -EUSERS);
	cr_expect_eq(as(modest, try_attach, "default"), 0);
	cr_expect_eq(as(stranger, try_attach, "default"), -EACCES);
	cr_expect_eq(try_attach("default"), 0, "root");
	cr_expect_geq(count_refused(), 100);
	kill_child(pid);
	cr_expect_eq(as(greedy, try_attach, "greedy"), 0, "he comes again");
	sleep_ms(1500);
	cr_expect_geq(count_in_log("connections of uid 3001 refused"), 1);
	cr_expect_leq(count_in_log("connections of uid 3001 refused"),
		(unsigned)((now_ns() - begun) / 1000000000u) + 2, "once a second at most");
}

/* Those whom nobody admits share what there is for them, and it is nobody else's. */
Test(limits, strangers_count_as_one)
{
	pid_t pid = beside(stranger, flood, "64");
	uint64_t begun = now_ns();

	cr_assert_eq(STRANGERS_MAX, 64);
	cr_expect_eq(as(modest, try_attach, "default"), 0);
	cr_expect_eq(as(greedy, try_attach, "greedy"), 0);
	if (now_ns() - begun < 1000000000u)
		cr_expect_eq(as(another, try_attach, "default"), -EUSERS);
	kill_child(pid);
	cr_expect_eq(as(another, try_attach, "default"), -EACCES);
}

/* Who connects and says nothing makes room again by himself. */
static void stay_silent(int ready, const char *argument)
{
	unsigned i;

	(void)argument;
	for (i = 0; i < GREEDY_MAX; i++)
		raw_connect(&host);
	if (write(ready, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

Test(limits, the_silent_are_cut_off)
{
	pid_t pid = beside(greedy, stay_silent, NULL);
	uint64_t until = now_ns() + 20000000000u;
	int r;

	do
		r = as(greedy, try_attach, "greedy");
	while (r == -EUSERS && now_ns() < until);
	cr_expect_eq(r, 0);
	host_await(&host, "daemon.connections", 1);
	kill_child(pid);
}

Test(limits, as_many_as_the_configuration_says, .init = start_with_two)
{
	pid_t pid = beside(greedy, flood, "2");

	cr_expect_eq(as(modest, try_attach, "default"), 0);
	kill_child(pid);
	pid = beside(stranger, flood, "64");
	kill_child(pid);
}

/* Ask and do not read: a few answers lie there, and then it is over. */
static int ask_without_reading(const char *argument)
{
	struct wire_query query = { wire_header_make(WIRE_QUERY), WIRE_QUESTION_STATS, 0 };
	struct pollfd end = { .fd = raw_connect(&host) };
	unsigned i, answers = 0;
	struct wire_reply reply;

	(void)argument;
	for (i = 0; i < 1000 && poll(&end, 1, 5) == 0; i++)
		if (send(end.fd, &query, sizeof(query), MSG_NOSIGNAL) < 0)
			break;
	if (i == 1000)
		return -EBADMSG;
	while (recv(end.fd, &reply, sizeof(reply), 0) == (ssize_t)sizeof(reply) &&
		reply.status == 0)
		answers++;
	return answers <= 3 && reply.status == -EPROTO ? 0 : -EBADMSG;
}

Test(limits, who_does_not_read_is_cut_off)
{
	cr_expect_eq(as(greedy, ask_without_reading, NULL), 0);
	cr_expect_eq(as(stranger, ask_without_reading, NULL), 0);
	cr_expect_eq(ask_without_reading(NULL), 0, "root is not spared");
	host_await(&host, "daemon.protocol_violations_total", 3);
}

/* As many queries as can be, each read, from many connections. */
static void ask_on(int ready, const char *argument)
{
	struct wire_query query = { wire_header_make(WIRE_QUERY), WIRE_QUESTION_STATS, 0 };
	struct pollfd fds[ASKERS];
	unsigned i;

	(void)argument;
	for (i = 0; i < ASKERS; i++) {
		fds[i] = (struct pollfd){ .fd = raw_connect(&host), .events = POLLIN };
		raw_send(fds[i].fd, &query, sizeof(query));
	}
	if (write(ready, "r", 1) != 1)
		_exit(1);
	while (poll(fds, ASKERS, -1) > 0) {
		for (i = 0; i < ASKERS; i++) {
			struct wire_reply reply;

			if (fds[i].revents == 0)
				continue;
			if (recv(fds[i].fd, &reply, sizeof(reply), 0) != (ssize_t)sizeof(reply))
				_exit(2);
			raw_send(fds[i].fd, &query, sizeof(query));
		}
	}
}

static uint64_t cpu_ns(pid_t pid)
{
	unsigned long long user = 0, kernel = 0;
	char path[64], line[1024];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file) ||
		sscanf(strrchr(line, ')') + 1,
			" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
			&kernel) != 2)
		harness_fail("cannot read %s", path);
	fclose(file);
	return (user + kernel) * (1000000000u / (unsigned long long)sysconf(_SC_CLK_TCK));
}

Test(limits, a_flood_of_queries_hurts_only_who_makes_it)
{
	pid_t pid = beside(greedy, ask_on, NULL);
	uint64_t begun = now_ns(), before = cpu_ns(host.pid), took, longest = 0;
	unsigned n = 0;

	while (now_ns() - begun < FLOOD_NS) {
		uint64_t at = now_ns();

		cr_assert_eq(as(modest, try_attach, "default"), 0);
		took = now_ns() - at;
		longest = took > longest ? took : longest;
		n++;
	}
	took = now_ns() - begun;
	cr_expect_lt(longest, BOUND_NS);
	/* A quarter for him, the samples, and what we asked for; without a limit it is all. */
	cr_expect_lt(cpu_ns(host.pid) - before, took * 7 / 10);
	fprintf(stderr, "# %u attached meanwhile, the slowest in %u us; the daemon ran %u of 100\n",
		n, (unsigned)(longest / 1000),
		(unsigned)((cpu_ns(host.pid) - before) * 100 / took));
	kill_child(pid);
}
