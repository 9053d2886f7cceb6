/* SPDX-License-Identifier: MIT */
/* Wiring, the loop, its signals, and what happens in it once a second. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include "daemon/adopt.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/quota.h"
#include "daemon/requests.h"

#define SAMPLE_US 1000000u
#define SAMPLES_AN_AUDIT 30u
#define FDS_A_SESSION 2u /* the socket and the pidfd */
#define FDS_AN_ARENA 4u
#define FDS_RESERVED 128u

/* One line for `systemctl status`. */
static void tell_status(const struct daemon *daemon)
{
	uint64_t leased = 0, slots = 0;
	unsigned clients = 0, retired = 0;
	uint32_t j;
	size_t i;

	for (i = 0; i < daemon->n_arenas; i++) {
		const struct arena *a = daemon->arenas[i];

		clients += a->seats.n_taken;
		retired += a->is_retired;
		for (j = 0; j < a->geometry.classes; j++) {
			leased += a->census.class_[j].figures.leased;
			slots += a->geometry.class_[j].slots;
		}
	}
	sd_notifyf(0, "STATUS=Run %llu: %zu arenas (%u retired%s), %u clients, %llu of %llu slots "
		      "leased.",
		(unsigned long long)daemon->state->runs, daemon->n_arenas, retired,
		daemon->aside ? ", others set aside" : "", clients, (unsigned long long)leased,
		(unsigned long long)slots);
}

/* One arena every so often, in turn: a rule that is broken is to be known before somebody asks. */
static void audit(struct daemon *daemon)
{
	struct thr_verdict verdict;
	struct arena *arena;

	if (!daemon->n_arenas || ++daemon->samples_since_audit < SAMPLES_AN_AUDIT)
		return;
	daemon->samples_since_audit = 0;
	arena = daemon->arenas[daemon->audit_next++ % daemon->n_arenas];
	verdict = arena_judge(arena);
	if (verdict.rule != THR_RULE_NONE && !arena->is_told_of_fault) {
		log_warning("arena %s (%u): a rule does not hold: %s; \"thrusterctl check\" "
			    "says more",
			arena->name, arena->id, thr_rule_text(verdict.rule));
		arena->is_told_of_fault = true;
	}
}

/*
 * The watchdog is fed here and nowhere else: when the loop has come round and each arena was walked
 * to its end.
 */
static int on_sample(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;
	size_t i;

	(void)usec;
	trim_sweep(&daemon->trimmer, daemon->arenas, daemon->n_arenas);
	for (i = 0; i < daemon->n_arenas; i++) {
		reaper_sweep(daemon->arenas[i]);
		arena_sample(daemon->arenas[i]);
		quota_watch(daemon->arenas[i]);
		trim_watch(daemon->arenas[i]);
	}
	trim_sweep(&daemon->trimmer, daemon->arenas, daemon->n_arenas);
	audit(daemon);
	adopt_sweep(daemon);
	contention_sweep(&daemon->contention);
	sessions_sweep(&daemon->sessions);
	daemon->state->refused_total = daemon->sessions.refused_total;
	daemon->state->violations_total = daemon->sessions.violations_total;
	daemon->state->alive_ns = clock_monotonic_ns();
	tell_status(daemon);
	if (daemon->watchdog_usec)
		sd_notify(0, "WATCHDOG=1");
	return sd_event_source_set_time_relative(source, SAMPLE_US);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	daemon_reload(userdata);
	return 0;
}

static int daemon_add_signals(struct daemon *daemon)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	r = sd_event_add_signal(daemon->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGHUP, on_hangup, daemon);
	return r;
}

static int daemon_add_sampler(struct daemon *daemon)
{
	int r = sd_event_add_time_relative(daemon->event, &daemon->sampler, CLOCK_MONOTONIC,
		SAMPLE_US, SAMPLE_US / 10, on_sample, daemon);

	return r < 0 ? r : sd_event_source_set_enabled(daemon->sampler, SD_EVENT_ON);
}

int daemon_add_arena(struct daemon *daemon, struct arena *arena)
{
	if (daemon->n_arenas == ARENAS_MAX)
		return -ENOSPC;
	daemon->arenas[daemon->n_arenas++] = arena;
	return 0;
}

static void tell_created(struct arena *arena)
{
	if (!arena->is_told)
		log_event(EVENT_ARENA_CREATED, &(struct log_fields){ .arena = arena->name },
			"arena %s: new, %llu bytes, at most %u clients", arena->name,
			(unsigned long long)arena->geometry.arena_bytes, arena->seats.n_max);
	arena->is_told = true;
}

/* So many sessions we have descriptors for. */
static unsigned room_for_sessions(const struct daemon *daemon)
{
	size_t kept = FDS_RESERVED + daemon->n_arenas * FDS_AN_ARENA;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < kept + FDS_A_SESSION)
		return 1;
	limit.rlim_cur = (limit.rlim_cur - kept) / FDS_A_SESSION;
	return limit.rlim_cur < UINT32_MAX ? (unsigned)limit.rlim_cur : UINT32_MAX;
}

