/* SPDX-License-Identifier: MIT */
/*
 * thrusterctl advise: a configuration that would have sufficed for what the daemon has seen, and
 * why. The daemon is asked once; the rule is in advise-class.c.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/advise/config.h"
#include "client/thrusterctl/answer.h"

#define HEADROOM_MAX 1000u
#define SECONDS_MAX 31536000u

enum { OPTION_ARENA = 256, OPTION_HEADROOM, OPTION_CONFIG, OPTION_LEAST };

static const char *arena_name, *config_path;
static struct advise_terms terms = { .headroom = 25, .seconds_least = 60 };

static const struct argp_option options[] = {
	{ "arena", OPTION_ARENA, "NAME", 0, "Only for this arena" },
	{ "config", OPTION_CONFIG, "FILE", 0, "Change this configuration, and keep all else" },
	{ "headroom", OPTION_HEADROOM, "PERCENT", 0, "Beyond what was needed (default 25)" },
	{ "least", OPTION_LEAST, "SECONDS", 0, "Make nothing smaller after less (default 60)" },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	switch (key) {
	case OPTION_ARENA:
		arena_name = argument;
		return 0;
	case OPTION_CONFIG:
		config_path = argument;
		return 0;
	case OPTION_HEADROOM:
		terms.headroom = (unsigned)verb_read_number(
			"--headroom", argument, HEADROOM_MAX, state);
		return 0;
	case OPTION_LEAST:
		terms.seconds_least = verb_read_number("--least", argument, SECONDS_MAX, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool is_wanted(const json_t *arena)
{
	return strcmp(answer_string(arena, "state"), "served") == 0 &&
	       (!arena_name || strcmp(answer_string(arena, "name"), arena_name) == 0);
}

/* Advice for the arenas that are served and wanted; to be freed. */
static struct advise_arena *judge(const json_t *answer, size_t *ret_n)
{
	json_t *arenas = json_object_get(answer, "arenas"), *arena;
	struct advise_arena *all = calloc(json_array_size(arenas) + 1, sizeof(*all));
	uint64_t seconds = (answer_number(answer, "timestamp_realtime_ns") -
				   answer_number(json_object_get(answer, "daemon"),
					   "started_realtime_ns")) / 1000000000u;
	size_t i;

	*ret_n = 0;
	json_array_foreach(arenas, i, arena)
		if (all && is_wanted(arena))
			all[(*ret_n)++] = advise_arena(arena, seconds, &terms);
	return all;
}

static void print(const struct advise_arena *arenas, size_t n, FILE *notes)
{
	size_t i;

	for (i = 0; i < n; i++)
		advise_arena_print(&arenas[i], &terms);
	printf("PEAK is the most of samples, about one a second, since the arena was made.\n"
	       "--json prints the configuration.\n");
	if (!config_path)
		fputs(advise_config_told, notes);
}

static enum exit_status tell(
	const struct command *command, const struct advise_arena *arenas, size_t n)
{
	FILE *notes = command->is_json ? stderr : stdout;
	json_t *config = config_path ? advise_config_load(config_path)
				     : advise_config_new(arenas, n);

	if (!config)
		return EXIT_ERROR;
	if (!command->is_json)
		print(arenas, n, notes);
	if (config_path)
		advise_config_change(config, arenas, n, notes);
	else if (command->is_json)
		fputs(advise_config_told, notes);
	if (command->is_json)
		answer_print(config);
	json_decref(config);
	return EXIT_OK;
}

static enum exit_status run(const struct command *command)
{
	struct advise_arena *arenas;
	json_t *answer;
	enum exit_status status = answer_get(&answer, command, WIRE_QUESTION_STATS, 0);
	size_t n;

	if (status != EXIT_OK)
		return status;
	status = answer_must_show(answer);
	arenas = judge(answer, &n);
	if (status == EXIT_OK && n == 0) {
		fprintf(stderr, "thrusterctl: there is no arena \"%s\" that you may see\n",
			arena_name ? arena_name : "");
		status = EXIT_ERROR;
	}
	if (status == EXIT_OK)
		status = tell(command, arenas, n);
	free(arenas);
	json_decref(answer);
	return status;
}

const struct verb verb_advise = {
	.name = "advise",
	.summary = "how many slots would have sufficed, and why",
	.description = "Tell how many slots each class should have had for what the daemon has "
		       "seen, and why; with --json, as a configuration of thrusterd.",
	.options = options,
	.parse = parse,
	.run = run,
};
