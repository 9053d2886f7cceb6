/* SPDX-License-Identifier: MIT */
/* thrusterctl report: ask for all there is, and make a page of it. */

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/report/report.h"

static const char *output;

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "Write to FILE, which is replaced if it exists; - is stdout" },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	(void)state;
	if (key != 'o')
		return ARGP_ERR_UNKNOWN;
	output = argument;
	return 0;
}

/* The material of a page. Both answers are given away. */
static json_t *put_together(json_t *stats, json_t *leases)
{
	json_t *material = json_object();
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	json_object_set_new(material, "host", json_string(host));
	json_object_set_new(material, "stats", stats);
	json_object_set_new(material, "leases", leases);
	return material;
}

static enum exit_status gather(const struct command *command, json_t **ret)
{
	json_t *stats, *leases;
	enum exit_status status = answer_get(&stats, command, WIRE_QUESTION_STATS, 0);

	if (status != EXIT_OK)
		return status;
	status = answer_must_show(stats);
	if (status == EXIT_OK)
		status = answer_get(&leases, command, WIRE_QUESTION_LEASES, REPORT_LEASES);
	if (status == EXIT_OK)
		*ret = put_together(stats, leases);
	else
		json_decref(stats);
	return status;
}

/* To the file that was named, or to one that is named by the time and must be new. */
static bool deliver(const char *page, size_t size)
{
	time_t now = time(NULL);
	char name[64];
	bool is_saved;

	if (output && strcmp(output, "-") == 0) {
		fwrite(page, 1, size, stdout); /* main() tells of errors */
		return true;
	}
	strftime(name, sizeof(name), "thruster-report-%Y%m%d-%H%M%S.html", localtime(&now));
	is_saved = report_save(output ? output : name, page, size, output != NULL);
	if (is_saved)
		printf("%s\n", output ? output : name);
	return is_saved;
}

/* Made whole in memory first, so that the file is written in one go. */
static bool make_page(const json_t *material)
{
	char *page = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&page, &size);
	bool is_saved;

	if (f)
		report_write(f, material);
	if (!f || fclose(f) != 0) {
		fprintf(stderr, "thrusterctl: out of memory\n");
		free(page);
		return false;
	}
	is_saved = deliver(page, size);
	free(page);
	return is_saved;
}

static enum exit_status run(const struct command *command)
{
	json_t *material;
	enum exit_status status = gather(command, &material);

	if (status != EXIT_OK)
		return status;
	if (command->is_json)
		answer_print(material);
	else if (!make_page(material))
		status = EXIT_ERROR;
	json_decref(material);
	return status;
}

const struct verb verb_report = {
	.name = "report",
	.summary = "a page with pictures of all that, for a browser",
	.description = "Write one HTML file that shows the state of the pool in pictures. Without "
		       "--output it is thruster-report-YYYYMMDD-HHMMSS.html, here.",
	.options = options,
	.parse = parse,
	.run = run,
};
