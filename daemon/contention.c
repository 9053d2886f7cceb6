/* SPDX-License-Identifier: MIT */
/*
 * The maps, and the tables on the desk. Programs only look things up there, by linear probing of
 * TRACE_REACH places, so an entry may be put into any vacant one of them and taken out again; the
 * key is stored last, with release. The desk outlives the daemon, as thruster-probes does: the next
 * run goes on from it.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/contention.h"
#include "daemon/log.h"
#include "shm/atomics.h"

#define TEXT_BYTES_MAX ((uint64_t)1 << 20)
#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

static size_t whole_pages(size_t bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

void contention_init(struct contention *c, sd_event *event, struct arena *const *arenas,
	const size_t *n_arenas)
{
	c->event = event;
	c->arenas = arenas;
	c->n_arenas = n_arenas;
	c->events_fd = -1;
}

static void forget_maps(struct contention *c)
{
	c->source = sd_event_source_disable_unref(c->source);
	if (c->cells)
		munmap(c->cells, c->cells_bytes);
	if (c->desk)
		munmap(c->desk, whole_pages(sizeof(*c->desk)));
	if (c->ring_consumed)
		munmap(c->ring_consumed, PAGE);
	if (c->ring_produced)
		munmap(c->ring_produced, PAGE + 2 * TRACE_RING_BYTES);
	if (c->events_fd >= 0)
		close(c->events_fd);
	c->cells = NULL;
	c->desk = NULL;
	c->ring_consumed = c->ring_produced = NULL;
	c->events_fd = -1;
	memset(c->is_taken, 0, sizeof(c->is_taken));
}

void contention_fini(struct contention *c)
{
	forget_maps(c);
	json_decref(c->told);
	c->told = NULL;
	c->session = NULL;
}

static void take_classes(struct contention *c, const struct trace_arena *entry, bool is_taken)
{
	uint32_t i;

	for (i = 0; i < entry->n_classes && entry->first_class + i < c->n_class_cells; i++)
		c->is_taken[entry->first_class + i] = is_taken;
}

static void *map(int fd, size_t offset, size_t bytes, int protection)
{
	void *at = mmap(NULL, bytes, protection, MAP_SHARED, fd, (off_t)offset);

	return at == MAP_FAILED ? NULL : at;
}

static int on_event(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	contention_hear(userdata);
	return 0;
}

static uint32_t pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? (uint32_t)st.st_ino : 0;
}

/* 0 or -errno; then there are none. */
static int take_maps(struct contention *c, struct descriptors *given,
	const struct wire_probes *request)
{
	const int read_write = PROT_READ | PROT_WRITE;
	uint32_t i;
	int r;

	if (given->n < 4 || request->n_cpus < 1 || request->n_cpus > THR_CORES_MAX ||
		request->n_class_cells > CONTENTION_CLASSES_MAX)
		return -EINVAL;
	forget_maps(c);
	c->n_cpus = request->n_cpus;
	c->n_class_cells = request->n_class_cells;
	c->sees_pids = request->pid_namespace && request->pid_namespace == pid_namespace();
	c->cells_bytes = whole_pages((TRACE_SEATS + (size_t)c->n_class_cells * c->n_cpus) *
				     sizeof(struct trace_cell));
	c->events_fd = descriptors_take(given, 2);
	c->cells = map(given->fd[0], 0, c->cells_bytes, read_write);
	c->desk = map(given->fd[1], 0, whole_pages(sizeof(*c->desk)), read_write);
	c->ring_consumed = map(c->events_fd, 0, PAGE, read_write);
	c->ring_produced = map(c->events_fd, PAGE, PAGE + 2 * TRACE_RING_BYTES, PROT_READ);
	if (!c->cells || !c->desk || !c->ring_consumed || !c->ring_produced)
		r = -errno;
	else
		r = sd_event_add_io(c->event, &c->source, c->events_fd, EPOLLIN, on_event, c);
	if (r < 0) {
		forget_maps(c);
		return r;
	}
	c->ring = (const uint8_t *)c->ring_produced + PAGE;
	/* Before requests: somebody may wait for a dead client's leases. */
	sd_event_source_set_priority(c->source, SD_EVENT_PRIORITY_IMPORTANT);
	/* An earlier run of the daemon may have been here. */
	for (i = 0; i < TRACE_ARENAS; i++)
		if (c->desk->arenas[i].tag)
			take_classes(c, &c->desk->arenas[i], true);
	return 0;
}

