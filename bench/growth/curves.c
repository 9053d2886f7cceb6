/* SPDX-License-Identifier: MIT */
/* The table of curves, with what docs/architecture.md says of each, and their points. */

#include <fnmatch.h>
#include <string.h>
#include <unistd.h>
#include "bench/fail.h"
#include "bench/growth/curves.h"
#include "bench/statistics.h"

#define SEGMENT_SLOTS 64

struct curve curves[CURVES] = {
	[RENT_SLOTS] = {
		.name = "rent-slots",
		.what = "one rent and return",
		.x = "slots",
		.y = "ns",
		.design = "flat, but for lines that are in no cache: a rent looks at one mask, a "
			  "refill at 64 records, a return at three lines",
		.x_is_log = true,
		.n_lines = 4,
		.line = {
			{ .name = "one buffer" },
			{ .name = "up to 4096 held" },
			{ .name = "half of all held", .shape = SHAPE_MEMORY },
			{ .name = "memory alone", .shape = SHAPE_SILENT },
		},
	},
	[RENT_CLASSES] = {
		.name = "rent-classes",
		.what = "one rent and return of a size in one of N classes",
		.x = "classes",
		.y = "ns",
		.design = "flat: a table says which class holds a size; a little more in all but "
			  "the smallest",
		.n_lines = 3,
		.line = {
			{ .name = "last class", .shape = SHAPE_LINEAR },
			{ .name = "last, half held", .shape = SHAPE_LINEAR },
			{ .name = "smallest class" },
		},
	},
	[RENT_CLIENTS] = {
		.name = "rent-clients",
		.what = "one rent and return with N clients attached",
		.x = "clients",
		.y = "ns",
		.design = "flat: a client adds nothing to what another's rent looks at",
		.x_is_log = true,
		.n_lines = 2,
		.line = {
			{ .name = "others idle" },
			{ .name = "all active, by turns", .shape = SHAPE_SILENT },
		},
	},
	[RENT_OCCUPANCY] = {
		.name = "rent-occupancy",
		.what = "one rent and return with some of 4096 slots held by another client",
		.x = "percent",
		.y = "ns",
		.design = "one buffer: flat. More: a refill of 64 loads for as many slots as it "
			  "finds free",
		.n_lines = 3,
		.line = {
			{ .name = "one buffer" },
			{ .name = "8 held", .shape = SHAPE_SCARCITY },
			{ .name = "half of the rest held", .shape = SHAPE_SCARCITY },
		},
	},
	[RECLAIM_SLOTS] = {
		.name = "reclaim-slots",
		.what = "a client with 16 leases is killed, and another gets all 16",
		.x = "slots",
		.y = "us",
		.design = "linear in slots: a walk over 8 bytes a slot, a million in about 1 ms",
		.x_is_log = true,
		.n_lines = 4,
		.line = {
			{ .name = "kill to last lease", .shape = SHAPE_LINEAR, .each_ns = 1 },
			{ .name = "the daemon's part", .shape = SHAPE_LINEAR, .each_ns = 1 },
			{ .name = "to last, half held", .shape = SHAPE_LINEAR, .each_ns = 1 },
			{ .name = "daemon's, half held", .shape = SHAPE_LINEAR, .each_ns = 1 },
		},
	},
	[RECLAIM_CLIENTS] = {
		.name = "reclaim-clients",
		.what = "a client with 16 leases is killed, and another gets all 16",
		.x = "clients",
		.y = "us",
		.design = "the walk: flat. Before it, a question for a lock that passes those of "
			  "all clients",
		.x_is_log = true,
		.n_lines = 2,
		.line = {
			{ .name = "kill to last lease", .shape = SHAPE_LINEAR },
			{ .name = "the daemon's part" },
		},
	},
	[STATS_SLOTS] = {
		.name = "stats-slots",
		.what = "thrusterctl stats --json",
		.x = "slots",
		.y = "us",
		.design = "linear in slots: a walk over 8 bytes a slot and 8 of the walk before",
		.x_is_log = true,
		.n_lines = 4,
		.line = {
			{ .name = "snapshot, none held", .shape = SHAPE_LINEAR },
			{ .name = "snapshot, half held", .shape = SHAPE_LINEAR },
			{ .name = "command, none held", .shape = SHAPE_LINEAR },
			{ .name = "the daemon's time", .shape = SHAPE_LINEAR },
		},
	},
	[STATS_CLIENTS] = {
		.name = "stats-clients",
		.what = "thrusterctl stats --json",
		.x = "clients",
		.y = "us",
		.design = "linear in clients: a few counters of each, and an object in the answer",
		.x_is_log = true,
		.n_lines = 3,
		.line = {
			{ .name = "snapshot", .shape = SHAPE_LINEAR },
			{ .name = "command", .shape = SHAPE_LINEAR },
			{ .name = "the daemon's time", .shape = SHAPE_LINEAR },
		},
	},
};

