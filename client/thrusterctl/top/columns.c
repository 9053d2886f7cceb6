/* SPDX-License-Identifier: MIT */
/*
 * Which tables there are, and what stands in each column. What has rank 0 and its blanks in front
 * fits into 80 columns, where the arena's name and the label, or the bar, take what is left.
 */

#include "client/thrusterctl/top/model.h"

#define ARENA { "ARENA", TOP_ARENA, 5, .help = "name of the arena" }
#define CLASS { "CLASS", TOP_SIZE, 5, .help = "size of its slots" }
#define CORE { "CORE", TOP_ID, 4, "core", .help = "number of the logical CPU" }
#define PID { "PID", TOP_ID, 5, "pid", .help = "its process; 0 if the daemon cannot see it" }
#define LABEL { "LABEL", TOP_TEXT, 8, "label", .help = "what it calls itself; not to be trusted" }
#define RATE(title, width, field, text) { title, TOP_RATE, width, field, .help = text }
#define ALARM(title, width, field, text) \
	{ title, TOP_RATE, width, field, .is_alarm = true, .help = text }
#define MORE(rank_, title, width, field, text) \
	{ title, TOP_RATE, width, field, .rank = rank_, .help = text }
#define MEAN_WAIT \
	{ "AVGWAIT", TOP_MEAN, 7, "waits.sum", "waits.count", \
		.help = "mean length of the waits that ended meanwhile" }

/* What eBPF counts, of cores and of clients; all are rates. */
#define EBPF_COUNTS \
	RATE("REFILL", 6, "refills_total", "walks over a segment's records that gave slots"), \
	RATE("ADOPT", 5, "adoptions_total", "segments that came to be held"), \
	RATE("ASKS", 5, "asks_total", "asked another core for a segment"), \
	RATE("YIELD", 5, "yields_total", "gave a segment to a core that had asked"), \
	RATE("VISIT", 5, "visits_total", "the daemon came to take segments away"), \
	RATE("RESTART", 7, "restarts_total", "sequences begun anew after a preemption"), \
	ALARM("EXH", 5, "exhausted_total", "rents that found no slot"), \
	RATE("WAITS", 5, "waits_total", "waits that ended"), \
	MEAN_WAIT, \
	MORE(1, "RETRY", 5, "retries_total", "claims that lost their slot to another"), \
	MORE(1, "WAKES", 5, "wakes_total", "waiters woken"), \
	MORE(1, "TIMEOUT", 7, "wait_timeouts_total", "waits that ended without a slot")

/* Of a core: what is rented, and what that took. */
#define CORE_COUNTS \
	{ "LEASED", TOP_NUMBER, 6, "leased", \
		.help = "slots leased of those that the core holds" }, \
	{ "TAKEABLE", TOP_NUMBER, 8, "takeable", .help = "slots free, and in the core's masks" }, \
	RATE("RENTS/S", 7, "rents_total", "rents begun on this core"), \
	{ "REMOTE", TOP_SHARE, 6, "remote_returns_total", "local_returns_total", \
		.help = "share of the returns here of slots that the core does not hold" }, \
	RATE("REFILL/S", 8, "refills_total", "walks over a segment's records that gave slots"), \
	RATE("ADOPT/S", 7, "adoptions_total", "segments that the core began to hold"), \
	RATE("RESTART/S", 9, "restarts_total", "sequences begun anew after a preemption"), \
	RATE("WAITS/S", 7, "waits.count", "waits that ended on this core")

#define CORE_MORE(visits_rank) \
	{ "VISIT/S", TOP_RATE, 7, "visits_total", .rank = visits_rank, \
		.help = "the daemon came to take segments away for one who waits" }, \
	{ "HOLDS", TOP_NUMBER, 6, "slots", .rank = 1, .help = "slots of the segments it holds" }, \
	{ "AVGWAIT", TOP_MEAN, 7, "waits.sum", "waits.count", .rank = 1, \
		.help = "mean length of the waits that ended meanwhile" }, \
	{ "EXH/S", TOP_RATE, 5, "exhausted_total", .rank = 1, .is_alarm = true, \
		.help = "rents on this core that found no slot in the class" }, \
	MORE(2, "RETRY/S", 7, "retries_total", "claims that lost their slot to another client")