/* What it says of itself, an object; else nothing changes. */
static int take_text(struct contention *c, int fd, uint64_t bytes)
{
	json_error_t error;
	json_t *told = NULL;
	struct stat st;
	void *text;

	if (fd < 0 || bytes < 1 || bytes > TEXT_BYTES_MAX || fstat(fd, &st) < 0 ||
		(uint64_t)st.st_size < bytes)
		return -EINVAL;
	text = map(fd, 0, bytes, PROT_READ);
	if (!text)
		return -errno;
	told = json_loadb(text, bytes, 0, &error);
	munmap(text, bytes);
	if (!json_is_object(told)) {
		json_decref(told);
		return -EINVAL;
	}
	json_decref(c->told);
	c->told = told;
	return 0;
}

static void reply(struct session *session, int status)
{
	struct wire_reply reply = { .header = wire_header_make(WIRE_REPLY), .status = status };

	session_reply(session, &reply, NULL, 0);
}

static int hello(struct contention *c, struct session *session)
{
	if (!session->peer.sees_all)
		return -EACCES;
	if (c->is_disabled)
		return -EOPNOTSUPP;
	if (c->session || session_client(session))
		return -EBUSY;
	c->session = session;
	session_accept_fds(session);
	return 0;
}

void contention_answer(
	struct contention *c, struct session *session, const struct wire_probes *request)
{
	int r = -EINVAL;

	if (request->step == WIRE_PROBES_HELLO) {
		reply(session, hello(c, session));
		return;
	}
	if (session == c->session && request->step == WIRE_PROBES_MAPS)
		r = take_maps(c, &session->given, request);
	else if (session == c->session && request->step == WIRE_PROBES_TEXT)
		r = 0;
	if (r == 0)
		r = take_text(c, session->given.n ? session->given.fd[session->given.n - 1] : -1,
			request->text_bytes);
	if (r < 0) {
		session_violation(session, "sent probes that are none");
		return;
	}
	if (request->step == WIRE_PROBES_MAPS) {
		contention_sweep(c);
		log_notice("contention is traced (pid %d)", (int)session->peer.pid);
	}
}

void contention_end(struct contention *c, const struct session *session)
{
	if (!c->session || session != c->session)
		return;
	c->session = NULL;
	log_notice("contention is traced no more: thruster-probes (pid %d) is gone",
		(int)session->peer.pid);
}

void contention_configure(struct contention *c, bool is_disabled)
{
	c->is_disabled = is_disabled;
	if (is_disabled && c->session)
		session_violation(c->session, "traces, which the configuration forbids now");
}

struct arena *contention_arena(const struct contention *c, uint32_t tag)
{
	size_t i;

	for (i = 0; i < *c->n_arenas; i++)
		if (view_tag(c->arenas[i]->ledger->nonce) == tag)
			return c->arenas[i];
	return NULL;
}

uint32_t contention_arena_place(const struct contention *c, const struct arena *arena)
{
	uint32_t tag = view_tag(arena->ledger->nonce), i, place;

	for (i = 0; i < TRACE_REACH; i++) {
		place = (tag + i) % TRACE_ARENAS;
		if (c->desk->arenas[place].tag == tag)
			return place;
	}
	return TRACE_ARENAS;
}

/* So many class cells in a row that are nobody's, or n_class_cells. */
static uint32_t find_classes(const struct contention *c, uint32_t n)
{
	uint32_t first, row = 0;

	for (first = 0; first < c->n_class_cells; first++) {
		row = c->is_taken[first] ? 0 : row + 1;
		if (row == n)
			return first + 1 - n;
	}
	return c->n_class_cells;
}

static void enter_arena(struct contention *c, const struct arena *arena)
{
	uint32_t tag = view_tag(arena->ledger->nonce), i, place;
	uint32_t first = find_classes(c, arena->geometry.classes);
	struct trace_arena *entry = NULL;

	if (contention_arena_place(c, arena) < TRACE_ARENAS)
		return;
	for (i = 0; i < TRACE_REACH && !entry; i++) {
		place = (tag + i) % TRACE_ARENAS;
		if (c->desk->arenas[place].tag == 0)
			entry = &c->desk->arenas[place];
	}
	if (!tag || !entry || first == c->n_class_cells) {
		c->untracked++;
		return;
	}
	memset(&c->cells[TRACE_SEATS + first * c->n_cpus], 0,
		(size_t)arena->geometry.classes * c->n_cpus * sizeof(struct trace_cell));
	entry->first_class = first;
	entry->n_classes = arena->geometry.classes;
	entry->id = arena->id;
	take_classes(c, entry, true);
	store_release(&entry->tag, tag);
}

static void remove_gone_arenas(struct contention *c)
{
	uint32_t place, i;

	for (place = 0; place < TRACE_ARENAS; place++) {
		struct trace_arena *entry = &c->desk->arenas[place];

		if (!entry->tag || contention_arena(c, entry->tag))
			continue;
		take_classes(c, entry, false);
		store_release(&entry->tag, 0);
		for (i = 0; i < TRACE_STEALS; i++)
			if (c->desk->steals[i].key >> 32 == place + 1)
				store_relaxed(&c->desk->steals[i].segments, 0);
	}
}

