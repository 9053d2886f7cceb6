/* SPDX-License-Identifier: MIT */
/*
 * As more clients are attached. All but the one that is measured are one process, the crowd, which
 * attaches as often as it takes; each holds a lease and does nothing.
 */

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "bench/daemon.h"
#include "bench/growth/ask.h"
#include "bench/growth/curves.h"
#include "bench/growth/job.h"
#include "bench/growth/reclaim.h"
#include "bench/growth/rents.h"
#include "bench/growth/rounds.h"

#define SLOT_BYTES 64
#define SLOTS 4096
#define CLIENTS_MAX 1000

static json_t *config(void)
{
	return json_pack("{s:[{s:s, s:i, s:[{s:i, s:i}, {s:i, s:i}]}]}", "arenas", "name",
		"clients", "max_clients", 2 * CLIENTS_MAX + 64, "classes", "slot_bytes", SLOT_BYTES,
		"slots", SLOTS, "slot_bytes", RECLAIM_BYTES, "slots", RECLAIM_SLOTS_HELD);
}

/* Step n is n clients. Leaves without a word: the daemon is gone by then. */
static void crowd(struct job *job)
{
	struct thruster_lease lease;
	struct thruster_pool *pool;
	uint32_t n = 0, wanted;
	int r;

	while ((wanted = job_await(job, n)) != JOB_LEAVE)
		for (; n < wanted; n++) {
			job_attach(job, &pool);
			r = thruster_rent(pool, SLOT_BYTES, &lease);
			if (r < 0)
				job_fail(job, "cannot rent", r);
		}
}

static void sample_rents(const struct plan *plan, unsigned point, unsigned clients)
{
	struct job job = {
		.name = "rent-clients",
		.arena = "clients",
		.size = SLOT_BYTES,
		.sample_ms = plan->sample_ms,
		.body = rents_one,
		.clients = 1,
	};

	if (!curve_is_wanted(RENT_CLIENTS))
		return;
	curve_add(RENT_CLIENTS, 0, point, job_run(&job));
	job.clients = clients;
	curve_add(RENT_CLIENTS, 1, point, job_run(&job));
}

static void sample_reclaim(const struct plan *plan, unsigned point)
{
	struct job job = { .name = "reclaim-clients", .arena = "clients", .body = reclaim_once };
	struct answer answer;

	if (!curve_is_wanted(RECLAIM_CLIENTS))
		return;
	ask_daemon(plan->thrusterctl, &answer); /* has it walk, as it does each second */
	curve_add(RECLAIM_CLIENTS, 0, point, job_run(&job));
	ask_daemon(plan->thrusterctl, &answer);
	curve_add(RECLAIM_CLIENTS, 1, point, answer.reclaim_us);
}

static void sample_stats(const struct plan *plan, unsigned point)
{
	struct answer answer;

	if (!curve_is_wanted(STATS_CLIENTS))
		return;
	ask_daemon(plan->thrusterctl, &answer);
	ask_daemon(plan->thrusterctl, &answer);
	curve_add(STATS_CLIENTS, 0, point, answer.snapshot_us);
	curve_add(STATS_CLIENTS, 1, point, answer.command_us);
	curve_add(STATS_CLIENTS, 2, point, answer.daemon_us);
}

/* The daemon raises its own; the crowd needs a socket for each client. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

void round_of_clients(const struct plan *plan)
{
	struct job *others, model = {
		.name = "the crowd",
		.arena = "clients",
		.body = crowd,
	};
	unsigned i;

	if (!curve_is_wanted(RENT_CLIENTS) && !curve_is_wanted(RECLAIM_CLIENTS) &&
		!curve_is_wanted(STATS_CLIENTS))
		return;
	raise_descriptors();
	daemon_start(plan->thrusterd, config());
	others = job_start(&model);
	for (i = 0; i < curves[RENT_CLIENTS].n_points; i++) {
		unsigned clients = (unsigned)curves[RENT_CLIENTS].at[i];

		progress("clients", clients);
		job_reach(others, clients - 1);
		sample_rents(plan, i, clients);
		job_reach(others, clients);
		sample_stats(plan, i);
		sample_reclaim(plan, i);
	}
	daemon_stop();
	job_end(others);
}
