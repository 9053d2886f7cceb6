/* SPDX-License-Identifier: MIT */
#ifndef BENCH_DEATHS_STORMS_H
#define BENCH_DEATHS_STORMS_H

/* The programs that have an engine in them, begun for one storm each. */

#include "bench/deaths/intent.h"
#include "bench/engines.h"
#include "bench/storm.h"

/* Which of storm_kinds an engine can do. */
unsigned storms_kind(const struct engine *engine, unsigned held);

/* The daemon that it needs, if it needs one. NULL, or why there is none. Each storm that counts
 * wants a new one. */
const char *storms_start_daemon(const struct intent *intent, const struct engine *engine,
	unsigned which);
void storms_stop_daemon(const struct engine *engine);

/* By the engine, of storm_kinds[which]. *storm has the orders and gets the rest, also if it comes
 * to no good end. `progress`, unless NULL, is called about once a second. */
void storms_run(const struct engine *engine, unsigned which, struct storm *storm,
	void (*progress)(const struct engine *engine, const struct storm *storm));

#endif
