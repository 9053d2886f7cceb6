/* SPDX-License-Identifier: MIT */
/* The rooms of a daemon, wired for one input. */

#include <poll.h>
#include "daemon/log.h"
#include "daemon/requests.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/office.h"

#define SESSIONS_MAX 5

/* Few slots, but of every kind: claimed by cores and openly, the last segment short. */
static const struct thr_class_spec victim[] = { { 64, 3 * 64 + 5, 0 }, { 256, 9, 0 } };
static const struct thr_class_spec neighbour[] = { { 64, 2, 0 } };

/* Instead of memory_check(), which reads half of /proc: there is enough for these. */
int __wrap_memory_check(uint64_t bytes, char why[MEMORY_WHY_MAX]);
int __wrap_memory_check(uint64_t bytes, char why[MEMORY_WHY_MAX])
{
	(void)bytes;
	(void)why;
	return 0;
}

/* Whose the next connections are. */
static uid_t next_uid;
static gid_t next_gid;

void office_disguise(uid_t uid, gid_t gid)
{
	next_uid = uid;
	next_gid = gid;
}

/* As peer_init(), but for who it is. */
int __real_peer_init(struct peer *ret, int socket);
int __wrap_peer_init(struct peer *ret, int socket);
int __wrap_peer_init(struct peer *ret, int socket)
{
	int r = __real_peer_init(ret, socket);

	if (r == 0) {
		ret->uid = next_uid;
		ret->gid = next_gid;
		ret->n_groups = 0;
	}
	return r;
}

static void configure(struct config_arena *ret, const char *name,
	const struct thr_class_spec *specs, uint32_t n)
{
	*ret = (struct config_arena){
		.max_clients = OFFICE_SEATS,
		.undelivered_grace_ms = 500,
		.access = { .users = { 0, 1 }, .n_users = 2, .groups = { 7 }, .n_groups = 1 },
		.n_classes = n,
	};
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	memcpy(ret->classes, specs, n * sizeof(*specs));
	must(thr_geometry_init(&ret->geometry, OFFICE_CORES, OFFICE_SEATS, specs, n) == 0,
		"geometry");
}

struct config *office_config(void)
{
	struct config *config = calloc(1, sizeof(*config));

	must(config, "memory");
	config->n_arenas = 2;
	configure(&config->arenas[OFFICE_VICTIM], "victim", victim, 2);
	configure(&config->arenas[OFFICE_NEIGHBOUR], "neighbour", neighbour, 1);
	return config;
}

/* With a state and an event loop, and no arenas. */
struct daemon *office_found(struct state *state)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));

	must(daemon && sd_event_new(&daemon->event) >= 0, "memory");
	daemon->state = state;
	daemon->listener.fd = -1;
	log_set_level(LOG_EMERG); /* what the daemon says is no finding */
	office_disguise(geteuid(), getegid());
	reaper_init(&daemon->reaper, daemon->event);
	daemon->sessions = (struct sessions){
		.event = daemon->event,
		.n_max = SESSIONS_MAX,
		.on_request = requests_answer,
		.on_end = requests_end,
		.userdata = daemon,
		.users = { .arenas = daemon->arenas, .n_arenas = &daemon->n_arenas },
	};
	daemon->config = office_config();
	return daemon;
}

struct daemon *office_open(void)
{
	struct state *state = calloc(1, sizeof(*state));
	struct daemon *daemon;
	char why[MEMORY_WHY_MAX];
	size_t i;

	must(state, "memory");
	state->next_id = 1;
	daemon = office_found(state);
	for (i = 0; i < daemon->config->n_arenas; i++)
		must(arena_new(&daemon->arenas[daemon->n_arenas++], &daemon->config->arenas[i],
			     state, why) == 0, "%s", why);
	return daemon;
}

/* All but the state. */
void office_dissolve(struct daemon *daemon)
{
	size_t i;

	sessions_fini(&daemon->sessions);
	reaper_fini(&daemon->reaper);
	for (i = 0; i < daemon->n_arenas; i++)
		arena_free(daemon->arenas[i]);
	aside_fini(&daemon->aside);
	sd_event_unref(daemon->event);
	free(daemon->config);
	free(daemon);
}

void office_close(struct daemon *daemon)
{
	struct state *state = daemon->state;

	office_dissolve(daemon);
	free(state);
}

/* One call for all: poll() says which are not open. */
struct office_descriptors office_descriptors(void)
{
	struct office_descriptors found = { 0 };
	struct pollfd fds[OFFICE_DESCRIPTORS];
	unsigned fd;

	for (fd = 0; fd < OFFICE_DESCRIPTORS; fd++)
		fds[fd] = (struct pollfd){ .fd = (int)fd };
	must(poll(fds, OFFICE_DESCRIPTORS, 0) >= 0, "poll");
	for (fd = 0; fd < OFFICE_DESCRIPTORS; fd++)
		found.is_open[fd] = !(fds[fd].revents & POLLNVAL);
	return found;
}
