/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

/*
 * The socket in the file system: made without stepping on another daemon's, removed when we go, and
 * every connection handed on.
 */

#include <stdbool.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include "daemon/memory.h"

struct listener {
	char path[108];
	int fd;
	struct stat identity;  /* of the socket that we made, so that no other is removed */
	bool has_made_directory;
	bool is_passed;        /* the service manager's: it stays, whatever becomes of us */
	sd_event_source *source, *pause;
	void (*on_connection)(int fd, void *userdata); /* fd becomes the callee's */
	void *userdata;
};

/*
 * Listen at `passed_fd`, which becomes the listener's, if it is not -1: a socket that listens
 * already, whose path is the business of whoever made it. Else listen at `path`, or at the default
 * if NULL; only the directory of the default is made if it is missing. 0, or -errno and the reason
 * told in `why`: -ENAMETOOLONG, -EADDRINUSE (a daemon answers there), -EEXIST (not a socket),
 * -ENOENT (no such directory), ...
 */
int listener_init(struct listener *listener, sd_event *event, int passed_fd, const char *path,
	void (*on_connection)(int fd, void *userdata), void *userdata, char why[MEMORY_WHY_MAX]);
void listener_fini(struct listener *listener);

#endif
