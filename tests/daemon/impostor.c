/* SPDX-License-Identifier: MIT */
/*
 * Something else answers at the socket. The library must refuse every answer that is not quite
 * right, within its time limit, and keep neither a descriptor nor a mapping of what it was sent.
 * The impostor starts from an answer that is right, which is accepted, and spoils one thing.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shm/geometry.h"
#include "shm/wire.h"
#include "tests/harness/harness.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* What the impostor says. */
struct answer {
	struct wire_reply reply;
	char more[64]; /* behind it, for a message that is too long */
	size_t size;
	unsigned n_fds;
	struct thr_board board;
	uint64_t control_magic;
	uint64_t arena_bytes, board_bytes; /* of the memfds */
	int arena_seals, board_seals;
	bool are_pipes, are_swapped, is_silent;
};

static void is_right(struct answer *a)
{
	const struct thr_class_spec class_ = { .slot_bytes = 64, .slots = 1 };
	struct thr_geometry *g = &a->board.geometry;

	memset(a, 0, sizeof(*a));
	cr_assert_eq(thr_geometry_init(g, 1, 4, &class_, 1), 0);
	a->board.magic = THR_BOARD_MAGIC;
	a->board.abi = THR_ABI;
	a->board.fenced = 1;
	a->control_magic = THR_CONTROL_MAGIC;
	a->arena_bytes = g->arena_bytes;
	a->board_bytes = g->board_bytes;
	a->arena_seals = a->board_seals = SEALS;
	a->n_fds = 2;
	a->size = sizeof(a->reply);
	a->reply = (struct wire_reply){ wire_header_make(WIRE_REPLY), .client_id = 1 << 16 | 1,
		.arena_bytes = g->arena_bytes, .board_bytes = g->board_bytes };
}

/* What is spoilt, what thruster_attach() must say to it, and how it is done; listed once. */
#define SPOILS(X)                                                                                  \
	X(next_version, -EPROTO, a->reply.header.version++)                                        \
	X(previous_version, -EPROTO, a->reply.header.version--)                                    \
	X(other_magic, -EPROTO, a->reply.header.magic ^= 1)                                        \
	X(request_type, -EPROTO, a->reply.header.type = WIRE_ATTACH)                               \
	X(positive_status, -EPROTO, a->reply.status = 1)                                           \
	X(garbage, -EPROTO, memset(&a->reply, 0xa5, sizeof(a->reply)))                             \
	X(one_byte, -EPROTO, a->size = 1)                                                          \
	X(short_of_a_byte, -EPROTO, a->size--)                                                     \
	X(long_by_a_byte, -EPROTO, a->size++)                                                      \
	X(no_descriptor, -EPROTO, a->n_fds = 0)                                                    \
	X(one_descriptor, -EPROTO, a->n_fds = 1)                                                   \
	X(three_descriptors, -EPROTO, a->n_fds = 3)                                                \
	X(nine_descriptors, -EPROTO, a->n_fds = 9)                                                 \
	X(pipes, -EPROTO, a->are_pipes = true)                                                     \
	X(swapped, -EPROTO, a->are_swapped = true)                                                 \
	X(arena_unsealed, -EPROTO, a->arena_seals = 0)                                             \
	X(board_unsealed, -EPROTO, a->board_seals = 0)                                             \
	X(arena_may_shrink, -EPROTO, a->arena_seals = F_SEAL_GROW)                                 \
	X(arena_too_small, -EPROTO, a->arena_bytes -= THR_PAGE)                                    \
	X(arena_too_large, -EPROTO, a->arena_bytes += THR_PAGE)                                    \
	X(arena_empty, -EPROTO, a->arena_bytes = 0)                                                \
	X(board_too_small, -EPROTO, a->board_bytes -= THR_PAGE)                                    \
	X(board_empty, -EPROTO, a->board_bytes = 0)                                                \
	X(both_empty, -EPROTO,                                                                     \
		a->arena_bytes = a->board_bytes = a->reply.arena_bytes = a->reply.board_bytes = 0) \
	X(promise_too_small, -EPROTO, a->reply.arena_bytes = a->arena_bytes -= THR_PAGE)           \
	X(promise_huge, -EPROTO, a->reply.arena_bytes = UINT64_MAX)                                \
	X(promise_huge_board, -EPROTO, a->reply.board_bytes = UINT64_MAX)                          \
	X(board_of_a_page, -EPROTO, a->board_bytes = a->reply.board_bytes = 100)                   \
	X(board_magic, -EPROTO, a->board.magic++)                                                  \
	X(next_abi, -EPROTO, a->board.abi++)                                                       \
	X(control_magic, -EPROTO, a->control_magic = 0)                                            \
	X(no_class, -EPROTO, a->board.geometry.classes = 0)                                        \
	X(many_classes, -EPROTO, a->board.geometry.classes = UINT32_MAX)                           \
	X(many_slots, -EPROTO, a->board.geometry.class_[0].slots = 1 << 20)                        \
	X(other_offset, -EPROTO, a->board.geometry.class_[0].data_offset -= 64)                    \
	X(huge_offset, -EPROTO, a->board.geometry.class_[0].segments_offset = UINT64_MAX - 7)      \
	X(roster_elsewhere, -EPROTO, a->board.geometry.roster_offset = UINT64_MAX - 3)             \
	X(other_alignment, -EPROTO, a->board.geometry.map_align_bytes = 3)                         \
	X(unknown_claim, -EPROTO, a->board.geometry.class_[0].claim = 77)                          \
	X(no_cores, -EPROTO, a->board.geometry.cores = 0)                                          \
	X(nobodys_seat, -EPROTO, a->reply.client_id = 1 << 16)                                     \
	X(seat_beyond, -EPROTO, a->reply.client_id = 1 << 16 | 5)                                  \
	X(hang_up, -ECONNRESET, a->size = 0)                                                       \
	X(silence, -ETIMEDOUT, a->is_silent = true)                                                \
	X(refusal, -EACCES, a->reply.status = -EACCES)

