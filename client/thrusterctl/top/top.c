/* SPDX-License-Identifier: MIT */
/*
 * thrusterctl top: the pool, live. The first answer is asked for before the screen is touched, so
 * that whoever has no daemon, or no right, reads of it where errors are read.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/top/view.h"
#include "client/thrusterctl/top/top.h"

#define ITERATIONS_MAX 1000000000ul

static struct top_options chosen = { .interval = 1 };
static bool is_batch;

static const struct argp_option options[] = {
	{ "arena", 'a', "NAME", 0, "Show only the arena NAME" },
	{ "batch", 'b', NULL, 0, "Print plain text, for logs and pipes" },
	{ "interval", 'i', "SECONDS", 0, "Ask that often, from 0.1 to 60 (default 1)" },
	{ "iterations", 'n', "N", 0, "End after N pictures" },
	{ 0 },
};

static double read_interval(const char *argument, struct argp_state *state)
{
	char *end;
	double s = strtod(argument, &end);

	/* What strtod() takes besides digits, like "inf" and "0x1", is none. */
	if (argument[strspn(argument, "0123456789.")] || *end || end == argument ||
		!(s >= TOP_INTERVAL_MIN && s <= TOP_INTERVAL_MAX))
		argp_error(state, "--interval: \"%s\" is no number from 0.1 to 60", argument);
	return s;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	switch (key) {
	case 'a':
		chosen.arena = argument;
		return 0;
	case 'b':
		is_batch = true;
		return 0;
	case 'i':
		chosen.interval = read_interval(argument, state);
		return 0;
	case 'n':
		chosen.iterations =
			verb_read_number("--iterations", argument, ITERATIONS_MAX, state);
		if (chosen.iterations == 0)
			argp_error(state, "--iterations: 0 pictures are none; at least 1");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool has_arena(const json_t *answer, const char *name)
{
	const json_t *arena;
	size_t i;

	json_array_foreach(json_object_get(answer, "arenas"), i, arena)
		if (strcmp(answer_string(arena, "name"), name) == 0)
			return true;
	return false;
}

static void say_no_arena(const json_t *answer)
{
	const json_t *arena;
	size_t i;

	fprintf(stderr, "thrusterctl: there is no arena \"%s\", or you may not see it; there are:",
		chosen.arena);
	json_array_foreach(json_object_get(answer, "arenas"), i, arena)
		fprintf(stderr, " %s", answer_string(arena, "name"));
	fputc('\n', stderr);
}

static enum exit_status run(const struct command *command)
{
	bool is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	enum exit_status status;
	json_t *answer;

	if (command->is_json) {
		fprintf(stderr, "thrusterctl: top is for people; \"thrusterctl stats --json\" has "
				"the same figures for programs\n");
		return EXIT_USAGE;
	}
	status = answer_get(&answer, command, WIRE_QUESTION_STATS, 0);
	if (status != EXIT_OK)
		return status;
	status = answer_must_show(answer);
	if (status == EXIT_OK && chosen.arena && !has_arena(answer, chosen.arena)) {
		say_no_arena(answer);
		status = EXIT_ERROR;
	}
	if (status != EXIT_OK) {
		json_decref(answer);
		return status;
	}
	if (!is_batch && is_terminal)
		return top_live(command, &chosen, answer);
	if (!is_batch && chosen.iterations == 0)
		chosen.iterations = 1;
	return top_batch(command, &chosen, answer);
}

const struct verb verb_top = {
	.name = "top",
	.summary = "all of it, live",
	.description = "Show the pool live in the terminal; press h there for help.",
	.options = options,
	.parse = parse,
	.run = run,
};
