/* SPDX-License-Identifier: MIT */
/*
 * The connection with thruster-probes, and the maps that it gives. It is root, or our own user, and
 * what it says is believed; that sizes are what they should be is seen to all the same.
 */

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/contention.h"
#include "daemon/log.h"

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
	else /* once for each exit: figures, which may come without end, keep nobody waiting */
		r = sd_event_add_io(c->event, &c->source, c->events_fd, EPOLLIN | EPOLLET,
			on_event, c);
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
			contention_take_classes(c, &c->desk->arenas[i], true);
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
	if (!peer_is_operator(&session->peer)) /* admins only see */
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
	reply(session, 0);
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