#define X(name, expected, what)                                                                    \
	static void name(struct answer *a)                                                         \
	{                                                                                          \
		what;                                                                              \
	}
SPOILS(X)
#undef X

static const struct {
	void (*spoil)(struct answer *a);
	int expected;
	const char *name;
} cases[] = {
	{ is_right, 0, "right" },
#define X(name, expected, what) { name, expected, #name },
	SPOILS(X)
#undef X
};

#define N_CASES (sizeof(cases) / sizeof(cases[0]))
#define TIMEOUT_MS 200u

static int memfd(const void *content, size_t size, uint64_t bytes, int seals)
{
	int fd = memfd_create("impostor", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || pwrite(fd, content, size, 0) != (ssize_t)size ||
		ftruncate(fd, (off_t)bytes) < 0 || fcntl(fd, F_ADD_SEALS, seals) < 0)
		_exit(1);
	return fd;
}

static void make_descriptors(const struct answer *a, int fds[9])
{
	unsigned i;

	fds[0] = memfd(&a->control_magic, sizeof(a->control_magic), a->arena_bytes, a->arena_seals);
	fds[1] = memfd(&a->board, sizeof(a->board), a->board_bytes, a->board_seals);
	if (a->are_pipes && pipe(fds) < 0)
		_exit(1);
	for (i = 2; i < 9; i++)
		fds[i] = fds[i - 2];
	if (a->are_swapped) {
		fds[0] = fds[1];
		fds[1] = fds[2];
	}
}

static void say(int connection, const struct answer *a)
{
	struct iovec text = { (void *)&a->reply, a->size };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(9 * sizeof(int))];
	} control = { 0 };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };
	struct cmsghdr *c;
	int fds[9];

	if (a->n_fds) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(a->n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(a->n_fds * sizeof(int));
		make_descriptors(a, fds);
		memcpy(CMSG_DATA(c), fds, a->n_fds * sizeof(int));
	}
	if (sendmsg(connection, &message, MSG_NOSIGNAL) < 0)
		_exit(1);
}

