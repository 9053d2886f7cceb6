/* SPDX-License-Identifier: MIT */
/*
 * Peers that break the protocol of the socket. Each is told so once and cut off; nobody else
 * notices, and the daemon keeps neither a descriptor nor a seat of theirs.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/daemon/raw.h"

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

TestSuite(wire, .init = set_up, .fini = clean_up, .timeout = 60);

static int64_t violations(void)
{
	json_t *stats = host_stats(&host);
	int64_t n = json_number(stats, "daemon.protocol_violations_total");

	json_decref(stats);
	return n;
}

/* The daemon says -EPROTO to these bytes and closes. */
static void must_be_cut_off(const void *bytes, size_t size)
{
	int64_t before = violations();
	int fd = raw_connect(&host);

	raw_send(fd, bytes, size);
	raw_must_reply(fd, -EPROTO);
	raw_must_end(fd);
	cr_assert_eq(violations(), before + 1);
}

Test(wire, short_messages)
{
	struct wire_query query = { wire_header_make(WIRE_QUERY), WIRE_QUESTION_STATS, 0 };
	size_t size;
	int fd = raw_connect(&host);

	for (size = 1; size < sizeof(query); size++)
		must_be_cut_off(&query, size);
	/* A message of no bytes cannot be told from the end. */
	raw_send(fd, "", 0);
	raw_must_end(fd);
}

Test(wire, garbage_of_every_size)
{
	static const size_t sizes[] = { 1, 7, 8, 9, 15, 16, 17, 32, 135, 136, 137, 4096, 65536,
		200000 };
	static unsigned char noise[200000];
	size_t i;

	srand(2);
	for (i = 0; i < sizeof(noise); i++)
		noise[i] = (unsigned char)rand();
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		must_be_cut_off(noise, sizes[i]);
	memset(noise, 0, sizeof(noise));
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		must_be_cut_off(noise, sizes[i]);
}

Test(wire, right_headers_with_wrong_sizes)
{
	static const struct {
		enum wire_type type;
		size_t size;
	} types[] = {
		{ WIRE_ATTACH, sizeof(struct wire_attach) },
		{ WIRE_DETACH, sizeof(struct wire_detach) },
		{ WIRE_QUERY, sizeof(struct wire_query) },
	};
	static char message[200000];
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct wire_header header = wire_header_make(types[i].type);

		memcpy(message, &header, sizeof(header));
		if (types[i].size > sizeof(header))
			must_be_cut_off(message, types[i].size - 1);
		must_be_cut_off(message, types[i].size + 1);
		must_be_cut_off(message, sizeof(union wire_request) + 1);
		must_be_cut_off(message, sizeof(message));
	}
}

Test(wire, unknown_types_and_wrong_magic)
{
	static const uint16_t types[] = { 0, 4, 127, WIRE_REPLY, 129, 65535 };
	struct wire_attach message = raw_attach_request("default");
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		message.header.type = types[i];
		must_be_cut_off(&message, sizeof(message));
		must_be_cut_off(&message, sizeof(message.header));
	}
	message = raw_attach_request("default");
	message.header.magic ^= 1;
	must_be_cut_off(&message, sizeof(message));
}

/* A library of another version learns the daemon's, whatever else has changed in its messages. */
Test(wire, another_version)
{
	static const size_t sizes[] = { 8, 16, 100, sizeof(struct wire_attach), 1000 };
	static const int steps[] = { -1, 1, 1000 };
	char message[1000] = { 0 };
	struct wire_header header;
	size_t i, j;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
			header = wire_header_make(WIRE_ATTACH);
			header.version = (uint16_t)(header.version + steps[j]);
			memcpy(message, &header, sizeof(header));
			must_be_cut_off(message, sizes[i]);
		}
}

Test(wire, a_violation_ends_a_client_no_sooner_than_its_mapping)
{
	struct raw raw;

	raw_attach(&raw, &host, "default");
	raw_send(raw.connection, "nonsense", 8);
	raw_must_reply(raw.connection, -EPROTO);
	raw_must_end(raw.connection);
	host_await(&host, "arenas[0].clients[0].id", raw.reply.client_id);
	raw_unmap(&raw);
}

/* Names without an end are refused, and the connection goes on. */
Test(wire, unterminated_names)
{
	struct wire_attach request = raw_attach_request("default");
	int fd = raw_connect(&host);

	memset(request.arena, 'a', sizeof(request.arena));
	cr_expect_eq(raw_ask(fd, &request, sizeof(request)), -EINVAL);
	request = raw_attach_request("default");
	memset(request.label, 'a', sizeof(request.label));
	cr_expect_eq(raw_ask(fd, &request, sizeof(request)), -EINVAL);
	request = raw_attach_request("");
	cr_expect_eq(raw_ask(fd, &request, sizeof(request)), -ENOENT);
	request = raw_attach_request("default/");
	cr_expect_eq(raw_ask(fd, &request, sizeof(request)), -ENOENT);
	request = raw_attach_request("default");
	cr_expect_eq(raw_ask(fd, &request, sizeof(request)), 0);
	close(fd);
}

