/* SPDX-License-Identifier: MIT */
/*
 * Peers that would tie the daemon up: the silent, the many, and those who never listen. Others are
 * served meanwhile, and afterwards all is as it was.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/daemon/raw.h"

#define MAX_CLIENTS 8
#define CONNECTIONS_MAX (MAX_CLIENTS + 256) /* what the daemon takes at a time */
#define FLOOD 2000

static const char config[] = "{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8,"
			     "  \"classes\": [ { \"slot_bytes\": 4096, \"slots\": 16 } ] } ] }";

static struct host host;
static unsigned descriptors;

static void set_up(void)
{
	host_start(&host, config);
	descriptors = raw_descriptors(&host);
}

static void clean_up(void)
{
	host_must_be_well(&host);
	raw_await_descriptors(&host, descriptors);
	host_stop(&host);
}

TestSuite(crowd, .init = set_up, .fini = clean_up, .timeout = 60);

static void must_work(struct thruster_pool *pool)
{
	struct thruster_lease lease;

	cr_assert_eq(thruster_rent(pool, 1, &lease), 0);
	cr_assert_eq(thruster_return(pool, &lease), 0);
}

/*
 * A client that is killed while a child of its own still has the connection. The child lives until
 * the descriptor that is returned is closed.
 */
static int leave_a_connection_behind(void)
{
	int keep[2], ready[2];
	pid_t pid;
	char c;

	cr_assert(pipe(keep) == 0 && pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		close(keep[1]);
		host_attach(&host, NULL);
		if (fork() == 0)
			_exit((int)read(keep[0], &c, 1));
		if (write(ready[1], "r", 1) == 1)
			pause();
		_exit(1);
	}
	cr_assert_eq(read(ready[0], &c, 1), 1);
	kill_child(pid);
	close(keep[0]);
	close(ready[0]);
	close(ready[1]);
	return keep[1];
}

Test(crowd, who_says_nothing_is_disconnected_and_others_are_served)
{
	struct wire_attach attach = raw_attach_request("default");
	struct wire_detach detach = { wire_header_make(WIRE_DETACH) };
	struct wire_query query = { wire_header_make(WIRE_QUERY), WIRE_QUESTION_STATS, 0 };
	int orphan = leave_a_connection_behind();
	uint64_t begun = now_ns();
	int silent = raw_connect(&host), asked = raw_connect(&host), left = raw_connect(&host), i;
	struct raw client;

	cr_assert_eq(raw_ask(asked, &query, sizeof(query)), 0);
	cr_assert_eq(raw_ask(left, &attach, sizeof(attach)), 0);
	cr_assert_eq(raw_ask(left, &detach, sizeof(detach)), 0);
	raw_attach(&client, &host, "default");
	for (i = 0; i < 50; i++) {
		struct thruster_pool *pool = host_attach(&host, NULL);

		must_work(pool);
		cr_assert_eq(thruster_detach(pool), 0);
	}
	raw_must_end(silent);
	cr_expect_geq(now_ns() - begun, 4900000000u);
	raw_must_end(asked);
	/* Who has left may not be silent for ever either. */
	raw_must_end(left);
	/* A client may. */
	cr_expect_eq(raw_ask(client.connection, &query, sizeof(query)), 0);
	raw_vanish(&client);
	/* Nor may a connection whose client is gone. */
	host_await(&host, "reclaim.clients_total", 2);
	host_await(&host, "daemon.connections", 1);
	close(orphan);
}

static unsigned count_closed(const int *fds, unsigned n)
{
	unsigned closed = 0, i;
	struct pollfd p;

	for (i = 0; i < n; i++) {
		p = (struct pollfd){ .fd = fds[i], .events = POLLIN };
		if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLIN | POLLERR)))
			closed++;
	}
	return closed;
}

/* Root's, who has no limit of his own: they are taken, and closed when they have said nothing for
 * too long. What other users may have: limits.c. */
Test(crowd, a_flood_of_connections)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct rlimit limit = { FLOOD + 100, 20000 };
	static int fds[FLOOD];
	uint64_t until;
	json_t *stats;
	unsigned i;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < FLOOD + 100)
		cr_skip_test("this process may not open 2100 descriptors");
	limit.rlim_cur = limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (i = 0; i < FLOOD; i++)
		fds[i] = raw_connect(&host);
	until = now_ns() + 20000000000u;
	while (count_closed(fds, FLOOD) < FLOOD - CONNECTIONS_MAX && now_ns() < until)
		sleep_ms(10);
	cr_assert_geq(count_closed(fds, FLOOD), FLOOD - CONNECTIONS_MAX);
	must_work(pool);
	for (i = 0; i < FLOOD; i++)
		close(fds[i]);
	cr_assert_eq(thruster_detach(pool), 0);
	raw_await_descriptors(&host, descriptors);
	stats = host_stats(&host);
	cr_expect_eq(json_number(stats, "daemon.connections"), 1);
	json_decref(stats);
}

/* Its answers fill the socket; then it is cut off. The daemon never waits for it. */
Test(crowd, who_never_reads_is_disconnected_and_others_are_served)
{
	struct wire_query query = { wire_header_make(WIRE_QUERY), WIRE_QUESTION_STATS, 0 };
	int deaf = raw_connect(&host);
	unsigned sent = 0, i;
	ssize_t n;

	for (i = 0; i < 5000; i++) {
		n = send(deaf, &query, sizeof(query), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			break;
		sent += n > 0;
		if (n < 0 || i % 100 == 0) {
			struct thruster_pool *pool = host_attach(&host, NULL);

			must_work(pool);
			cr_assert_eq(thruster_detach(pool), 0);
		}
	}
	cr_expect(n < 0 && (errno == EPIPE || errno == ECONNRESET), "%u queries were taken", sent);
	close(deaf);
}

/* Half of a conversation: gone before the answer comes. */
Test(crowd, who_goes_before_the_answer)
{
	struct wire_attach attach = raw_attach_request("default");
	struct wire_query query = { wire_header_make(WIRE_QUERY), WIRE_QUESTION_STATS, 0 };
	int fd, i;

	for (i = 0; i < 200; i++) {
		fd = raw_connect(&host);
		if (i % 2)
			raw_send(fd, &attach, sizeof(attach));
		else
			raw_send(fd, &query, sizeof(query));
		if (i % 3 == 0)
			shutdown(fd, SHUT_WR);
		if (i % 3 == 1)
			shutdown(fd, SHUT_RD);
		close(fd);
	}
}
