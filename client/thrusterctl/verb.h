/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_THRUSTERCTL_VERB_H
#define CLIENT_THRUSTERCTL_VERB_H

/*
 * A command of thrusterctl: "thrusterctl VERB [OPTION...]". Each has a file of its own with its
 * options and what it does; main.c lists them. What all commands understand (--socket, --json,
 * --timeout) is in struct command; options of one command alone are kept in its file.
 */

#include <argp.h>
#include <stdbool.h>

enum exit_status {
	EXIT_OK = 0,
	EXIT_ERROR = 1,
	EXIT_USAGE = 2,
	EXIT_NO_DAEMON = 3,
};

struct command {
	const char *socket_path; /* as chosen, never NULL */
	bool is_json;
	unsigned timeout_ms; /* how long to wait for an answer */
};

struct verb {
	const char *name;
	const char *summary;                /* one line of --help */
	const char *arguments;              /* argp's args_doc, NULL = takes none */
	const char *description;            /* more of --help, or NULL */
	const struct argp_option *options;  /* of its own, or NULL */
	argp_parser_t parse;                /* for these and the arguments, or NULL */
	enum exit_status (*run)(const struct command *command);
};

extern const struct verb verb_advise, verb_check, verb_clients, verb_leases, verb_metrics,
	verb_report, verb_stats, verb_top, verb_trace, verb_trim;

/* For parsers: a whole number from 0 to max, or a usage error that names the option. */
unsigned long verb_read_number(
	const char *option, const char *argument, unsigned long max, struct argp_state *state);

#endif