/* What a peer calls itself or asks for cannot forge lines of the log. */
Test(wire, names_in_the_log_are_one_line)
{
	struct wire_attach request = raw_attach_request("\nthrusterd: forged\033[2J");
	int fd = raw_connect(&host);

	cr_expect_eq(raw_ask(fd, &request, sizeof(request)), -ENOENT);
	request = raw_attach_request("default");
	strcpy(request.label, "\nthrusterd: forged\033[2J");
	cr_expect_eq(raw_ask(fd, &request, sizeof(request)), 0);
	close(fd);
	host_await(&host, "reclaim.clients_total", 1);
	cr_expect(file_contains(host.log, "forged"));
	cr_expect_not(file_contains(host.log, "\nthrusterd: forged"));
	cr_expect_not(file_contains(host.log, "\033"));
}

Test(wire, unknown_questions)
{
	static const uint32_t questions[] = { 0, WIRE_QUESTION_PROCESSES + 1,
		UINT32_MAX };
	size_t i;

	for (i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		struct wire_query query = { wire_header_make(WIRE_QUERY), questions[i], 0 };

		must_be_cut_off(&query, sizeof(query));
	}
}

/* Who may not see everything may neither know of all processes nor trace. */
Test(wire, what_only_operators_may)
{
	struct wire_query query = { wire_header_make(WIRE_QUERY), WIRE_QUESTION_PROCESSES, 0 };
	struct wire_probes hello = {
		.header = wire_header_make(WIRE_PROBES), .step = WIRE_PROBES_HELLO
	};
	pid_t pid;
	int status;

	if (geteuid() != 0)
		cr_skip_test("only root can be another user");
	pid = fork();
	if (pid == 0) {
		int fd;

		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		fd = raw_connect(&host);
		_exit(raw_ask(fd, &query, sizeof(query)) == -EACCES &&
				      raw_ask(fd, &hello, sizeof(hello)) == -EACCES
			      ? 0
			      : 2);
	}
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0, "%#x", (unsigned)status);
}

/* Steps out of order, of who may take them: maps without a word before, or without descriptors. */
Test(wire, probes_out_of_order)
{
	struct wire_probes message = {
		.header = wire_header_make(WIRE_PROBES), .step = WIRE_PROBES_MAPS
	};
	unsigned step;
	int fd;

	for (step = 0; step < 5; step++) {
		message.step = step;
		if (step == WIRE_PROBES_HELLO)
			continue;
		must_be_cut_off(&message, sizeof(message));
	}
	for (step = WIRE_PROBES_MAPS; step <= WIRE_PROBES_TEXT; step++) {
		fd = raw_connect(&host);
		message.step = WIRE_PROBES_HELLO;
		cr_assert_eq(raw_ask(fd, &message, sizeof(message)), 0);
		message.step = step;
		message.n_cpus = message.n_class_cells = 1;
		message.text_bytes = 1;
		raw_send(fd, &message, sizeof(message));
		raw_must_reply(fd, -EPROTO);
		raw_must_end(fd);
	}
}

/* False if the kernel refuses to send them to the daemon. */
static bool send_with_descriptors(int fd, const void *bytes, size_t size, unsigned n)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct iovec text = { (void *)bytes, size };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(253 * sizeof(int))];
	} control = { 0 };
	struct msghdr message = { .msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	ssize_t sent;
	unsigned i;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (i = 0; i < n; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &null, sizeof(null));
	sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	cr_assert(sent == (ssize_t)size || (sent < 0 && errno == EPERM));
	close(null);
	return sent > 0;
}

/* Either the kernel keeps them from the daemon (SO_PASSRIGHTS), or the daemon cuts the peer off. */
static void must_be_refused(const void *bytes, size_t size, unsigned n)
{
	int fd = raw_connect(&host);

	if (send_with_descriptors(fd, bytes, size, n)) {
		raw_must_reply(fd, -EPROTO);
		raw_must_end(fd);
	} else {
		close(fd);
	}
}

Test(wire, descriptors_that_nobody_asked_for)
{
	static const unsigned counts[] = { 1, 2, 100, 253 };
	struct wire_query query = { wire_header_make(WIRE_QUERY), WIRE_QUESTION_STATS, 0 };
	struct wire_attach attach = raw_attach_request("default");
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		must_be_refused(&query, sizeof(query), counts[i]);
		must_be_refused(&attach, sizeof(attach), counts[i]);
		must_be_refused("garbage", 7, counts[i]);
	}
	raw_await_descriptors(&host, descriptors);
}

Test(wire, one_connection_is_one_client)
{
	struct wire_attach attach = raw_attach_request("default");
	struct wire_detach detach = { wire_header_make(WIRE_DETACH) };
	struct raw raw;

	raw_attach(&raw, &host, "default");
	cr_expect_eq(raw_ask(raw.connection, &attach, sizeof(attach)), -EALREADY);
	cr_expect_eq(raw_ask(raw.connection, &detach, sizeof(detach)), -EBUSY, "still mapped");
	host_await(&host, "arenas[0].clients[0].id", raw.reply.client_id);
	raw_unmap(&raw);
	cr_expect_eq(raw_ask(raw.connection, &detach, sizeof(detach)), 0);
	cr_expect_eq(raw_ask(raw.connection, &detach, sizeof(detach)), 0, "gone is gone");
	close(raw.connection);
}

Test(wire, detach_without_attach)
{
	struct wire_detach detach = { wire_header_make(WIRE_DETACH) };
	int fd = raw_connect(&host);

	cr_expect_eq(raw_ask(fd, &detach, sizeof(detach)), 0);
	close(fd);
}
