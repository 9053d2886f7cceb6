/* SPDX-License-Identifier: MIT */
/* thrusterctl: one command, one question to the daemon, one answer. */

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/connection.h"
#include "client/thrusterctl/answer.h"

#define LIMIT_DEFAULT 50u

/* libc looks for it, so it must not be hidden with the rest. */
__attribute__((visibility("default")))
const char *argp_program_version = "thrusterctl " THRUSTER_VERSION;

static const char description[] =
	"Ask thrusterd about its arenas, or have it trim them.\v"
	"Commands:\n"
	"  stats     how full each class is, and what happened to it\n"
	"  clients   who is attached, and what each holds\n"
	"  leases    every lease, the oldest first, and who holds it\n"
	"  check     walk the arenas and name the first rule that does not hold\n"
	"  trim      give the memory of idle slots back to the kernel, of one arena or all\n"
	"\n"
	"The socket is that of --socket, or of $THRUSTER_SOCKET, or " WIRE_DEFAULT_SOCKET ".\n"
	"Exit status: 0 all is well, 1 an error or a broken rule, 2 wrong usage, 3 no daemon "
	"answers. See thrusterctl(1).";

static const struct argp_option options[] = {
	{ "socket", 's', "PATH", 0, "Ask the daemon at PATH" },
	{ "json", 'j', NULL, 0, "Print JSON, for programs" },
	{ "cores", 'c', NULL, 0, "stats: show also what each core holds, and what it did" },
	{ "limit", 'l', "N", 0,
		"leases: show at most N, up to 10000 (default 50, with --json 10000)" },
	{ 0 },
};

static const struct {
	const char *name;
	enum exit_status (*run)(const struct command *command);
} commands[] = {
	{ "stats", command_stats },
	{ "clients", command_clients },
	{ "leases", command_leases },
	{ "check", command_check },
	{ "trim", command_trim },
};

struct arguments {
	struct command command;
	bool has_limit;
	enum exit_status (*run)(const struct command *command);
};

static void read_limit(struct arguments *a, const char *argument, struct argp_state *state)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(argument, &end, 10);
	if (errno || *end || end == argument || *argument == '-' || n > UINT32_MAX)
		argp_error(
			state, "--limit: \"%s\" is no number from 0 to %u", argument, UINT32_MAX);
	a->command.limit = (uint32_t)n;
	a->has_limit = true;
}

static void read_command(struct arguments *a, const char *argument, struct argp_state *state)
{
	size_t i;

	if (a->run == command_trim && !a->command.arena) {
		a->command.arena = argument;
		return;
	}
	if (a->run)
		argp_error(state, "one command at a time; \"%s\" is too many", argument);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argument) == 0)
			a->run = commands[i].run;
	if (!a->run)
		argp_error(state,
			"no command \"%s\"; there are stats, clients, leases, check and trim",
			argument);
}

static error_t on_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 's':
		a->command.socket_path = argument;
		return 0;
	case 'j':
		a->command.is_json = true;
		return 0;
	case 'c':
		a->command.with_cores = true;
		return 0;
	case 'l':
		read_limit(a, argument, state);
		return 0;
	case ARGP_KEY_ARG:
		read_command(a, argument, state);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state,
			"which command? There are stats, clients, leases, check and trim");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
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
	static const struct argp argp = { options, on_option, "COMMAND [ARENA]", description };
	struct arguments arguments = { 0 };

	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
		return EXIT_USAGE;
	if (!arguments.has_limit && !arguments.command.is_json)
		arguments.command.limit = LIMIT_DEFAULT;
	arguments.command.socket_path = thr_connection_path(arguments.command.socket_path);
	return finish(arguments.run(&arguments.command));
}
