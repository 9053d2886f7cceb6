/* SPDX-License-Identifier: MIT */
/* thrusterd: read the options and the configuration, serve until told to stop. */

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "daemon/pages.h"
#include "daemon/memory.h"
#include "shm/wire.h"

#define EXIT_USAGE 2
#define SYSTEM_CONFIG THRUSTER_SYSCONFDIR "/thruster/thrusterd.json"

/* libc looks for it, so it must not be hidden with the rest. */
__attribute__((visibility("default")))
const char *argp_program_version = "thrusterd " THRUSTER_VERSION;

static const char description[] =
	"Serve arenas of shared buffers to the processes of this host, in the foreground.\v"
	"Without --config it serves what " SYSTEM_CONFIG " says, or, if that is not there, "
	"one arena, \"default\", to root, to the user that it runs as and to the group "
	"thruster-clients. SIGTERM or SIGINT ends it, SIGHUP reads the configuration again. See "
	"thrusterd(8), thrusterd.json(5) and thrusterd.service(8).";

static const struct argp_option options[] = {
	{ "config", 'c', "FILE", 0, "Serve what FILE says" },
	{ "socket", 's', "PATH", 0, "Listen at PATH instead of " WIRE_DEFAULT_SOCKET },
	{ "built-in", 'b', NULL, 0, "Serve the one arena built in, whatever files there are" },
	{ "check-config", 'n', NULL, 0, "Say whether the configuration is right, and exit" },
	{ "verbose", 'v', NULL, 0, "Log every client that comes and goes" },
	{ 0 },
};

struct arguments {
	const char *config_path, *socket_path;
	bool is_built_in, is_check, is_verbose;
};

static error_t on_option(int key, char *argument, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'c':
		arguments->config_path = argument;
		return 0;
	case 's':
		arguments->socket_path = argument;
		return 0;
	case 'b':
		arguments->is_built_in = true;
		return 0;
	case 'n':
		arguments->is_check = true;
		return 0;
	case 'v':
		arguments->is_verbose = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* NULL: the configuration built in. */
static const char *config_path(const struct arguments *arguments)
{
	if (arguments->config_path || arguments->is_built_in)
		return arguments->config_path;
	return access(SYSTEM_CONFIG, F_OK) == 0 ? SYSTEM_CONFIG : NULL;
}

static void print_config(const struct config *config, const char *path)
{
	char why[MEMORY_WHY_MAX];
	uint64_t bytes = 0;
	size_t i;

	printf("%s: right\n", path ? path : "the configuration built in");
	for (i = 0; i < config->n_arenas; i++) {
		const struct config_arena *arena = &config->arenas[i];

		printf("arena %s: %u classes, at most %u clients, %llu bytes\n", arena->name,
			arena->n_classes, arena->max_clients,
			(unsigned long long)arena->geometry.arena_bytes);
		if (arena->access.n_users + arena->access.n_groups == 0)
			printf("warning: arena %s: \"allow\" is empty, so nobody may attach\n",
				arena->name);
		bytes += arena_bytes_at_start(arena);
		if (pages_check(&arena->geometry, why) < 0)
			printf("warning: arena %s: %s\n", arena->name, why);
	}
	if (memory_check(bytes, why) < 0)
		printf("warning: all arenas need %llu bytes, but %s now\n",
			(unsigned long long)bytes, why);
}

/* Descriptors 0 to 2 must be somebody's, or an arena's memfd would become one of them and the log
 * be written into it; and a log that nobody reads any more is no reason to die. */
static void secure_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, on_option, NULL, description };
	struct arguments arguments = { 0 };
	struct daemon_options how;
	struct config_error error;
	struct config *config;
	struct daemon *daemon;
	int r;

	secure_standard_streams();
	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0)
		return EXIT_USAGE;
	how = (struct daemon_options){
		.config_path = config_path(&arguments),
		.config_path_later = arguments.is_built_in ? NULL : SYSTEM_CONFIG,
		.socket_path = arguments.socket_path,
		.is_verbose = arguments.is_verbose,
	};
	if (daemon_load_config(&config, how.config_path, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_FAILURE;
	}
	if (arguments.is_check) {
		print_config(config, how.config_path);
		free(config);
		return EXIT_SUCCESS;
	}
	if (daemon_new(&daemon, config, &how) < 0)
		return EXIT_FAILURE;
	r = daemon_run(daemon);
	daemon_free(daemon);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
