/* SPDX-License-Identifier: MIT */
/* thrusterctl: read the options that all commands understand, and give the rest to one of them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/connection.h"
#include "client/thrusterctl/verb.h"
#include "shm/wire.h"

/* libc looks for it, so it must not be hidden with the rest. */
__attribute__((visibility("default")))
const char *argp_program_version = "thrusterctl " THRUSTER_VERSION;

/* In the order of --help. */
static const struct verb *const verbs[] = {
	&verb_stats,
	&verb_top,
	&verb_clients,
	&verb_leases,
	&verb_advise,
	&verb_check,
	&verb_trace,
	&verb_trim,
	&verb_report,
	&verb_metrics,
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const char description[] =
	"Ask thrusterd about its arenas, or have it trim them.\v"
	"The socket is that of --socket, or of $THRUSTER_SOCKET, or " WIRE_DEFAULT_SOCKET ".\n"
	"Exit status: 0 all is well, 1 an error or a broken rule, 2 wrong usage, 3 no daemon "
	"answers. \"thrusterctl COMMAND --help\" tells a command's own options; see "
	"thrusterctl(1).";

enum { OPTION_TIMEOUT = 256 };

#define TIMEOUT_S 5u
#define TIMEOUT_MAX_S 3600u

static const struct argp_option options[] = {
	{ "socket", 's', "PATH", 0, "Ask the daemon at PATH" },
	{ "timeout", OPTION_TIMEOUT, "SECONDS", 0, "Wait that long for an answer (default 5)" },
	{ "json", 'j', NULL, 0, "Print JSON, for programs" },
	{ 0 },
};

struct arguments {
	struct command command;
	const struct verb *verb;
	int verb_index; /* in argv */
};

static error_t on_common_option(int key, char *argument, struct argp_state *state)
{
	struct command *command = state->input;

	switch (key) {
	case 's':
		command->socket_path = argument;
		return 0;
	case 'j':
		command->is_json = true;
		return 0;
	case OPTION_TIMEOUT:
		command->timeout_ms = 1000 * (unsigned)verb_read_number(
						    "--timeout", argument, TIMEOUT_MAX_S, state);
		if (command->timeout_ms == 0)
			argp_error(state, "--timeout: give it a second at least");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* "stats, clients, ... and trim" */
static void list_verbs(char *text, size_t size)
{
	size_t i, n = 0;

	for (i = 0; i < N_VERBS && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s",
			i == 0 ? "" : i + 1 == N_VERBS ? " and " : ", ", verbs[i]->name);
}

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < N_VERBS; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

/* What comes before the command; the rest is its own. */
static error_t on_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *a = state->input;
	char names[256];

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->command;
		return 0;
	case ARGP_KEY_ARG:
		a->verb = find_verb(argument);
		list_verbs(names, sizeof(names));
		if (!a->verb)
			argp_error(state, "no command \"%s\"; there are %s", argument, names);
		a->verb_index = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		list_verbs(names, sizeof(names));
		argp_error(state, "which command? There are %s", names);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The list of commands stands between the description and the options. */
static char *help_filter(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t size, i;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_PRE_DOC || !(f = open_memstream(&list, &size)))
		return (char *)text;
	fprintf(f, "%s\n\nCommands:\n", text);
	for (i = 0; i < N_VERBS; i++)
		fprintf(f, "  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
	fclose(f);
	return list;
}

static const struct argp common = { options, on_common_option, NULL, NULL };
static const struct argp_child with_common[] = { { &common, 0, NULL, 0 }, { 0 } };

unsigned long verb_read_number(
	const char *option, const char *argument, unsigned long max, struct argp_state *state)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(argument, &end, 10);
	if (errno || *end || end == argument || *argument < '0' || *argument > '9' || n > max)
		argp_error(state, "%s: \"%s\" is no number from 0 to %lu", option, argument, max);
	return n;
}

static error_t on_verb_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *a = state->input;
	error_t r = ARGP_ERR_UNKNOWN;

	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = &a->command;
	else if (a->verb->parse)
		r = a->verb->parse(key, argument, state);
	if (key == ARGP_KEY_ARG && r == ARGP_ERR_UNKNOWN)
		argp_error(state, "\"%s\" is too many", argument);
	return key == ARGP_KEY_INIT ? 0 : r;
}

/* argv[0] becomes the program and the command, as its help should say. */
static error_t parse_verb(struct arguments *a, int argc, char **argv)
{
	const struct verb *verb = a->verb;
	const struct argp argp = { verb->options, on_verb_option, verb->arguments,
		verb->description ? verb->description : verb->summary, with_common, NULL, NULL };
	char name[64];

	snprintf(name, sizeof(name), "thrusterctl %s", verb->name);
	argv[a->verb_index] = name;
	return argp_parse(&argp, argc - a->verb_index, argv + a->verb_index, 0, NULL, a);
}

/* What could not be written was not done, though the daemon answered. */
static enum exit_status finish(enum exit_status status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "thrusterctl: cannot write: %s\n", strerror(errno));
	return EXIT_ERROR;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { NULL, on_option, "COMMAND [OPTION...]", description,
		with_common, help_filter, NULL };
	struct arguments arguments = { .command.timeout_ms = 1000 * TIMEOUT_S };

	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments) != 0 ||
		parse_verb(&arguments, argc, argv) != 0)
		return EXIT_USAGE;
	arguments.command.socket_path = thr_connection_path(arguments.command.socket_path);
	return finish(arguments.verb->run(&arguments.command));
}