static void set_points(enum curve_id id, const double *at, unsigned n)
{
	memcpy(curves[id].at, at, n * sizeof(*at));
	curves[id].n_points = n;
}

static void set_all_points(bool is_quick)
{
	static const double slots[] = { 64, 1e3, 1e4, 1e5, 1e6, 1e7 };
	static const double clients[] = { 1, 10, 100, 1000 };
	static const double classes[] = { 1, 2, 4, 8, 16 };
	static const double percent[] = { 0, 25, 50, 75, 90, 95, 99 };

	set_points(RENT_SLOTS, slots, is_quick ? 3 : 6);
	set_points(RECLAIM_SLOTS, slots, is_quick ? 3 : 6);
	set_points(STATS_SLOTS, slots, is_quick ? 3 : 6);
	set_points(RENT_CLIENTS, clients, is_quick ? 2 : 4);
	set_points(RECLAIM_CLIENTS, clients, is_quick ? 2 : 4);
	set_points(STATS_CLIENTS, clients, is_quick ? 2 : 4);
	set_points(RENT_CLASSES, classes, 5);
	set_points(RENT_OCCUPANCY, percent, 7);
}

/* Fewer segments than cores: thrusterd.json(5). */
static void set_apart(void)
{
	struct curve *curve = &curves[RENT_SLOTS];
	long cores = sysconf(_SC_NPROCESSORS_CONF);
	unsigned i;

	for (i = 0; i < curve->n_points; i++)
		if (curve->at[i] <= SEGMENT_SLOTS * (double)(cores - 1))
			curve->apart[i] = "an open class: every claim is a compare-and-swap";
}

unsigned curves_choose(const char *pattern, bool is_quick)
{
	unsigned i, n = 0;

	set_all_points(is_quick);
	set_apart();
	for (i = 0; i < CURVES; i++) {
		struct curve *curve = &curves[i];

		curve->is_wanted = !pattern || strstr(curve->name, pattern) ||
				   fnmatch(pattern, curve->name, 0) == 0;
		n += curve->is_wanted;
	}
	return n;
}

bool curve_is_wanted(enum curve_id id)
{
	return curves[id].is_wanted;
}

void curve_add(enum curve_id id, unsigned line, unsigned point, double value)
{
	struct figure *figure = &curves[id].line[line].figure[point];

	if (!(value > 0)) {
		figure->absence = "this machine does not tell";
		return;
	}
	if (figure->n == SAMPLES_MAX)
		fail("%s: too many samples", curves[id].name);
	figure->sample[figure->n++] = value;
}

void curve_absent(enum curve_id id, unsigned point, const char *why)
{
	unsigned i;

	for (i = 0; i < curves[id].n_lines; i++)
		curves[id].line[i].figure[point].absence = why;
}

double figure_quantile(const struct figure *figure, double part)
{
	return quantile(figure->sample, figure->n, part);
}