const struct top_table top_tables[] = {
	{ "Classes", "classes", "classes", TOP_CLASSES, true, 0, {
		CLASS,
		{ "LEASED", TOP_FILL, 13, "leased", "slots", "leased_peak",
			.help = "of all slots, now; the mark is the most that were ever seen" },
		{ "SLOTS", TOP_NUMBER, 6, "slots", .help = "slots of the class" },
		{ "FREE", TOP_NUMBER, 6, "free", .help = "slots not leased" },
		{ "LOW", TOP_NUMBER, 6, "free_min", .help = "low water: fewest free ever seen" },
		{ "PEAK", TOP_NUMBER, 6, "leased_peak", .help = "most leased ever seen" },
		RATE("RENTS/S", 7, "rents_total", "leases begun"),
		ALARM("EXH/S", 5, "exhausted_total", "rents that found no slot in this class"),
		{ "WAITERS", TOP_NUMBER, 7, "waiters", .is_alarm = true,
			.help = "threads that wait for a slot now" },
		MEAN_WAIT,
		MORE(1, "RETURNS/S", 9, "returns_total", "leases ended by their owner"),
		{ "PENDING", TOP_NUMBER, 7, "pending", .rank = 1,
			.help = "leases handed over and not yet accepted" },
		{ "RECLAIMED", TOP_NUMBER, 9, "reclaimed_total", .rank = 1,
			.help = "leases ever taken back from clients that were gone" },
		{ "MOST", TOP_NUMBER, 5, "waiters_peak", .rank = 2,
			.help = "most threads that ever waited at once" },
		MORE(2, "TIMEOUT/S", 9, "wait_timeouts_total", "waits that ended without a slot"),
	} },
	{ "Cores", "all classes", "cores", TOP_CORES, true, 0, {
		CORE, CORE_COUNTS, CORE_MORE(0),
	} },
	{ "Cores", "class by class", "cores", TOP_CLASS_CORES, true, 0, {
		CORE, CLASS, CORE_COUNTS, CORE_MORE(1),
	} },
	{ "Clients", "clients", "clients", TOP_CLIENTS, false, 5, {
		ARENA,
		{ "ID", TOP_ID, 5, "id", .help = "its number, that tickets are made out to" },
		PID,
		LABEL,
		{ "LEASES", TOP_NUMBER, 6, "leased", .help = "leases that it holds" },
		{ "BYTES", TOP_BYTES, 5, "leased_bytes", .help = "that these may use" },
		ALARM("EXH/S", 5, "exhausted_total", "rents that found nothing in any class"),
		RATE("WAITS/S", 7, "waits_total", "rents that began to wait"),
		{ "WAIT%", TOP_LOAD, 5, "wait_ns_total",
			.help = "time spent waiting; 200 % is all the time of two threads" },
		{ "WAITERS", TOP_NUMBER, 7, "waiters", .is_alarm = true,
			.help = "threads of it that wait for a slot now" },
		{ "MAXWAIT", TOP_DURATION, 7, "wait_max_ns", .rank = 1,
			.help = "longest wait it ever had" },
		{ "AGE", TOP_AGE, 6, "attached_realtime_ns", .rank = 1,
			.help = "time since it attached" },
		MORE(1, "GIVEN/S", 7, "hand_overs_total", "leases handed to other clients"),
		MORE(1, "TAKEN/S", 7, "accepts_total", "leases accepted from other clients"),
		{ "REFUSED", TOP_NUMBER, 7, "refused_total", .rank = 2, .is_alarm = true,
			.help = "returns and hand-overs of what was not its, ever" },
		{ "UID", TOP_ID, 5, "uid", .rank = 2, .help = "its user when it attached" },
	} },
	{ "Contention", "cores", "cores with contention", TOP_EBPF_CORES, true, 0, {
		CORE, CLASS, EBPF_COUNTS,
	} },
	{ "Contention", "clients", "clients with contention", TOP_EBPF_CLIENTS, true, 0, {
		PID, LABEL, EBPF_COUNTS,
	} },
	{ "Contention", "steals", "steals", TOP_EBPF_STEALS, true, 2, {
		{ "FROM", TOP_ID, 4, "from", .help = "core that held the segments; - is a thread" },
		{ "TO", TOP_ID, 4, "to", .help = "core that got them; likewise" },
		{ "SEGMENTS", TOP_NUMBER, 8, "segments", .help = "that went this way so far" },
		RATE("SEGMENTS/S", 10, "segments", "that go this way"),
	} },
};

const size_t top_n_tables = sizeof(top_tables) / sizeof(top_tables[0]);

size_t top_n_columns(const struct top_table *table)
{
	size_t n = 0;

	while (n < TOP_COLUMNS_MAX && table->columns[n].title)
		n++;
	return n;
}
