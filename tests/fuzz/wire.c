/* SPDX-License-Identifier: MIT */
/*
 * Up to four peers of the daemon, who say, send and do what the bytes say, in any order, while the
 * daemon's loop runs now and then. Every reply must be one; at the end, when all have hung up, no
 * session, no seat and no descriptor is left.
 */

#include <fcntl.h>
#include <jansson.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/office.h"

#define PEERS 4u
#define FDS_MAX 253
#define KEPT 4u /* descriptors of arenas that a peer keeps: they carry the seat locks */
#define IDS 4u

struct peer_end {
	int fd; /* -1: not connected */
	int kept[KEPT];
	unsigned next;
};

struct play {
	struct daemon *daemon;
	struct bytes bytes;
	struct peer_end peers[PEERS];
	uint32_t ids[IDS]; /* of clients, the last that were told */
	unsigned n_ids;
};

static void keep(struct peer_end *p, int fd)
{
	int *place = &p->kept[p->next++ % KEPT];

	if (*place >= 0)
		close(*place);
	*place = fd;
}

static void hang_up(struct peer_end *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static void drop_kept(struct peer_end *p)
{
	unsigned i;

	for (i = 0; i < KEPT; i++)
		keep(p, -1);
}

static void connect_peer(struct play *play, struct peer_end *p)
{
	int pair[2];

	hang_up(p);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
	p->fd = pair[1];
	sessions_add(&play->daemon->sessions, pair[0]);
}

/* The next connections are of one of those whom the arenas admit, or of a stranger. */
static void disguise(struct play *play)
{
	uint8_t who = bytes_u8(&play->bytes);

	office_disguise(who & 3, who >> 2 & 7);
}

static void send_message(struct play *play, struct peer_end *p, const void *bytes, size_t size)
{
	struct iovec text = { (void *)bytes, size };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };
	unsigned many = bytes_u8(&play->bytes), n = many < 224 ? 0 : (many - 223) * 8 - 3, i;
	struct cmsghdr *c = &control.header;
	int fds[FDS_MAX];

	if (n) {
		for (i = 0; i < n && i < FDS_MAX; i++)
			fds[i] = STDERR_FILENO;
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(i * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(i * sizeof(int));
		memcpy(CMSG_DATA(c), fds, i * sizeof(int));
	}
	if (p->fd >= 0)
		sendmsg(p->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void choose_name(struct bytes *bytes, char to[THR_NAME_MAX])
{
	static const char *const names[] = { "victim", "neighbour", "nobody", "" };
	uint8_t choice = bytes_u8(bytes);

	if (choice < 0xf0)
		strcpy(to, names[choice % 4]);
	else
		bytes_take(bytes, to, THR_NAME_MAX);
}

/* A client's id: one that was told, one like it, or any. */
static uint32_t choose_id(struct play *play)
{
	uint8_t choice = bytes_u8(&play->bytes);

	if (choice < 0x80)
		return play->ids[choice % IDS];
	if (choice < 0xc0)
		return play->ids[choice % IDS] ^ 1u << choice % 32;
	return (uint32_t)bytes_number(&play->bytes, 4);
}

static void say_attach(struct play *play, struct peer_end *p)
{
	struct wire_attach m = { .header = wire_header_make(WIRE_ATTACH) };

	choose_name(&play->bytes, m.arena);
	choose_name(&play->bytes, m.label);
	send_message(play, p, &m, sizeof(m));
}

static void say_detach(struct play *play, struct peer_end *p)
{
	struct wire_detach m = { .header = wire_header_make(WIRE_DETACH) };

	send_message(play, p, &m, sizeof(m));
}

static void say_query(struct play *play, struct peer_end *p)
{
	struct wire_query m = { .header = wire_header_make(WIRE_QUERY) };

	m.question = bytes_u8(&play->bytes) % 5;
	m.limit = bytes_u8(&play->bytes);
	send_message(play, p, &m, sizeof(m));
}

static void say_reattach(struct play *play, struct peer_end *p)
{
	struct wire_reattach m = { .header = wire_header_make(WIRE_REATTACH) };
	uint8_t which = bytes_u8(&play->bytes);

	m.nonce = which < 0x80 ? play->daemon->arenas[which & 1]->ledger->nonce : which;
	m.client_id = choose_id(play);
	send_message(play, p, &m, sizeof(m));
}

/* A good header, any type, and whatever follows. */
static void say_typed(struct play *play, struct peer_end *p)
{
	uint8_t text[300];
	struct wire_header header = wire_header_make(bytes_u8(&play->bytes));
	size_t size = sizeof(header) + bytes_u8(&play->bytes);

	memcpy(text, &header, sizeof(header));
	bytes_take(&play->bytes, text + sizeof(header), size - sizeof(header));
	send_message(play, p, text, size);
}

static void say_anything(struct play *play, struct peer_end *p)
{
	uint8_t text[600];
	size_t size = bytes_below(&play->bytes, sizeof(text));

	bytes_take(&play->bytes, text, size);
	send_message(play, p, text, size);
}

/* Locks on seats' bytes of an arena's file, and changes of its size, by whoever has it. */
static void spoil(struct play *play, struct peer_end *p)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	int fd = p->kept[bytes_u8(&play->bytes) % KEPT];
	uint8_t what = bytes_u8(&play->bytes);

	lock.l_start = bytes_u8(&play->bytes) % (OFFICE_SEATS + 2);
	if (fd < 0)
		return;
	if (what % 4 == 0)
		must(ftruncate(fd, lock.l_start) < 0, "the arena shrank");
	if (what % 4 == 1)
		lock.l_type = F_UNLCK;
	fcntl(fd, F_OFD_SETLK, &lock);
}

static void text_must_be_json(int fd, uint64_t bytes)
{
	char *text = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	json_error_t error;
	json_t *json;

	must(text != MAP_FAILED, "the answer cannot be read");
	json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
	must(json, "the answer is no JSON: %s", error.text);
	json_decref(json);
	munmap(text, bytes);
}

static void must_be_a_reply(struct play *play, struct peer_end *p, const struct wire_reply *reply,
	const int *fds, size_t n)
{
	struct stat st;

	must(reply->header.magic == WIRE_MAGIC && reply->header.version == WIRE_VERSION &&
			reply->header.type == WIRE_REPLY, "header");
	must(reply->status <= 0 && reply->status > -4096, "status %d", reply->status);
	must(reply->status == 0 || n == 0, "status %d and %zu descriptors", reply->status, n);
	must(n <= 2, "%zu descriptors", n);
	if (n == 2) {
		must(reply->client_id && fstat(fds[0], &st) == 0 &&
				(uint64_t)st.st_size == reply->arena_bytes, "arena");
		must(fstat(fds[1], &st) == 0 && (uint64_t)st.st_size == reply->board_bytes,
			"board");
		play->ids[play->n_ids++ % IDS] = reply->client_id;
		keep(p, fds[0]);
		close(fds[1]);
	} else if (n == 1) {
		text_must_be_json(fds[0], reply->board_bytes);
		close(fds[0]);
	}
}

static void receive(struct play *play, struct peer_end *p)
{
	struct wire_reply reply;
	struct iovec text = { &reply, sizeof(reply) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };
	struct cmsghdr *c;
	int fds[8];
	size_t n = 0;
	ssize_t r;

	message.msg_control = &control;
	message.msg_controllen = sizeof(control);
	r = p->fd < 0 ? 0 : recvmsg(p->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (r <= 0)
		return;
	must(r == sizeof(reply) && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)),
		"%zd bytes came", r);
	c = CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_type == SCM_RIGHTS) {
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	}
	must_be_a_reply(play, p, &reply, fds, n);
}

