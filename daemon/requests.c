/* SPDX-License-Identifier: MIT */
/* Attach, detach, query. Every request gets one reply. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/cleanup.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/quota.h"
#include "daemon/requests.h"
#include "daemon/stats.h"

static void reply_status(struct session *session, int status)
{
	struct wire_reply reply = { .header = wire_header_make(WIRE_REPLY), .status = status };

	session_reply(session, &reply, NULL, 0);
}

static int seat(struct daemon *daemon, struct session *session, const struct wire_attach *request,
	struct client **ret_client, int *ret_fd)
{
	struct arena *arena;
	int r;

	if (session_client(session))
		return -EALREADY;
	if (!memchr(request->arena, 0, sizeof(request->arena)) ||
		!memchr(request->label, 0, sizeof(request->label)))
		return -EINVAL;
	arena = daemon_find_arena(daemon, request->arena);
	if (!arena)
		return -ENOENT;
	r = arena_seat(arena, &session->peer, request->label, ret_client, ret_fd);
	/* Full: perhaps of clients whose death was not yet noticed. */
	if (r == -EUSERS && reaper_sweep(arena))
		r = arena_seat(arena, &session->peer, request->label, ret_client, ret_fd);
	/* Or because we sit there ourselves. */
	if (r == -EUSERS && trim_stop(&daemon->trimmer, arena))
		r = arena_seat(arena, &session->peer, request->label, ret_client, ret_fd);
	return r;
}

static const char *why_refused(int r)
{
	switch (r) {
	case -ENOENT:
		return "there is no such arena";
	case -EACCES:
		return "its \"allow\" names neither the user nor a group of his";
	case -EUSERS:
		return "it has as many clients as it may have (max_clients)";
	case -EALREADY:
		return "the connection has attached already";
	default:
		return strerror(-r);
	}
}

static void tell_refused(const struct peer *peer, const struct wire_attach *request, int r)
{
	const char *why = why_refused(r);

	if (!log_limit_allows_user(peer->uid, "clients that were refused"))
		return;
	log_event(EVENT_CLIENT_REFUSED,
		&(struct log_fields){
			.cause = why,
			.client_pid = peer->pid,
			.has_uid = true,
			.client_uid = peer->uid,
		},
		"pid %d, uid %u: arena \"%.63s\" refused: %s", (int)peer->pid,
		(unsigned)peer->uid, request->arena, why);
}

static void answer_attach(struct daemon *daemon, struct session *session,
	const struct wire_attach *request)
{
	struct wire_reply reply = { .header = wire_header_make(WIRE_REPLY) };
	_cleanup_(close_fd) int fd = -1;
	struct client *client = NULL;
	_cleanup_(close_fd) int board = -1;
	int r, fds[2], pidfd;

	r = seat(daemon, session, request, &client, &fd);
	if (r < 0) {
		tell_refused(&session->peer, request, r);
		reply_status(session, r);
		return;
	}
	board = arena_open_board(client->arena);
	pidfd = session->peer.pidfd;
	session->peer.pidfd = -1;
	r = reaper_watch(&daemon->reaper, client, pidfd);
	if (r == 0 && board < 0)
		r = board;
	if (r < 0) {
		log_warning("cannot watch a client: %s", strerror(-r));
		client->is_leaving = true;
		arena_unseat(client->arena, client);
		reply_status(session, r);
		return;
	}
	session_bind(session, client);
	contention_enter(&daemon->contention, client);
	log_debug("%s: client %u is pid %d, uid %u, %s", client->arena->name, client->id.n,
		(int)client->pid, (unsigned)client->uid, client->label);
	reply.client_id = client->id.n;
	reply.arena_bytes = client->arena->geometry.arena_bytes;
	reply.board_bytes = client->arena->geometry.board_bytes;
	fds[0] = fd;
	fds[1] = board;
	session_reply(session, &reply, fds, 2);
}

/* The client of an arena that has this nonce, be it retired. */
static struct client *find_client(struct daemon *daemon, uint64_t nonce, struct client_id id)
{
	struct seat_id seat = client_id_seat(id);
	size_t i;

	for (i = 0; i < daemon->n_arenas; i++) {
		const struct arena *a = daemon->arenas[i];

		if (a->ledger->nonce == nonce && seat.n >= 1 && seat.n <= a->seats.n &&
			id.n != 0 && a->seats.clients[seat.n].id.n == id.n)
			return &a->seats.clients[seat.n];
	}
	return NULL;
}

