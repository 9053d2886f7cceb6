/* SPDX-License-Identifier: MIT */
/* The results as one JSON object, every sample included, so that other statistics can be made. */

#include <jansson.h>
#include <string.h>
#include <thruster/client.h>
#include "bench/fail.h"
#include "bench/report.h"
#include "bench/verdicts.h"

#define JSON_VERSION 2
#define DIGITS 6

static void set(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value) < 0)
		fail("out of memory");
}

/* Left out if there is none. */
static void set_ratio(json_t *object, const char *name, double ratio)
{
	if (ratio > 0)
		set(object, name, json_real(ratio));
}

static const char *place_name(enum place place)
{
	static const char *const names[] = {
		[PLACE_OWN] = "pinned",
		[PLACE_FIRST] = "pinned to one core",
		[PLACE_FREE] = "unpinned",
		[PLACE_FLIP] = "moved every millisecond",
	};

	return names[place];
}

static void set_samples(json_t *object, const struct result *result)
{
	json_t *samples = json_array();
	unsigned i;

	for (i = 0; i < result->n; i++)
		json_array_append_new(samples, json_real(result->ns[i]));
	set(object, "median_ns", json_real(result->median));
	set(object, "p10_ns", json_real(result->p10));
	set(object, "p90_ns", json_real(result->p90));
	set(object, "median_deviation_ns", json_real(result->deviation));
	set(object, "samples_ns", samples);
}

static json_t *limit_json(const struct result *result)
{
	json_t *object = json_object();

	set(object, "name", json_string(result->workload.kind->name));
	set(object, "what", json_string(result->workload.kind->what));
	if (result->n == 0)
		set(object, "absent", json_string(result->absence));
	else
		set_samples(object, result);
	return object;
}

static json_t *result_json(const struct series *series, const struct result *result)
{
	const struct workload *workload = &result->workload;
	const struct result *pool = series_pair(series, workload->kind, "pool");
	const struct result *lock = series_find(series, "limit/lock-add");
	json_t *object = json_object();

	set(object, "name", json_string(workload->name));
	set(object, "kind", json_string(workload->kind->name));
	set(object, "engine", json_string(workload->engine->name));
	if (result->n == 0) {
		set(object, "absent", json_string(result->absence));
		return object;
	}
	set_samples(object, result);
	set(object, "ops_per_lane", json_integer((json_int_t)result->ops));
	set(object, "dry_per_op", json_real(result->dry));
	set(object, "disturbed_samples", json_integer(result->disturbed));
	set(object, "retaken_samples", json_integer(result->retaken));
	if (result->rents > 0)
		set(object, "rents_per_op", json_real(result->rents));
	set_ratio(object, "ratio_to_pool", pool ? result->median / pool->median : 0);
	set_ratio(object, "ratio_to_lock_add", lock ? result->median / lock->median : 0);
	return object;
}

static json_t *kind_json(const struct kind *kind, unsigned cores)
{
	json_t *object = json_object();

	set(object, "name", json_string(kind->name));
	set(object, "what", json_string(kind->what));
	set(object, "group", json_string(group_name(kind->group)));
	set(object, "crosses", json_string(kind_crosses(kind)));
	set(object, "bytes", json_integer(kind->bytes));
	set(object, "slots", json_integer(kind->slots));
	set(object, "processes", json_integer(kind_processes(kind, cores)));
	set(object, "threads", json_integer(kind_threads(kind, cores)));
	set(object, "place", json_string(place_name(kind->place)));
	return object;
}

static json_t *kinds_json(const struct series *series, unsigned cores)
{
	json_t *list = json_array();
	const struct kind *last = NULL;
	size_t i;

	for (i = 0; i < series->n; i++) {
		const struct kind *kind = series->result[i].workload.kind;

		if (kind != last && kind->group != GROUP_LIMIT)
			json_array_append_new(list, kind_json(kind, cores));
		last = kind;
	}
	return list;
}

