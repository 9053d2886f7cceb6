/* SPDX-License-Identifier: MIT */
/* Wiring, the loop, and the two signals that end it. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/requests.h"

#define SAMPLE_US 1000000u
#define SESSIONS_BESIDE_CLIENTS 256u

static int on_sample(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;
	size_t i;

	(void)usec;
	for (i = 0; i < daemon->n_arenas; i++)
		arena_sample(daemon->arenas[i]);
	sessions_sweep(&daemon->sessions);
	return sd_event_source_set_time_relative(source, SAMPLE_US);
}

static int daemon_add_signals(struct daemon *daemon)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	r = sd_event_add_signal(daemon->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGINT, NULL, NULL);
	return r;
}

static int daemon_add_sampler(struct daemon *daemon)
{
	int r = sd_event_add_time_relative(daemon->event, &daemon->sampler, CLOCK_MONOTONIC,
		SAMPLE_US, SAMPLE_US / 10, on_sample, daemon);

	return r < 0 ? r : sd_event_source_set_enabled(daemon->sampler, SD_EVENT_ON);
}

static int daemon_add_arenas(struct daemon *daemon, const struct config *config)
{
	char why[MEMORY_WHY_MAX];
	unsigned long long bytes;
	size_t i;
	int r;

	for (i = 0; i < config->n_arenas; i++) {
		bytes = config->arenas[i].geometry.arena_bytes;
		log_debug("%s: allocating %llu bytes", config->arenas[i].name, bytes);
		r = arena_new(&daemon->arenas[i], &config->arenas[i], why);
		if (r < 0) {
			log_error("arena %s needs %llu bytes and cannot be had: %s",
				config->arenas[i].name, bytes, why);
			return r;
		}
		daemon->n_arenas++;
		arena_sample(daemon->arenas[i]);
		daemon->sessions.n_max += config->arenas[i].max_clients;
	}
	daemon->sessions.n_max += SESSIONS_BESIDE_CLIENTS;
	return 0;
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

static int daemon_init(struct daemon *daemon, const struct config *config, const char *socket_path)
{
	char why[MEMORY_WHY_MAX];
	int r;

	raise_descriptor_limit();
	daemon->started_realtime_ns = clock_realtime_ns();
	daemon->listener.fd = -1;
	r = sd_event_default(&daemon->event);
	if (r >= 0)
		r = daemon_add_sampler(daemon);
	if (r < 0) {
		log_error("cannot set up the event loop: %s", strerror(-r));
		return r;
	}
	reaper_init(&daemon->reaper, daemon->event);
	daemon->sessions = (struct sessions){
		.event = daemon->event,
		.on_request = requests_answer,
		.on_end = requests_end,
		.userdata = daemon,
	};
	r = daemon_add_arenas(daemon, config);
	if (r < 0)
		return r;
	/* Only now: until the memory is there, which may take long, a signal just ends us. */
	r = daemon_add_signals(daemon);
	if (r < 0) {
		log_error("cannot handle signals: %s", strerror(-r));
		return r;
	}
	r = listener_init(&daemon->listener, daemon->event, socket_path, on_connection,
		&daemon->sessions, why);
	if (r < 0)
		log_error("%s", why);
	return r;
}

int daemon_new(struct daemon **ret, const struct config *config, const char *socket_path)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	int r;

	if (!daemon) {
		log_error("out of memory");
		return -ENOMEM;
	}
	r = daemon_init(daemon, config, socket_path);
	if (r < 0) {
		daemon_free(daemon);
		return r;
	}
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
	sessions_fini(&daemon->sessions);
	reaper_fini(&daemon->reaper);
	for (i = 0; i < daemon->n_arenas; i++)
		arena_free(daemon->arenas[i]);
	sd_event_source_disable_unref(daemon->sampler);
	sd_event_unref(daemon->event);
	free(daemon);
}

int daemon_run(struct daemon *daemon)
{
	size_t i;
	int r;

	for (i = 0; i < daemon->n_arenas; i++)
		log_notice("arena %s: %llu bytes, at most %u clients", daemon->arenas[i]->name,
			(unsigned long long)daemon->arenas[i]->geometry.arena_bytes,
			daemon->arenas[i]->geometry.seats);
	log_notice("thrusterd %s is ready at %s", THRUSTER_VERSION, daemon->listener.path);
	sd_notify(0, "READY=1\nSTATUS=Serving.");
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
		if (strcmp(daemon->arenas[i]->name, name) == 0)
			return daemon->arenas[i];
	return NULL;
}
