/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTER_PROBES_STATUS_H
#define CLIENT_THRUSTER_PROBES_STATUS_H

/*
 * How things are: in one line for the service manager, and what is news on standard error. The
 * first of those lines also says that the program is ready, whether the daemon was met or not:
 * nobody is to wait for one that does not come.
 */

#include <jansson.h>

/* The daemon has been told this (telling_text()). */
void status_met(const json_t *text);

/* There is none that listens to us: -errno of telling_connect(). Said once, however often it is. */
void status_not_met(const char *socket_path, int error);

/* A line on standard error. The priority, SD_NOTICE or the like, is for the journal. */
void status_say(const char *priority, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