/* One answer after the other, one connection at a time. */
static void serve(int listening, unsigned rounds)
{
	struct wire_attach request;
	struct answer a;
	int connection;
	size_t i;

	while (rounds--)
		for (i = 0; i < N_CASES; i++) {
			/* Who is hung up on comes again for a while. */
			do {
				connection = accept(listening, NULL, NULL);
				if (recv(connection, &request, sizeof(request), 0) !=
					sizeof(request))
					_exit(1);
				if (atoi(request.label) != (int)i)
					close(connection);
			} while (atoi(request.label) != (int)i);
			is_right(&a);
			cases[i].spoil(&a);
			if (a.is_silent)
				recv(connection, &request, sizeof(request), 0);
			else if (a.size)
				say(connection, &a);
			close(connection);
		}
	_exit(0);
}

static char directory[64], path[96];

static pid_t start_impostor(unsigned rounds)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	pid_t pid;

	strcpy(directory, "/tmp/thruster-impostor-XXXXXX");
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	strcpy(address.sun_path, path);
	cr_assert_eq(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listening, 8), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listening, rounds);
	}
	close(listening);
	return pid;
}

static void stop_impostor(pid_t pid)
{
	int status = 1;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	unlink(path);
	rmdir(directory);
}

static void meet_all(void)
{
	struct thruster_attach_options options = {
		.size = sizeof(options), .socket_path = path, .timeout_ms = TIMEOUT_MS
	};
	struct thruster_pool *const nothing = (struct thruster_pool *)8;
	struct thruster_pool *pool;
	uint64_t begun;
	char label[16];
	size_t i;
	int r;

	options.label = label;
	for (i = 0; i < N_CASES; i++) {
		pool = nothing;
		begun = now_ns();
		snprintf(label, sizeof(label), "%zu", i);
		r = thruster_attach(&pool, "default", &options);
		cr_expect_eq(r, cases[i].expected, "%s: %d", cases[i].name, r);
		if (r == -ETIMEDOUT)
			cr_expect_geq(now_ns() - begun, TIMEOUT_MS * 1000000u);
		if (r == 0)
			cr_expect_eq(thruster_detach(pool), 0);
		else
			cr_expect_eq(pool, nothing, "%s: the pool was written", cases[i].name);
	}
}

/* Size of the address space in KiB, and how many of its mappings are an impostor's. */
static void look_at_maps(long *ret_kib, unsigned *ret_ours)
{
	FILE *status = fopen("/proc/self/status", "re"), *maps = fopen("/proc/self/maps", "re");
	char line[512];

	*ret_ours = 0;
	while (fgets(line, sizeof(line), status))
		sscanf(line, "VmSize: %ld", ret_kib);
	while (fgets(line, sizeof(line), maps))
		*ret_ours += strstr(line, "memfd:impostor") != NULL;
	fclose(status);
	fclose(maps);
}

Test(impostor, every_wrong_answer_is_refused_and_nothing_kept, .timeout = 60)
{
	const unsigned rounds = 5;
	pid_t pid = start_impostor(rounds + 1);
	long before_kib = 0, after_kib = 0;
	unsigned fds, ours, i;

	meet_all();
	fds = descriptors_of(getpid());
	look_at_maps(&before_kib, &ours);
	cr_expect_eq(ours, 0);
	for (i = 0; i < rounds; i++)
		meet_all();
	cr_expect_eq(descriptors_of(getpid()), fds);
	look_at_maps(&after_kib, &ours);
	cr_expect_eq(ours, 0);
	/* One lost pool a round would be 640 KiB. */
	cr_expect_lt(after_kib - before_kib, 512);
	stop_impostor(pid);
}

Test(impostor, a_socket_of_another_kind, .timeout = 60)
{
	struct thruster_attach_options options = { .size = sizeof(options), .socket_path = path };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct thruster_pool *pool;

	strcpy(directory, "/tmp/thruster-impostor-XXXXXX");
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	strcpy(address.sun_path, path);
	cr_assert_eq(bind(stream, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(stream, 8), 0);
	cr_expect_eq(thruster_attach(&pool, NULL, &options), -EPROTO);
	close(stream);
	cr_expect_neq(thruster_attach(&pool, NULL, &options), 0);
	unlink(path);
	cr_expect_eq(thruster_attach(&pool, NULL, &options), -ECONNREFUSED);
	rmdir(directory);
	cr_expect_eq(thruster_attach(&pool, NULL, &options), -ECONNREFUSED);
}
