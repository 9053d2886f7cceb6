/* SPDX-License-Identifier: MIT */
/*
 * As an arena has more slots. Each number of them has a daemon to itself, for what a daemon tells
 * and walks is of all its arenas.
 */

#include <stdio.h>
#include <string.h>
#include "bench/daemon.h"
#include "bench/growth/ask.h"
#include "bench/growth/curves.h"
#include "bench/growth/job.h"
#include "bench/growth/reclaim.h"
#include "bench/growth/rents.h"
#include "bench/growth/rounds.h"

#define SLOT_BYTES 64
#define WINDOW_MAX 4096
/* Slot, metadata, the daemon's ledger, the tables that map them, and a lease in our own memory. */
#define BYTES_A_SLOT 160.0

static json_t *config(unsigned slots)
{
	return json_pack("{s:[{s:s, s:[{s:i, s:i}, {s:i, s:i}]}]}", "arenas", "name", "slots",
		"classes", "slot_bytes", SLOT_BYTES, "slots", (int)slots, "slot_bytes",
		RECLAIM_BYTES, "slots", RECLAIM_SLOTS_HELD);
}

static double available_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	double kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %lf", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * 1024;
}

static void sample_rents(const struct plan *plan, unsigned point, unsigned slots)
{
	struct job job = {
		.name = "rent-slots",
		.arena = "slots",
		.size = SLOT_BYTES,
		.slots = slots,
		.held = slots / 2 < WINDOW_MAX ? slots / 2 : WINDOW_MAX,
		.sample_ms = plan->sample_ms,
		.body = rents_one,
	};

	if (!curve_is_wanted(RENT_SLOTS))
		return;
	curve_add(RENT_SLOTS, 0, point, job_run(&job));
	job.body = rents_window;
	curve_add(RENT_SLOTS, 1, point, job_run(&job));
	job.body = rents_none;
	curve_add(RENT_SLOTS, 3, point, job_run(&job));
}

/* Two lines: all, and the daemon's part. */
static void sample_reclaim(const struct plan *plan, unsigned point, unsigned line)
{
	struct job job = { .name = "reclaim-slots", .arena = "slots", .body = reclaim_once };
	struct answer answer;

	if (!curve_is_wanted(RECLAIM_SLOTS))
		return;
	ask_daemon(plan->thrusterctl, &answer); /* has it walk, as it does each second */
	curve_add(RECLAIM_SLOTS, line, point, job_run(&job));
	ask_daemon(plan->thrusterctl, &answer);
	curve_add(RECLAIM_SLOTS, line + 1, point, answer.reclaim_us);
}

static void sample_stats(const struct plan *plan, unsigned point)
{
	struct answer answer;

	if (!curve_is_wanted(STATS_SLOTS))
		return;
	ask_daemon(plan->thrusterctl, &answer); /* counts what the others have done */
	ask_daemon(plan->thrusterctl, &answer);
	curve_add(STATS_SLOTS, 0, point, answer.snapshot_us);
	curve_add(STATS_SLOTS, 2, point, answer.command_us);
	curve_add(STATS_SLOTS, 3, point, answer.daemon_us);
}

/* Rents, and then the others while it holds what it has. */
static void sample_half(const struct plan *plan, unsigned point, unsigned slots)
{
	struct job *job, model = {
		.name = "half of all held",
		.arena = "slots",
		.size = SLOT_BYTES,
		.slots = slots,
		.sample_ms = plan->sample_ms,
		.body = rents_half,
	};
	struct answer answer;
	double ns;

	job = job_start(&model);
	job_reach(job, 1);
	if (curve_is_wanted(STATS_SLOTS)) {
		ask_daemon(plan->thrusterctl, &answer);
		ask_daemon(plan->thrusterctl, &answer);
		curve_add(STATS_SLOTS, 1, point, answer.snapshot_us);
	}
	sample_reclaim(plan, point, 2);
	ns = job_end(job);
	if (curve_is_wanted(RENT_SLOTS))
		curve_add(RENT_SLOTS, 2, point, ns);
}

void round_of_slots(const struct plan *plan)
{
	static const char short_of_memory[] = "the machine has too little memory";
	unsigned i;

	if (!curve_is_wanted(RENT_SLOTS) && !curve_is_wanted(RECLAIM_SLOTS) &&
		!curve_is_wanted(STATS_SLOTS))
		return;
	for (i = 0; i < curves[RENT_SLOTS].n_points; i++) {
		unsigned slots = (unsigned)curves[RENT_SLOTS].at[i];

		progress("slots", slots);
		if (slots * BYTES_A_SLOT > available_bytes()) {
			curve_absent(RENT_SLOTS, i, short_of_memory);
			curve_absent(RECLAIM_SLOTS, i, short_of_memory);
			curve_absent(STATS_SLOTS, i, short_of_memory);
			continue;
		}
		daemon_start(plan->thrusterd, config(slots));
		sample_rents(plan, i, slots);
		sample_reclaim(plan, i, 0);
		sample_stats(plan, i);
		sample_half(plan, i, slots);
		daemon_stop();
	}
}
