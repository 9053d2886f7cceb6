/* SPDX-License-Identifier: MIT */
/* Watches, suspicion, and the one question that settles it. */

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "daemon/reaper.h"

#define DELAY_FIRST_US 1000u
#define DELAY_LAST_US 1000000u
#define ACCURACY_US 1u

/* Before all requests: those who wait for a dead client's leases have waited longest. */
#define PRIORITY SD_EVENT_PRIORITY_IMPORTANT

struct reaper_watch {
	struct reaper *reaper;
	struct client *client;
	int pidfd;
	bool is_certain; /* that the pidfd is the client's */
	sd_event_source *death, *again;
	uint64_t delay_us;
	struct reaper_watch *next, **link;
};

static void watch_free(struct reaper_watch *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	if (w->client)
		w->client->watch = NULL;
	sd_event_source_disable_unref(w->death);
	sd_event_source_disable_unref(w->again);
	if (w->pidfd >= 0)
		close(w->pidfd);
	free(w);
}

void reaper_init(struct reaper *reaper, sd_event *event)
{
	*reaper = (struct reaper){ .event = event };
}

void reaper_fini(struct reaper *reaper)
{
	while (reaper->watches)
		watch_free(reaper->watches);
}

static void tell_lost(const struct arena *arena, const struct client *was, uint64_t leases)
{
	uint64_t usec = arena->ledger->reclaim_last_ns / 1000;

	log_event(EVENT_CLIENT_LOST,
		&(struct log_fields){
			.arena = arena->name,
			.label = was->label,
			.client_id = was->id.n,
			.client_pid = was->pid,
			.has_uid = true,
			.client_uid = was->uid,
			.has_leases = true,
			.leases = leases,
			.reclaim_usec = usec,
		},
		"%s: client %u (pid %d, %s) is gone; took back %llu leases in %llu us", arena->name,
		was->id.n, (int)was->pid, was->label, (unsigned long long)leases,
		(unsigned long long)usec);
}

static void reap(struct client *client)
{
	struct client was = *client;
	struct arena *arena = client->arena;
	uint64_t leases;

	if (client->watch)
		watch_free(client->watch);
	leases = arena_unseat(arena, client);
	if (was.is_leaving) {
		log_debug("%s: client %u (pid %d, %s) has left", arena->name, was.id.n,
			(int)was.pid, was.label);
	} else if (leases == 0) {
		log_debug("%s: client %u (pid %d, %s) is gone, held nothing", arena->name, was.id.n,
			(int)was.pid, was.label);
	} else if (log_limit_allows_user(was.uid, "clients that were lost")) {
		tell_lost(arena, &was, leases);
	}
}

void reaper_take_back(struct client *client)
{
	const struct client was = *client;
	struct arena *arena = client->arena;
	uint64_t leases = arena_take_back(arena, client);

	if (leases && log_limit_allows_user(was.uid, "clients that were lost"))
		tell_lost(arena, &was, leases);
}

static int on_again(sd_event_source *source, uint64_t usec, void *userdata);

static void ask_again(struct reaper_watch *w)
{
	int r = 0;

	if (!w->again) {
		r = sd_event_add_time_relative(w->reaper->event, &w->again, CLOCK_MONOTONIC,
			w->delay_us, ACCURACY_US, on_again, w);
		if (r >= 0)
			r = sd_event_source_set_priority(w->again, PRIORITY);
	}
	if (r >= 0)
		r = sd_event_source_set_time_relative(w->again, w->delay_us);
	if (r >= 0)
		r = sd_event_source_set_enabled(w->again, SD_EVENT_ONESHOT);
	if (r < 0)
		log_error("cannot set a timer: %s", strerror(-r));
	w->delay_us = w->delay_us * 2 < DELAY_LAST_US ? w->delay_us * 2 : DELAY_LAST_US;
}

static void ask(struct client *client)
{
	if (!arena_is_touched_by(client->arena, client))
		reap(client);
	else if (client->watch)
		ask_again(client->watch);
}

static int on_again(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct reaper_watch *w = userdata;

	(void)source;
	(void)usec;
	ask(w->client);
	return 0;
}

static int on_death(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct reaper_watch *w = userdata;

	(void)fd;
	(void)events;
	/* It stays readable; once is enough. */
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	reaper_suspect(w->client);
	return 0;
}

int reaper_watch(struct reaper *reaper, struct client *client, int pidfd)
{
	struct reaper_watch *w = calloc(1, sizeof(*w));
	int r = 0;

	if (!w) {
		if (pidfd >= 0)
			close(pidfd);
		return -ENOMEM;
	}
	*w = (struct reaper_watch){
		.reaper = reaper,
		.client = client,
		.pidfd = pidfd,
		.is_certain = pidfd >= 0,
		.delay_us = DELAY_FIRST_US,
	};
	w->next = reaper->watches;
	w->link = &reaper->watches;
	if (w->next)
		w->next->link = &w->next;
	reaper->watches = w;
	client->watch = w;
	if (pidfd >= 0)
		r = sd_event_add_io(reaper->event, &w->death, pidfd, EPOLLIN, on_death, w);
	if (r >= 0 && w->death)
		r = sd_event_source_set_priority(w->death, PRIORITY);
	if (r < 0)
		watch_free(w);
	return r < 0 ? r : 0;
}

void reaper_adopt(struct reaper *reaper, struct client *client)
{
	int pidfd = -1, r;

	if (!arena_is_touched_by(client->arena, client)) {
		reap(client);
		return;
	}
	if (client->pid > 0)
		pidfd = (int)syscall(SYS_pidfd_open, client->pid, 0);
	r = reaper_watch(reaper, client, pidfd);
	if (r < 0)
		log_warning("cannot watch a client: %s; its end will be seen late", strerror(-r));
	else
		client->watch->is_certain = false;
}

int reaper_rewatch(struct reaper *reaper, struct client *client, int pidfd)
{
	if (client->watch)
		watch_free(client->watch);
	return reaper_watch(reaper, client, pidfd);
}

void reaper_suspect(struct client *client)
{
	if (client->watch)
		client->watch->delay_us = DELAY_FIRST_US;
	ask(client);
}

int reaper_dismiss(struct client *client)
{
	if (arena_is_touched_by(client->arena, client)) {
		reaper_suspect(client);
		return -EBUSY;
	}
	client->is_leaving = true;
	reap(client);
	return 0;
}

/* To ask for a lock costs time that grows with the clients, so a living process is not asked. */
static bool may_be_gone(const struct reaper_watch *w)
{
	struct pollfd death = { .fd = w ? w->pidfd : -1, .events = POLLIN };

	return !w || !w->is_certain || w->again || poll(&death, 1, 0) != 0;
}

unsigned reaper_sweep(struct arena *arena)
{
	struct client *client = NULL;
	unsigned n = 0;

	while ((client = seats_next(&arena->seats, client))) {
		if (client->is_daemon || !may_be_gone(client->watch) ||
			arena_is_touched_by(arena, client))
			continue;
		reap(client);
		n++;
	}
	return n;
}
