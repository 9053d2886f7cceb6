/* SPDX-License-Identifier: MIT */
/*
 * SIGHUP. Who is admitted, quotas, limits, grace times, the log level and new arenas take effect at
 * once; for anything else the log says that it waits for a restart. A configuration that is wrong
 * changes nothing.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include "daemon/adopt.h"
#include "daemon/clock.h"
#include "daemon/log.h"

int daemon_load_config(struct config **ret, const char *path, struct config_error *ret_error)
{
	if (path)
		return config_new_from_file(ret, path, ret_error);
	*ret = config_new_default();
	if (*ret)
		return 0;
	strcpy(ret_error->text, "out of memory");
	return -ENOMEM;
}

/* Arenas that are served and that the new configuration does not have. */
static unsigned tell_missing(const struct daemon *daemon, const struct config *config)
{
	unsigned n = 0;
	size_t i, j;

	for (i = 0; i < daemon->n_arenas; i++) {
		const struct arena *a = daemon->arenas[i];

		for (j = 0; j < config->n_arenas; j++)
			if (strcmp(a->name, config->arenas[j].name) == 0)
				break;
		if (a->is_retired || j < config->n_arenas)
			continue;
		log_warning("arena %s is not configured any more; it goes on until the daemon is "
			    "restarted", a->name);
		n++;
	}
	return n;
}

/* Returns how many things wait for a restart. */
static unsigned apply(struct daemon *daemon, const struct config *config)
{
	unsigned n = tell_missing(daemon, config);
	size_t i;

	for (i = 0; i < config->n_arenas; i++) {
		const struct config_arena *wanted = &config->arenas[i];
		struct arena *arena = daemon_find_arena(daemon, wanted->name);

		if (!arena) {
			n += adopt_make(daemon, wanted) < 0;
			continue;
		}
		if (!adopt_fits(arena, wanted)) {
			log_warning("arena %s: other classes, other memory, or more clients than "
				    "it has seats (%u), need a restart; the rest is applied",
				arena->name, arena->geometry.seats);
			n++;
		}
		arena_configure(arena, wanted);
	}
	return n;
}

void daemon_reload(struct daemon *daemon)
{
	struct config_error error;
	const char *path = daemon->config_path;
	struct config *config;
	unsigned n;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=Reading the configuration.",
		(unsigned long long)clock_monotonic_ns() / 1000);
	if (!path && daemon->config_path_later && access(daemon->config_path_later, F_OK) == 0)
		path = daemon->config_path_later;
	if (daemon_load_config(&config, path, &error) < 0) {
		log_event(EVENT_CONFIG_REFUSED, &(struct log_fields){ .cause = error.text },
			"%s; the old configuration stays in force", error.text);
	} else {
		visitor_stop(&daemon->visitor);
		n = apply(daemon, config);
		free(daemon->config);
		daemon->config = config;
		daemon->config_path = path;
		daemon_apply_limits(daemon);
		if (visitor_start(&daemon->visitor, daemon->arenas, daemon->n_arenas) < 0)
			log_error("cannot start a thread; cores that are idle keep what they hold");
		store_settle();
		log_event(EVENT_CONFIG_RELOADED, &(struct log_fields){ 0 },
			n ? "configuration reloaded; %u changes wait for a restart"
			  : "configuration reloaded", n);
	}
	sd_notify(0, "READY=1");
}
