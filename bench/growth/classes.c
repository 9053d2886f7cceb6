/* SPDX-License-Identifier: MIT */
/* As an arena has more classes, and as more of one is taken. */

#include <stdio.h>
#include "bench/daemon.h"
#include "bench/growth/curves.h"
#include "bench/growth/job.h"
#include "bench/growth/rents.h"
#include "bench/growth/rounds.h"

#define LINE 64
#define SLOTS_A_CLASS 1024
/* Of so many lines that no run of the classes below, which have odd numbers of them, is as good. */
#define LAST_BYTES (67 * LINE)
#define TAKEN_SLOTS 4096

/* The last class is the same whatever comes before it. */
static json_t *arena_of_classes(unsigned n)
{
	json_t *classes = json_array();
	char name[32];
	unsigned i;

	for (i = 0; i + 1 < n; i++)
		json_array_append_new(classes, json_pack("{s:i, s:i}", "slot_bytes",
			(int)((2 * i + 1) * LINE), "slots", SLOTS_A_CLASS));
	json_array_append_new(classes, json_pack("{s:i, s:i}", "slot_bytes", LAST_BYTES, "slots",
		SLOTS_A_CLASS));
	snprintf(name, sizeof(name), "classes-%u", n);
	return json_pack("{s:s, s:o}", "name", name, "classes", classes);
}

static json_t *config(void)
{
	const struct curve *curve = &curves[RENT_CLASSES];
	json_t *arenas = json_array();
	unsigned i;

	for (i = 0; i < curve->n_points; i++)
		json_array_append_new(arenas, arena_of_classes((unsigned)curve->at[i]));
	json_array_append_new(arenas, json_pack("{s:s, s:[{s:i, s:i}]}", "name", "taken",
		"classes", "slot_bytes", LINE, "slots", TAKEN_SLOTS));
	return json_pack("{s:o}", "arenas", arenas);
}

static void sample_classes(const struct plan *plan, unsigned point)
{
	unsigned classes = (unsigned)curves[RENT_CLASSES].at[point];
	char name[32];
	struct job job = {
		.name = "rent-classes",
		.arena = name,
		.size = LAST_BYTES,
		.held = SLOTS_A_CLASS / 2,
		.sample_ms = plan->sample_ms,
		.body = rents_one,
	};

	progress("classes", classes);
	snprintf(name, sizeof(name), "classes-%u", classes);
	curve_add(RENT_CLASSES, 0, point, job_run(&job));
	job.body = rents_window;
	curve_add(RENT_CLASSES, 1, point, job_run(&job));
	job.body = rents_one;
	job.size = LINE;
	curve_add(RENT_CLASSES, 2, point, job_run(&job));
}

static void sample_occupancy(const struct plan *plan, unsigned point)
{
	struct job job = {
		.name = "rent-occupancy",
		.arena = "taken",
		.size = LINE,
		.slots = TAKEN_SLOTS,
		.held = (unsigned)curves[RENT_OCCUPANCY].at[point],
		.sample_ms = plan->sample_ms,
	};

	progress("percent taken", job.held);
	job.body = rents_beside_one;
	curve_add(RENT_OCCUPANCY, 0, point, job_run(&job));
	job.body = rents_beside_8;
	curve_add(RENT_OCCUPANCY, 1, point, job_run(&job));
	job.body = rents_beside_half;
	curve_add(RENT_OCCUPANCY, 2, point, job_run(&job));
}

void round_of_classes(const struct plan *plan)
{
	unsigned i;

	if (!curve_is_wanted(RENT_CLASSES) && !curve_is_wanted(RENT_OCCUPANCY))
		return;
	daemon_start(plan->thrusterd, config());
	for (i = 0; curve_is_wanted(RENT_CLASSES) && i < curves[RENT_CLASSES].n_points; i++)
		sample_classes(plan, i);
	for (i = 0; curve_is_wanted(RENT_OCCUPANCY) && i < curves[RENT_OCCUPANCY].n_points; i++)
		sample_occupancy(plan, i);
	daemon_stop();
}
