/* SPDX-License-Identifier: MIT */
/* sd_listen_fds() and the FDSTORE messages of sd_notify(3). */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include "daemon/cleanup.h"
#include "daemon/log.h"
#include "daemon/store.h"

#define SETTLE_US 10000000u

static void free_names(char ***names)
{
	char **name;

	for (name = *names; name && *name; name++)
		free(*name);
	free(*names);
}

int store_init(struct store *store)
{
	_cleanup_(free_names) char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), i;

	*store = (struct store){ 0 };
	if (n <= 0)
		return n;
	store->found = calloc((size_t)n, sizeof(*store->found));
	if (!store->found)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		struct stored *s = &store->found[store->n_found++];

		s->fd = SD_LISTEN_FDS_START + i;
		snprintf(s->name, sizeof(s->name), "%s", names && names[i] ? names[i] : "");
	}
	return 0;
}

void store_fini(struct store *store)
{
	size_t i;

	for (i = 0; i < store->n_found; i++)
		if (store->found[i].fd >= 0) {
			log_notice("the service manager keeps \"%s\", which is of no use to us; "
				   "dropped", store->found[i].name);
			store_forget(store->found[i].name);
			close(store->found[i].fd);
		}
	free(store->found);
	*store = (struct store){ 0 };
}

int store_take(struct store *store, const char *name)
{
	size_t i;

	for (i = 0; i < store->n_found; i++)
		if (store->found[i].fd >= 0 && strcmp(store->found[i].name, name) == 0)
			return take_fd(store->found[i].fd);
	return -1;
}

int store_take_listener(struct store *store)
{
	size_t i;

	for (i = 0; i < store->n_found; i++)
		if (store->found[i].fd >= 0 &&
			sd_is_socket(store->found[i].fd, AF_UNIX, SOCK_SEQPACKET, 1) > 0)
			return take_fd(store->found[i].fd);
	return -1;
}

/* FDPOLL=0: it is never to be dropped because polling it gives an error. */
void store_keep(const char *name, int fd)
{
	char text[64 + STORE_NAME_MAX];
	int r;

	snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	r = sd_pid_notify_with_fds(0, 0, text, &fd, 1);
	if (r < 0)
		log_warning("the service manager does not take \"%s\": %s; a restart will lose it",
			name, strerror(-r));
}

void store_forget(const char *name)
{
	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void store_settle(void)
{
	int r = sd_notify_barrier(0, SETTLE_US);

	if (r < 0)
		log_warning("the service manager does not answer: %s", strerror(-r));
}