static void run_loop(struct play *play)
{
	unsigned i;

	for (i = 0; i < 100 && sd_event_run(play->daemon->event, 0) > 0; i++)
		;
}

static void let_a_second_pass(struct play *play)
{
	size_t i;

	for (i = 0; i < play->daemon->n_arenas; i++)
		arena_sample(play->daemon->arenas[i]);
	sessions_sweep(&play->daemon->sessions);
}

static void act(struct play *play)
{
	uint8_t what = bytes_u8(&play->bytes);
	struct peer_end *p = &play->peers[what >> 4 & (PEERS - 1)];
	static void (*const say[])(struct play *play, struct peer_end *p) = { say_attach,
		say_reattach, say_detach, say_query, say_typed, say_anything, spoil, receive };

	switch (what & 15) {
	case 8:
	case 9:
		run_loop(play);
		break;
	case 10:
		connect_peer(play, p);
		break;
	case 11:
		hang_up(p);
		break;
	case 12:
		drop_kept(p);
		break;
	case 13:
		disguise(play);
		break;
	case 14:
		let_a_second_pass(play);
		break;
	case 15:
		send_message(play, p, "", 0);
		break;
	default:
		say[what & 7](play, p);
		break;
	}
}

/* A trim that was killed may take its time to die on a machine that has much to do. */
static void sweep_patiently(struct arena *arena)
{
	unsigned tries;

	for (tries = 0; tries < 1000 && (reaper_sweep(arena), arena->seats.n_taken); tries++)
		usleep(10000);
}

static void all_must_go(struct play *play)
{
	struct daemon *daemon = play->daemon;
	unsigned i;

	for (i = 0; i < PEERS; i++) {
		run_loop(play);
		trim_stop(&daemon->trimmer, NULL); /* it has a copy of our ends, too */
		while (play->peers[i].fd >= 0 && recv(play->peers[i].fd, &(char){ 0 }, 1,
						      MSG_DONTWAIT) > 0)
			;
		hang_up(&play->peers[i]);
		drop_kept(&play->peers[i]);
	}
	run_loop(play);
	trim_stop(&daemon->trimmer, NULL);
	must(daemon->sessions.n == 0, "%u sessions are left", daemon->sessions.n);
	for (i = 0; i < daemon->n_arenas; i++) {
		sweep_patiently(daemon->arenas[i]);
		must(daemon->arenas[i]->seats.n_taken == 0, "%s: %u seats are left",
			daemon->arenas[i]->name, daemon->arenas[i]->seats.n_taken);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct office_descriptors before = office_descriptors(), after;
	struct play play = { .bytes = { data, data + size } };
	unsigned i, j;

	play.daemon = office_open();
	for (i = 0; i < PEERS; i++) {
		play.peers[i].fd = -1;
		for (j = 0; j < KEPT; j++)
			play.peers[i].kept[j] = -1;
	}
	connect_peer(&play, &play.peers[0]);
	while (bytes_left(&play.bytes))
		act(&play);
	all_must_go(&play);
	office_close(play.daemon);
	after = office_descriptors();
	must(memcmp(&before, &after, sizeof(before)) == 0, "descriptors were lost");
	return 0;
}