static json_t *engines_json(const struct series *series)
{
	json_t *list = json_array(), *object;
	size_t i;

	for (i = 1; i < n_engines; i++) {
		object = json_object();
		set(object, "name", json_string(engines[i].name));
		set(object, "what", json_string(engines[i].what));
		set(object, "family", json_string(family_name(engines[i].family)));
		set(object, "configured", json_string(engines[i].configured));
		set(object, "keeps", json_boolean(engines[i].keeps));
		if (!series_has(series, &engines[i]))
			set(object, "absent", json_string(series_absence(series, &engines[i])));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *target_json(const struct series *series, const struct target *target)
{
	static const char *const names[] = {
		[VERDICT_MET] = "met",
		[VERDICT_MISSED] = "missed",
		[VERDICT_ABSENT] = "absent",
	};
	double value = 0;
	enum verdict verdict = target_judge(target, series, &value);
	json_t *object = json_object();

	set(object, "what", json_string(target->what));
	set(object, "workload", json_string(target->measured));
	set(object, "against", target->against ? json_string(target->against) : json_null());
	set(object, "unit", json_string(target->against ? "ratio" : "ns"));
	set(object, "at_most", json_real(target->at_most));
	set(object, "measured", verdict == VERDICT_ABSENT ? json_null() : json_real(value));
	set(object, "verdict", json_string(names[verdict]));
	return object;
}

static json_t *machine_json(const struct report_notes *notes)
{
	const struct machine *machine = notes->machine;
	json_t *object = json_object(), *cores = json_array();
	uint32_t i;

	for (i = 0; i < machine->n_cores; i++)
		json_array_append_new(cores, json_integer(machine->core[i]));
	set(object, "model", json_string(machine->model));
	set(object, "kernel", json_string(machine->kernel));
	set(object, "libc", json_string(machine->libc));
	set(object, "cores", cores);
	set(object, "steal_percent", json_real(notes->steal_percent));
	set(object, "others_percent_of_one_core", json_real(notes->other_percent));
	return object;
}

/* What a reader should know before trusting a figure. */
static json_t *notes_json(const struct report_notes *notes)
{
	json_t *list = json_array();

	if (notes->steal_percent > STEAL_PERCENT_MAX)
		json_array_append_new(list, json_sprintf("the hypervisor took %.1f %% of all "
			"processors' time", notes->steal_percent));
	if (notes->other_percent > OTHER_PERCENT_MAX)
		json_array_append_new(list, json_sprintf("other programs used %.0f %% of one core",
			notes->other_percent));
	return list;
}

void report_write_json(const struct series *series, const struct report_notes *notes,
	const char *path)
{
	json_t *top = json_object(), *limits = json_array(), *results = json_array();
	json_t *verdicts = json_array(), *machine = machine_json(notes);
	size_t i;
	int r;

	for (i = 0; i < series->n; i++) {
		const struct result *result = &series->result[i];

		if (result->workload.kind->group == GROUP_LIMIT)
			json_array_append_new(limits, limit_json(result));
		else
			json_array_append_new(results, result_json(series, result));
	}
	for (i = 0; i < n_targets; i++)
		json_array_append_new(verdicts, target_json(series, &targets[i]));
	set(machine, "notes", notes_json(notes));
	set(top, "version", json_integer(JSON_VERSION));
	set(top, "thruster", json_string(thruster_version()));
	set(top, "machine", machine);
	set(top, "repetitions", json_integer(notes->plan->repetitions));
	set(top, "sample_ms", json_real(notes->plan->sample_ms));
	set(top, "quick", json_boolean(notes->plan->is_quick));
	set(top, "seconds", json_real(notes->seconds));
	set(top, "limits", limits);
	set(top, "engines", engines_json(series));
	set(top, "kinds", kinds_json(series, notes->machine->n_cores));
	set(top, "workloads", results);
	set(top, "targets", verdicts);
	if (strcmp(path, "-") == 0)
		r = json_dumpf(top, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(DIGITS));
	else
		r = json_dump_file(top, path, JSON_INDENT(2) | JSON_REAL_PRECISION(DIGITS));
	if (r < 0)
		fail("cannot write %s", path);
	json_decref(top);
}
