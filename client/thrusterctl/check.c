/* SPDX-License-Identifier: MIT */
/* thrusterctl check: does every rule hold? */

#include <inttypes.h>
#include <stdio.h>
#include "client/thrusterctl/answer.h"

static void print_verdict(const json_t *verdict)
{
	if (json_is_true(json_object_get(verdict, "ok")))
		printf("arena %s: sound, %" PRIu64 " slots seen\n", answer_string(verdict, "arena"),
			answer_number(verdict, "slots_seen"));
	else
		printf("arena %s: BROKEN rule \"%s\": %s; class %" PRIu64 ", slot %" PRIu64
		       ", record %s\n",
			answer_string(verdict, "arena"), answer_string(verdict, "rule"),
			answer_string(verdict, "must_hold"), answer_number(verdict, "class"),
			answer_number(verdict, "slot"), answer_string(verdict, "record"));
}

static enum exit_status run(const struct command *command)
{
	json_t *answer, *verdict;
	enum exit_status status = answer_get(&answer, command, WIRE_QUESTION_CHECK, 0);
	size_t i;

	if (status != EXIT_OK)
		return status;
	status = answer_must_show(answer);
	json_array_foreach(json_object_get(answer, "arenas"), i, verdict) {
		if (!json_is_true(json_object_get(verdict, "ok")))
			status = EXIT_ERROR;
		if (!command->is_json)
			print_verdict(verdict);
	}
	if (command->is_json)
		answer_print(answer);
	json_decref(answer);
	return status;
}

const struct verb verb_check = {
	.name = "check",
	.summary = "walk the arenas and name the first rule that does not hold",
	.run = run,
};
