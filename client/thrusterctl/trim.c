/* SPDX-License-Identifier: MIT */
/*
 * thrusterctl trim: ask for idle pages to be given back, and wait until they are. The daemon works
 * on it by itself; what is shown comes from its statistics.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "client/thrusterctl/answer.h"
#include "shm/abi.h"

static const char *arena_name; /* only this one, NULL = all */

static error_t parse(int key, char *argument, struct argp_state *state)
{
	(void)state;
	if (key != ARGP_KEY_ARG || arena_name)
		return ARGP_ERR_UNKNOWN;
	arena_name = argument;
	return 0;
}

#define LOOK_AGAIN_NS 20000000L
#define MIB (1024.0 * 1024.0)

static const json_t *memory_of(const json_t *arena)
{
	return json_object_get(arena, "memory");
}

static json_t *arena_by_id(const json_t *answer, uint64_t id)
{
	json_t *arena;
	size_t i;

	json_array_foreach(json_object_get(answer, "arenas"), i, arena)
		if (answer_number(arena, "id") == id)
			return arena;
	return NULL;
}

/* The arena of a name that is in use, 0 if there is none. */
static uint64_t id_of(const json_t *answer, const char *name)
{
	json_t *arena;
	size_t i;

	json_array_foreach(json_object_get(answer, "arenas"), i, arena)
		if (strcmp(answer_string(arena, "name"), name) == 0 &&
			strcmp(answer_string(arena, "state"), "served") == 0)
			return answer_number(arena, "id");
	return 0;
}

/* Arenas of this trim that are not done; `bytes` that all of them have now. */
static size_t count_left(const json_t *answer, uint64_t id, uint64_t *ret_bytes)
{
	json_t *arena;
	size_t i, n = 0;

	*ret_bytes = 0;
	json_array_foreach(json_object_get(answer, "arenas"), i, arena) {
		if (id && answer_number(arena, "id") != id)
			continue;
		n += json_is_true(json_object_get(memory_of(arena), "trimming"));
		*ret_bytes += answer_number(memory_of(arena), "resident_bytes");
	}
	return n;
}

/* Ask until all is done; *answer is the last. */
static enum exit_status wait_for(const struct command *command, json_t **answer, uint64_t id)
{
	struct timespec pause = { 0, LOOK_AGAIN_NS };
	enum exit_status status = EXIT_OK;
	bool is_seen = isatty(STDERR_FILENO);
	uint64_t bytes;
	unsigned looks;

	for (looks = 0; count_left(*answer, id, &bytes) > 0; looks++) {
		if (is_seen && looks >= 25)
			fprintf(stderr, "\rtrimming: %.1f MiB resident ", (double)bytes / MIB);
		nanosleep(&pause, NULL);
		json_decref(*answer);
		*answer = NULL;
		status = answer_get(answer, command, WIRE_QUESTION_STATS, 0);
		if (status != EXIT_OK)
			break;
	}
	if (is_seen && looks >= 25)
		fputc('\n', stderr);
	return status;
}

/* What became of one. False if nothing, and not for want of ordinary pages. */
static bool print_arena(const json_t *before, const json_t *after)
{
	const char *name = answer_string(after, "name");
	uint64_t had = answer_number(memory_of(before), "trimmed_bytes_total");
	uint64_t has = answer_number(memory_of(after), "trimmed_bytes_total");

	if (answer_number(memory_of(after), "page_bytes") != THR_PAGE) {
		printf("arena %s: has huge pages, which are not given back\n", name);
		return true;
	}
	if (answer_number(memory_of(after), "trims_total") ==
		answer_number(memory_of(before), "trims_total")) {
		printf("arena %s: not trimmed; the daemon's log says why\n", name);
		return false;
	}
	printf("arena %s: %.1f MiB given back, %.1f of %.1f MiB are resident\n", name,
		(double)(has - had) / MIB,
		(double)answer_number(memory_of(after), "resident_bytes") / MIB,
		(double)answer_number(after, "size_bytes") / MIB);
	return true;
}

static enum exit_status print_all(const json_t *before, const json_t *after, uint64_t id)
{
	enum exit_status status = EXIT_OK;
	const json_t *was;
	json_t *arena;
	size_t i;

	json_array_foreach(json_object_get(after, "arenas"), i, arena) {
		was = arena_by_id(before, answer_number(arena, "id"));
		if (!was || (id && answer_number(arena, "id") != id))
			continue;
		if (!print_arena(was, arena))
			status = EXIT_ERROR;
	}
	return status;
}

static enum exit_status trim(const struct command *command, const json_t *before)
{
	uint32_t id = arena_name ? (uint32_t)id_of(before, arena_name) : 0;
	json_t *after = NULL;
	enum exit_status status;

	if (arena_name && id == 0) {
		fprintf(stderr, "thrusterctl: there is no arena \"%s\" that you may see\n",
			arena_name);
		return EXIT_ERROR;
	}
	status = answer_get(&after, command, WIRE_QUESTION_TRIM, id);
	if (status == EXIT_OK)
		status = wait_for(command, &after, id);
	if (status == EXIT_OK && command->is_json)
		answer_print(after);
	else if (status == EXIT_OK)
		status = print_all(before, after, id);
	json_decref(after);
	return status;
}

static enum exit_status run(const struct command *command)
{
	json_t *before;
	enum exit_status status = answer_get(&before, command, WIRE_QUESTION_STATS, 0);

	if (status != EXIT_OK)
		return status;
	status = answer_must_show(before);
	if (status == EXIT_OK)
		status = trim(command, before);
	json_decref(before);
	return status;
}

const struct verb verb_trim = {
	.name = "trim",
	.summary = "give the memory of idle slots back to the kernel",
	.arguments = "[ARENA]",
	.parse = parse,
	.run = run,
};
