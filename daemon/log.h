/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

/*
 * Lines for the operator, on standard error; under systemd with the priority that the journal
 * understands, and what an operator must know as entries with fields, which the catalog explains.
 * The daemon's rooms log that and return the rest as errors.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <syslog.h>
#include "daemon/events.h"

/* The least important priority that is logged: LOG_WARNING, LOG_NOTICE (at first), LOG_DEBUG. */
void log_set_level(int priority);
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* Which entry an operator can look for; what it is about. */
enum log_event {
#define X(name, id) EVENT_##name,
	LOG_EVENTS(X)
#undef X
};

/* Fields of an entry, for programs that read the journal; 0 or NULL = none. */
struct log_fields {
	const char *arena, *label, *cause;
	uint32_t client_id;
	pid_t client_pid;
	bool has_uid;
	uid_t client_uid;
	bool has_leases;
	uint64_t leases, reclaim_usec;
};

/* A line of its event's priority, and under systemd an entry with MESSAGE_ID= and the fields as
 * THRUSTER_*. */
void log_event(enum log_event event, const struct log_fields *fields, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A budget of lines, so that nobody can fill the log: some a second, then a count of the rest. */
struct log_limit {
	unsigned long long second;
	unsigned lines, dropped;
};

/* May another line be logged? Says first how many were not, when a new second begins. */
bool log_limit_allows(struct log_limit *limit, const char *what);

/* Likewise, a budget for each user; few of them share one. */
bool log_limit_allows_user(uid_t uid, const char *what);

#endif
