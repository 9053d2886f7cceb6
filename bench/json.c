/* SPDX-License-Identifier: MIT */
/* The results as one JSON object, every sample included, so that other statistics can be made. */

#include <jansson.h>
#include <string.h>
#include <thruster/client.h>
#include "bench/fail.h"
#include "bench/report.h"
#include "bench/verdicts.h"

#define JSON_VERSION 1
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

static const char *engine_name(enum engine_kind engine)
{
	static const char *const names[] = {
		[ENGINE_NONE] = "none",
		[ENGINE_POOL] = "pool",
		[ENGINE_PORTABLE] = "pool without rseq",
		[ENGINE_TICKETS] = "pool, handed over",
		[ENGINE_CAS_MASK] = "CAS masks",
		[ENGINE_QUEUE] = "queue of pointers",
	};

	return names[engine];
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

static json_t *result_json(const struct series *series, const struct result *result, unsigned cores)
{
	const struct workload *workload = result->workload;
	json_t *object = json_object(), *samples = json_array();
	const struct result *single = series_find(series, "single/pool");
	const struct result *lock = series_find(series, "limit/lock-add");
	unsigned i;

	set(object, "name", json_string(workload->name));
	set(object, "engine", json_string(engine_name(workload->engine)));
	set(object, "arena", workload->arena ? json_string(workload->arena) : json_null());
	set(object, "processes", json_integer(workload->processes));
	set(object, "threads", json_integer(workload_threads(workload, cores)));
	set(object, "place", json_string(place_name(workload->place)));
	for (i = 0; i < result->n; i++)
		json_array_append_new(samples, json_real(result->ns[i]));
	if (result->absence) {
		set(object, "absent", json_string(result->absence));
		json_decref(samples);
		return object;
	}
	set(object, "median_ns", json_real(result->median));
	set(object, "p10_ns", json_real(result->p10));
	set(object, "p90_ns", json_real(result->p90));
	set(object, "median_deviation_ns", json_real(result->deviation));
	set(object, "samples_ns", samples);
	set(object, "ops_per_lane", json_integer((json_int_t)result->ops));
	set(object, "dry_per_op", json_real(result->dry));
	set(object, "disturbed_samples", json_integer(result->disturbed));
	set(object, "retaken_samples", json_integer(result->retaken));
	set_ratio(object, "ratio_to_single", single ? result->median / single->median : 0);
	set_ratio(object, "ratio_to_lock_add", lock ? result->median / lock->median : 0);
	set_ratio(object, "ratio_to_cas_mask", report_beside(series, result, "cas-mask"));
	set_ratio(object, "ratio_to_queue", report_beside(series, result, "queue"));
	return object;
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

void report_write_json(const struct series *series, const struct report_notes *notes,
	const char *path)
{
	json_t *top = json_object(), *results = json_array(), *verdicts = json_array();
	size_t i;
	int r;

	for (i = 0; i < series->n; i++)
		json_array_append_new(results, result_json(series, &series->result[i],
						       notes->machine->n_cores));
	for (i = 0; i < n_targets; i++)
		json_array_append_new(verdicts, target_json(series, &targets[i]));
	set(top, "version", json_integer(JSON_VERSION));
	set(top, "thruster", json_string(thruster_version()));
	set(top, "machine", machine_json(notes));
	set(top, "repetitions", json_integer(notes->plan->repetitions));
	set(top, "sample_ms", json_real(notes->plan->sample_ms));
	set(top, "quick", json_boolean(notes->plan->is_quick));
	set(top, "seconds", json_real(notes->seconds));
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