void daemon_apply_limits(struct daemon *daemon)
{
	size_t i;

	log_set_level(daemon->level_floor ? daemon->level_floor : daemon->config->log_level);
	daemon->sessions.n_max = room_for_sessions(daemon);
	daemon->sessions.users.arenas = daemon->arenas;
	daemon->sessions.users.n_arenas = &daemon->n_arenas;
	daemon->sessions.users.admins = daemon->config->admins;
	daemon->sessions.users.max_per_user = daemon->config->max_connections_per_user;
	contention_configure(&daemon->contention, daemon->config->is_untraced);
	for (i = 0; i < daemon->n_arenas; i++) {
		arena_announce(daemon->arenas[i], daemon->state->runs);
		tell_created(daemon->arenas[i]);
	}
}

/* Two descriptors a client; the soft limit is for programs that still use select(). */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void on_connection(int fd, void *userdata)
{
	sessions_add(userdata, fd);
}

/* The parts that need nothing of the arenas. */
static int daemon_init_loop(struct daemon *daemon)
{
	int r;

	raise_descriptor_limit();
	daemon->started_realtime_ns = clock_realtime_ns();
	daemon->listener.fd = -1;
	sd_watchdog_enabled(0, &daemon->watchdog_usec);
	r = sd_event_default(&daemon->event);
	if (r >= 0)
		r = daemon_add_sampler(daemon);
	if (r < 0) {
		log_error("cannot set up the event loop: %s", strerror(-r));
		return r;
	}
	reaper_init(&daemon->reaper, daemon->event);
	contention_init(&daemon->contention, daemon->event, daemon->arenas, &daemon->n_arenas);
	return 0;
}

static int daemon_init_state(struct daemon *daemon, struct store *store)
{
	int r = state_open(&daemon->state, store);

	if (r < 0) {
		log_error("cannot make memory for the state: %s", strerror(-r));
		return r;
	}
	daemon->sessions = (struct sessions){
		.event = daemon->event,
		.refused_total = daemon->state->refused_total,
		.violations_total = daemon->state->violations_total,
		.on_request = requests_answer,
		.on_end = requests_end,
		.userdata = daemon,
	};
	return adopt_arenas(daemon, store, daemon->config);
}

static int daemon_init(
	struct daemon *daemon, const struct daemon_options *options, struct store *store)
{
	char why[MEMORY_WHY_MAX];
	int r;

	r = daemon_init_loop(daemon);
	if (r == 0)
		r = daemon_init_state(daemon, store);
	if (r < 0)
		return r;
	r = visitor_start(&daemon->visitor, daemon->arenas, daemon->n_arenas);
	if (r < 0) {
		log_error("cannot start a thread: %s", strerror(-r));
		return r;
	}
	/* Only now: until the memory is there, which may take long, a signal just ends us. */
	r = daemon_add_signals(daemon);
	if (r < 0) {
		log_error("cannot handle signals: %s", strerror(-r));
		return r;
	}
	r = listener_init(&daemon->listener, daemon->event, store_take_listener(store),
		options->socket_path, on_connection, &daemon->sessions, why);
	if (r < 0)
		log_error("%s", why);
	return r;
}

int daemon_new(struct daemon **ret, struct config *config, const struct daemon_options *options)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	struct store store = { 0 };
	int r = -ENOMEM;

	if (daemon) {
		daemon->config = config;
		daemon->config_path = options->config_path;
		daemon->config_path_later = options->config_path_later;
		daemon->level_floor = options->is_verbose ? LOG_DEBUG : 0;
		log_set_level(daemon->level_floor ? daemon->level_floor : config->log_level);
		r = store_init(&store);
	} else {
		free(config);
	}
	if (r < 0)
		log_error("cannot begin: %s", strerror(-r));
	else
		r = daemon_init(daemon, options, &store);
	if (r < 0) {
		daemon_free(daemon);
		return r;
	}
	store_fini(&store);
	/* All is kept before anybody may come. */
	store_settle();
	daemon_apply_limits(daemon);
	*ret = daemon;
	return 0;
}

void daemon_free(struct daemon *daemon)
{
	size_t i;

	if (!daemon)
		return;
	if (daemon->event)
		listener_fini(&daemon->listener);
	visitor_stop(&daemon->visitor);
	trim_stop(&daemon->trimmer, NULL);
	sessions_fini(&daemon->sessions);
	contention_fini(&daemon->contention);
	reaper_fini(&daemon->reaper);
	for (i = 0; i < daemon->n_arenas; i++)
		arena_free(daemon->arenas[i]);
	aside_fini(&daemon->aside);
	sd_event_source_disable_unref(daemon->sampler);
	sd_event_unref(daemon->event);
	free(daemon->config);
	free(daemon);
}

int daemon_run(struct daemon *daemon)
{
	int r;

	log_notice("thrusterd %s is ready at %s", THRUSTER_VERSION, daemon->listener.path);
	sd_notify(0, "READY=1");
	tell_status(daemon);
	r = sd_event_loop(daemon->event);
	sd_notify(0, "STOPPING=1");
	if (r < 0)
		log_error("the event loop failed: %s", strerror(-r));
	else
		log_notice("stopping");
	return r < 0 ? r : 0;
}

struct arena *daemon_find_arena(struct daemon *daemon, const char *name)
{
	size_t i;

	for (i = 0; i < daemon->n_arenas; i++)
		if (!daemon->arenas[i]->is_retired && strcmp(daemon->arenas[i]->name, name) == 0)
			return daemon->arenas[i];
	return NULL;
}