/*
 * Nothing is given away here: the connection only becomes one whose end makes the reaper look. All
 * the same nobody may speak for another.
 */
static void take_reattach(struct daemon *daemon, struct session *session,
	const struct wire_reattach *request)
{
	struct client *client =
		find_client(daemon, request->nonce, (struct client_id){ request->client_id });
	int pidfd = session->peer.pidfd;

	if (!client || session_client(session) || client->uid != session->peer.uid ||
		client->pid != session->peer.pid) {
		session_violation(session, "claims to be a client that it is not");
		return;
	}
	session->peer.pidfd = -1;
	if (reaper_rewatch(&daemon->reaper, client, pidfd) < 0)
		log_warning("cannot watch a client; its end will be seen late");
	session_bind(session, client);
	log_debug("%s: client %u (pid %d, %s) has connected anew", client->arena->name,
		client->id.n, (int)client->pid, client->label);
}

static void answer_detach(struct session *session)
{
	struct client *client = session_client(session);
	/* None any more: the sweep was faster than the message. */
	int r = client ? reaper_dismiss(client) : 0;

	if (r == 0)
		session_unbind(session);
	reply_status(session, r);
}

/* One arena by its id, or with 0 all of them. */
static void trim(struct daemon *daemon, uint32_t id)
{
	size_t i;

	for (i = 0; i < daemon->n_arenas; i++)
		if (id == 0 || daemon->arenas[i]->id == id)
			trim_ask(daemon->arenas[i]);
	trim_sweep(&daemon->trimmer, daemon->arenas, daemon->n_arenas);
}

static int query(struct daemon *daemon, struct session *session, const struct wire_query *request,
	char **ret_text)
{
	size_t i;

	for (i = 0; i < daemon->n_arenas; i++)
		if (request->question != WIRE_QUESTION_CHECK &&
			request->question != WIRE_QUESTION_PROCESSES &&
			stats_may_see(daemon->arenas[i], &session->peer)) {
			arena_sample(daemon->arenas[i]);
			quota_watch(daemon->arenas[i]);
		}
	trim_sweep(&daemon->trimmer, daemon->arenas, daemon->n_arenas);
	contention_hear(&daemon->contention);
	switch (request->question) {
	case WIRE_QUESTION_TRIM:
		if (!session->peer.sees_all)
			return -EACCES;
		trim(daemon, request->limit);
		return stats_text(daemon, &session->peer, ret_text);
	case WIRE_QUESTION_STATS:
		return stats_text(daemon, &session->peer, ret_text);
	case WIRE_QUESTION_LEASES:
		return stats_leases_text(daemon, &session->peer, request->limit, ret_text);
	case WIRE_QUESTION_PROCESSES:
		return session->peer.sees_all ? stats_processes_text(daemon, ret_text) : -EACCES;
	case WIRE_QUESTION_CHECK:
		return stats_check_text(daemon, &session->peer, ret_text);
	default:
		return -EPROTO;
	}
}

static void answer_query(struct daemon *daemon, struct session *session,
	const struct wire_query *request)
{
	struct wire_reply reply = { .header = wire_header_make(WIRE_REPLY) };
	_cleanup_(free_memory) char *text = NULL;
	_cleanup_(close_fd) int fd = -1;
	int r;

	r = query(daemon, session, request, &text);
	if (r == -EPROTO) {
		session_violation(session, "asked an unknown question");
		return;
	}
	if (r == 0)
		fd = r = memory_new_text("thruster-answer", text, strlen(text));
	if (r < 0) {
		reply_status(session, r);
		return;
	}
	reply.board_bytes = strlen(text);
	session_reply(session, &reply, &fd, 1);
}

void requests_answer(struct session *session, const union wire_request *request, void *userdata)
{
	switch (request->header.type) {
	case WIRE_ATTACH:
		answer_attach(userdata, session, &request->attach);
		break;
	case WIRE_REATTACH:
		take_reattach(userdata, session, &request->reattach);
		break;
	case WIRE_DETACH:
		answer_detach(session);
		break;
	case WIRE_QUERY:
		answer_query(userdata, session, &request->query);
		break;
	case WIRE_PROBES:
		contention_answer(&((struct daemon *)userdata)->contention, session,
			&request->probes);
		break;
	}
}

void requests_end(struct session *session, void *userdata)
{
	struct client *client = session_client(session);

	contention_end(&((struct daemon *)userdata)->contention, session);
	if (client)
		reaper_suspect(client);
}
