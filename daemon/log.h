/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

/*
 * Lines for the operator, on standard error; under systemd with the priority that the journal
 * understands. The daemon's rooms log what an operator must know and return the rest as errors.
 */

#include <stdbool.h>
#include <syslog.h>

void log_set_verbose(bool is_verbose);
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* A budget of lines, so that nobody can fill the log: some a second, then a count of the rest. */
struct log_limit {
	unsigned long long second;
	unsigned lines, dropped;
};

/* May another line be logged? Says first how many were not, when a new second begins. */
bool log_limit_allows(struct log_limit *limit, const char *what);

#endif
