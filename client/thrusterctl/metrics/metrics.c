/* SPDX-License-Identifier: MIT */
/* thrusterctl metrics: the statistics as OpenMetrics, for who collects them. */

#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/metrics/metrics.h"

static struct metrics_choice choice;

static const struct argp_option options[] = {
	{ "clients", 'C', NULL, 0, "Print also series of each client; there may be many" },
	{ "cores", 'c', NULL, 0, "Print also series of each core, and of who took from whom" },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	(void)state;
	switch (key) {
	case 'C':
		choice.with_clients = true;
		return 0;
	case 'c':
		choice.with_cores = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static enum exit_status run(const struct command *command)
{
	json_t *answer;
	enum exit_status status = answer_get(&answer, command, WIRE_QUESTION_STATS, 0);

	if (status != EXIT_OK)
		return status;
	if (command->is_json)
		answer_print(answer);
	else
		metrics_print(answer, &choice, stdout);
	status = answer_must_show(answer);
	json_decref(answer);
	return status;
}

const struct verb verb_metrics = {
	.name = "metrics",
	.summary = "the statistics as OpenMetrics, for a collector",
	.description = "The statistics in the text format of OpenMetrics 1.0.",
	.options = options,
	.parse = parse,
	.run = run,
};