static uint64_t seat_key(const struct arena *arena, struct seat_id seat)
{
	return trace_seat_key(view_tag(arena->ledger->nonce), seat.n);
}

uint32_t contention_place(const struct contention *c, const struct arena *arena,
	struct seat_id seat)
{
	uint64_t key = seat_key(arena, seat);
	uint32_t i, place;

	for (i = 0; i < TRACE_REACH; i++) {
		place = (trace_hash_seat(key) + i) % TRACE_SEATS;
		if (c->desk->seats[place].key == key)
			return place;
	}
	return TRACE_SEATS;
}

/* Processes in whose name nobody can touch an arena before it is torn down: where to look. */
static void enter_process(struct contention *c, const struct client *client)
{
	struct trace_process *vacant = NULL;
	uint32_t tag = view_tag(client->arena->ledger->nonce), i;
	struct stat st;

	if (!c->sees_pids || client->pid <= 0 || client->is_daemon ||
		fstat(client->arena->fds.pages, &st) < 0)
		return;
	for (i = 0; i < TRACE_REACH; i++) {
		struct trace_process *p =
			&c->desk->processes[(trace_hash_pid((uint32_t)client->pid) + i) %
					    TRACE_PROCESSES];

		if (p->pid == (uint32_t)client->pid && p->tag == tag && p->seat == client->seat.n)
			return;
		if (!p->pid && !vacant)
			vacant = p;
	}
	if (!vacant)
		return;
	vacant->tag = tag;
	vacant->seat = client->seat.n;
	vacant->inode = st.st_ino;
	store_release(&vacant->pid, (uint32_t)client->pid);
}

void contention_enter(struct contention *c, const struct client *client)
{
	uint64_t key = seat_key(client->arena, client->seat);
	uint32_t place, i;

	if (!c->desk || contention_arena_place(c, client->arena) == TRACE_ARENAS)
		return;
	place = contention_place(c, client->arena, client->seat);
	for (i = 0; i < TRACE_REACH && place == TRACE_SEATS; i++)
		if (!c->desk->seats[(trace_hash_seat(key) + i) % TRACE_SEATS].key)
			place = (trace_hash_seat(key) + i) % TRACE_SEATS;
	if (place == TRACE_SEATS) {
		c->untracked++;
		return;
	}
	if (c->desk->seats[place].client != client->id.n || c->desk->seats[place].key != key) {
		memset(&c->cells[place], 0, sizeof(struct trace_cell));
		c->desk->seats[place].client = client->id.n;
		c->desk->seats[place].address = 0;
		store_release(&c->desk->seats[place].key, key);
	}
	/* Who attached before there was a probe to tell it. */
	if (!c->desk->seats[place].address)
		c->desk->seats[place].address =
			load_relaxed(&client->arena->view.seats[client->seat.n].mapped_at);
	enter_process(c, client);
}

static const struct client *client_of(const struct contention *c, uint32_t tag, uint64_t seat)
{
	const struct arena *arena = contention_arena(c, tag);

	if (!arena || seat < 1 || seat > arena->seats.n || !arena->seats.clients[seat].id.n)
		return NULL;
	return &arena->seats.clients[seat];
}

static void remove_gone_clients(struct contention *c)
{
	const struct client *client;
	uint32_t place;

	for (place = 0; place < TRACE_SEATS; place++) {
		uint64_t key = c->desk->seats[place].key;

		client = key ? client_of(c, (uint32_t)(key >> 32), (uint32_t)key) : NULL;
		if (!key || (client && client->id.n == c->desk->seats[place].client))
			continue;
		store_release(&c->desk->seats[place].key, 0);
	}
	for (place = 0; place < TRACE_PROCESSES; place++) {
		struct trace_process *p = &c->desk->processes[place];

		client = p->pid ? client_of(c, p->tag, p->seat) : NULL;
		if (p->pid && (!client || (uint32_t)client->pid != p->pid))
			store_release(&p->pid, 0);
	}
}

void contention_sweep(struct contention *c)
{
	struct client *client;
	size_t i;

	if (!c->desk)
		return;
	c->untracked = 0;
	remove_gone_arenas(c);
	remove_gone_clients(c);
	for (i = 0; i < *c->n_arenas; i++) {
		enter_arena(c, c->arenas[i]);
		client = NULL;
		while ((client = seats_next(&c->arenas[i]->seats, client)))
			contention_enter(c, client);
	}
	contention_hear(c);
}
