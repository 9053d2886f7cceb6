/* SPDX-License-Identifier: MIT */
/*
 * Metrics and pages from any JSON, for tests of what today's daemon does not say:
 *
 *   page families                        the table of the metrics, as JSON
 *   page metrics FILE [cores] [clients]  what thrusterctl metrics prints of these statistics
 *   page report FILE                     what thrusterctl report writes of this material
 */

#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/metrics/metrics.h"
#include "client/thrusterctl/report/report.h"

static json_t *scope(const struct metrics_scope *s)
{
	json_t *steps = json_array();
	unsigned i;

	for (i = 0; i < sizeof(s->steps) / sizeof(s->steps[0]) && s->steps[i].array; i++)
		json_array_append_new(
			steps, json_pack("[s, s]", s->steps[i].array, s->steps[i].labels));
	return json_pack("{s:s, s:s, s:o, s:s*, s:b, s:b}", "title", s->title, "root", s->root,
		"steps", steps, "created", s->created, "cores", s->is_of_cores, "clients",
		s->is_of_clients);
}

static json_t *families(void)
{
	json_t *array = json_array();
	unsigned i;

	for (i = 0; i < metrics_n_families; i++) {
		const struct metrics_family *f = &metrics_families[i];

		json_array_append_new(
			array, json_pack("{s:o, s:s, s:s, s:s*, s:s, s:s, s:b}", "scope",
				       scope(f->scope), "name", f->name, "type",
				       metrics_type_name(f->type), "unit", f->unit, "path", f->path,
				       "help", f->help, "is_info", f->type == METRICS_INFO));
	}
	return array;
}

static json_t *load(const char *path)
{
	json_error_t error;
	json_t *json = json_load_file(path, 0, &error);

	if (!json) {
		fprintf(stderr, "page: %s:%d: %s\n", path, error.line, error.text);
		exit(1);
	}
	return json;
}

int main(int argc, char **argv)
{
	struct metrics_choice choice = { false, false };
	json_t *json;
	int i;

	if (argc < 2)
		return 2;
	json = strcmp(argv[1], "families") == 0 ? families() : load(argv[2]);
	for (i = 3; i < argc; i++) {
		choice.with_cores |= strcmp(argv[i], "cores") == 0;
		choice.with_clients |= strcmp(argv[i], "clients") == 0;
	}
	if (strcmp(argv[1], "families") == 0)
		json_dumpf(json, stdout, JSON_INDENT(1));
	else if (strcmp(argv[1], "metrics") == 0)
		metrics_print(json, &choice, stdout);
	else
		report_write(stdout, json);
	json_decref(json);
	return 0;
}
