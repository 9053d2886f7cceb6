/* SPDX-License-Identifier: MIT */
/*
 * The table of all families. A name, once printed, stays: dashboards and alarms are made of them.
 * What adds up to something else has a name of its own (class, core, client), so that a sum over a
 * family counts nothing twice.
 */

#include "client/thrusterctl/metrics/metrics.h"

static const struct metrics_scope daemon_scope = {
	.title = "The daemon", .root = "daemon", .created = "started_realtime_ns" };
/* These outlive the daemon. */
static const struct metrics_scope state_scope = { .title = "The daemon's state", .root = "daemon" };
static const struct metrics_scope reclaim = { .title = "Reclaim", .root = "reclaim" };
static const struct metrics_scope integrity = { .title = "Integrity", .root = "integrity" };

#define ARENA { "arenas", "arena=name,arena_id=id" }
#define CLASS { "classes", "class=slot_bytes,class_index=#" }
#define CORE { "cores", "core=core" }
#define CLIENT { "clients", "client=id,pid=pid,label=label" }

static const struct metrics_scope arena = { .title = "Arenas", .root = "", .steps = { ARENA } };
static const struct metrics_scope class_ = {
	.title = "Classes", .root = "", .steps = { ARENA, CLASS } };
static const struct metrics_scope core = { .title = "Cores", .root = "",
	.steps = { ARENA, CLASS, CORE }, .is_of_cores = true };
static const struct metrics_scope client = { .title = "Clients", .root = "",
	.steps = { ARENA, CLIENT }, .created = "attached_realtime_ns", .is_of_clients = true };

#define SINCE "/contention.ebpf.since_realtime_ns"
#define TRACED_CLASS { "classes", "class=slot_bytes,class_index=class" }

static const struct metrics_scope ebpf = {
	.title = "Tracing", .root = "contention.ebpf", .created = "since_realtime_ns" };
static const struct metrics_scope probe = { .title = "Probes", .root = "contention.ebpf",
	.steps = { { "probes", "probe=probe,file=file,inode=inode,offset=offset" } } };
static const struct metrics_scope traced_arena = { .title = "Arenas, traced",
	.root = "contention", .steps = { ARENA }, .created = SINCE };
static const struct metrics_scope traced_class = { .title = "Classes, traced",
	.root = "contention", .steps = { ARENA, TRACED_CLASS }, .created = SINCE };
static const struct metrics_scope traced_core = { .title = "Cores, traced",
	.root = "contention", .steps = { ARENA, TRACED_CLASS, CORE }, .created = SINCE,
	.is_of_cores = true };
static const struct metrics_scope traced_client = { .title = "Clients, traced",
	.root = "contention", .steps = { ARENA, CLIENT }, .created = SINCE,
	.is_of_clients = true };
static const struct metrics_scope steal = { .title = "Who took from whom, traced",
	.root = "contention",
	.steps = { ARENA, { "steals", "from_core=from,to_core=to" } }, .created = SINCE,
	.is_of_cores = true };

#define GAUGE(scope, name, unit, path, help) \
	{ &scope, METRICS_GAUGE, "thruster_" name, unit, path, help }
#define COUNTER(scope, name, unit, path, help) \
	{ &scope, METRICS_COUNTER, "thruster_" name, unit, path, help }
#define HISTOGRAM(scope, name, path, help) \
	{ &scope, METRICS_HISTOGRAM, "thruster_" name "_seconds", "seconds", path, help }
#define INFO(scope, name, labels, help) \
	{ &scope, METRICS_INFO, "thruster_" name "_info", NULL, labels, help }

/* What the programs in the kernel count, alike of classes, cores and clients. */
#define TRACED(scope, what, from) \
	COUNTER(scope, "traced_" what "_attaches", NULL, from "attaches_total", \
		"Clients that attached."), \
	COUNTER(scope, "traced_" what "_refills", NULL, from "refills_total", \
		"Walks over a segment's records that gave slots to take."), \
	COUNTER(scope, "traced_" what "_adoptions", NULL, from "adoptions_total", \
		"Segments that a search made a core's own."), \
	COUNTER(scope, "traced_" what "_asks", NULL, from "asks_total", \
		"Times that another core was asked for a segment."), \
	COUNTER(scope, "traced_" what "_yields", NULL, from "yields_total", \
		"Segments given to a core that asked."), \
	COUNTER(scope, "traced_" what "_visits", NULL, from "visits_total", \
		"Visits of the daemon to take segments away."), \
	COUNTER(scope, "traced_" what "_retries", NULL, from "retries_total", \
		"Claims that lost their slot to another client."), \
	COUNTER(scope, "traced_" what "_restarts", NULL, from "restarts_total", \
		"Operations begun anew after a preemption."), \
	COUNTER(scope, "traced_" what "_exhausted", NULL, from "exhausted_total", \
		"Rents that found no free slot."), \
	COUNTER(scope, "traced_" what "_waits_begun", NULL, from "waits_begun_total", \
		"Waits for a slot that were begun."), \
	COUNTER(scope, "traced_" what "_waits", NULL, from "waits_total", \
		"Waits for a slot that ended, with one or without."), \
	COUNTER(scope, "traced_" what "_wait_timeouts", NULL, from "wait_timeouts_total", \
		"Waits that ended without a slot."), \
	COUNTER(scope, "traced_" what "_wakes", NULL, from "wakes_total", \
		"Wakes of threads that waited."), \
	COUNTER(scope, "traced_" what "_reclaims", NULL, from "reclaims_total", \
		"Reclaims by the daemon of what a client had."), \
	HISTOGRAM(scope, "traced_" what "_wait", from "waits", \
		"How long waits for a slot took.")

const struct metrics_family metrics_families[] = {
	INFO(daemon_scope, "build", "version=version", "The daemon's version."),
	GAUGE(daemon_scope, "daemon_start_time_seconds", "seconds", "started_realtime_ns",
		"When the daemon started, since 1970."),
	GAUGE(daemon_scope, "daemon_connections", NULL, "connections", "Connections open now."),
	COUNTER(daemon_scope, "daemon_refused_connections", NULL, "connections_refused_total",
		"Connections closed at once because there were too many."),
	COUNTER(daemon_scope, "daemon_protocol_violations", NULL, "protocol_violations_total",
		"Messages that broke the protocol."),
	COUNTER(state_scope, "daemon_runs", NULL, "runs_total",
		"Runs of the daemon with this state, the present one included."),
	COUNTER(state_scope, "arenas_set_aside", NULL, "set_aside_total",
		"Arenas that were found damaged and are not touched since."),
	GAUGE(state_scope, "arenas_set_aside_mapped", NULL, "set_aside#",
		"Arenas set aside that somebody still has mapped."),

	COUNTER(reclaim, "reclaimed_clients", NULL, "clients_total",
		"Clients gone without a detach."),
	GAUGE(reclaim, "reclaim_last_duration_seconds", "seconds", "duration_last_ns",
		"How long the last reclaim of a client took."),
	GAUGE(reclaim, "reclaim_longest_duration_seconds", "seconds", "duration_max_ns",
		"How long the longest reclaim of a client took."),
	HISTOGRAM(reclaim, "reclaim_duration", "duration",
		"How long the reclaims of clients that had leases took."),

	COUNTER(integrity, "audits", NULL, "audits_total", "Audits of an arena by the judge."),
	COUNTER(integrity, "audit_faults", NULL, "audit_faults_total",
		"Those of them that found a broken rule."),
	GAUGE(integrity, "audit_last_duration_seconds", "seconds", "audit_last_ns",
		"How long the last audit of an arena took, of all arenas the longest."),

	INFO(arena, "arena", "state=state,allocate=memory.allocate",
		"The arena's state and how its memory is allocated."),
	GAUGE(arena, "arena_retired", NULL, "state=retired",
		"1 if the arena is of an earlier configuration and kept for its clients."),
	GAUGE(arena, "arena_size_bytes", "bytes", "size_bytes", "The arena, metadata and data."),
	GAUGE(arena, "arena_metadata_bytes", "bytes", "metadata_bytes",
		"All before the first buffer."),
	GAUGE(arena, "arena_resident_bytes", "bytes", "memory.resident_bytes",
		"The arena's pages in memory or swapped out."),
	GAUGE(arena, "arena_page_bytes", "bytes", "memory.page_bytes",
		"The size of the kernel's pages."),
	GAUGE(arena, "arena_clients", NULL, "clients#", "Clients attached now."),
	GAUGE(arena, "arena_clients_limit", NULL, "max_clients",
		"Clients that may be attached at once."),
	GAUGE(arena, "arena_quota_bytes", "bytes", "quota_bytes",
		"Bytes that one client may hold at once; 0 is no limit."),
	GAUGE(arena, "arena_quota_leases", NULL, "quota_leases",
		"Leases that one client may hold at once; 0 is no limit."),
	COUNTER(arena, "arena_over_quota_clients", NULL, "over_quota_total",
		"Clients that were found over the quota."),
	GAUGE(arena, "arena_snapshot_duration_seconds", "seconds", "snapshot_duration_ns",
		"How long the walk over all records took."),
	GAUGE(arena, "arena_trim_after_seconds", "seconds", "memory.trim_after_s",
		"Idle time after which pages are given back; 0 is never."),
	GAUGE(arena, "arena_trimming", NULL, "memory.trimming", "1 while the arena is trimmed."),
	COUNTER(arena, "arena_trims", NULL, "memory.trims_total", "Trims that came to their end."),
	COUNTER(arena, "arena_trimmed_bytes", "bytes", "memory.trimmed_bytes_total",
		"Bytes given back to the kernel by trims."),

	INFO(class_, "class", "claim=claim,stride=stride_bytes,align=align_bytes",
		"How slots are claimed and laid out."),
	GAUGE(class_, "class_slots", NULL, "slots", "Slots of the class."),
	GAUGE(class_, "class_free_slots", NULL, "free", "Slots that are not leased."),
	GAUGE(class_, "class_free_min_slots", NULL, "free_min",
		"Fewest free slots at any walk since the arena was made."),
	GAUGE(class_, "class_leased_slots", NULL, "leased", "Slots leased or pending."),
	GAUGE(class_, "class_leased_peak_slots", NULL, "leased_peak",
		"Most leased slots at any walk since the arena was made."),
	GAUGE(class_, "class_pending_leases", NULL, "pending",
		"Leases handed over and not yet accepted."),
	GAUGE(class_, "class_takeable_slots", NULL, "takeable",
		"Free slots in the mask of a core; 0 in an open class."),
	GAUGE(class_, "class_unheld_slots", NULL, "unheld",
		"Free slots in segments that nobody holds; 0 in an open class."),
	COUNTER(class_, "class_rents", NULL, "rents_total", "Leases begun."),
	COUNTER(class_, "class_returns", NULL, "returns_total", "Leases ended by their owner."),
	COUNTER(class_, "class_reclaims", NULL, "reclaimed_total", "Leases ended by the daemon."),
	COUNTER(class_, "class_exhausted", NULL, "exhausted_total",
		"Rents of a single slot that found none free in the class."),
	COUNTER(class_, "class_retries", NULL, "retries_total",
		"Claims in an open class that lost their slot to another client."),
	GAUGE(class_, "class_waiters", NULL, "waiters", "Threads that wait now, as they say."),
	GAUGE(class_, "class_waiters_peak", NULL, "waiters_peak",
		"Most threads that can have waited at once."),
	COUNTER(class_, "class_waits", NULL, "waits_total",
		"Waits for a slot that ended, with one or without."),
	COUNTER(class_, "class_wait_timeouts", NULL, "wait_timeouts_total",
		"Waits that ended without a slot."),
	HISTOGRAM(class_, "class_wait", "waits", "How long waits for a slot took."),

	GAUGE(core, "core_held_slots", NULL, "slots", "Slots of the segments that the core holds."),
	GAUGE(core, "core_leased_slots", NULL, "leased", "Slots leased of those that it holds."),
	GAUGE(core, "core_takeable_slots", NULL, "takeable", "Slots free and in the core's masks."),
	COUNTER(core, "core_rents", NULL, "rents_total", "Rents begun on the core."),
	COUNTER(core, "core_local_returns", NULL, "local_returns_total",
		"Leases returned on the core into a segment that it holds."),
	COUNTER(core, "core_remote_returns", NULL, "remote_returns_total",
		"Leases returned on the core into another segment."),
	COUNTER(core, "core_refills", NULL, "refills_total",
		"Walks over a segment's records that gave slots to take."),
	COUNTER(core, "core_adoptions", NULL, "adoptions_total",
		"Segments that a search made the core's own."),
	COUNTER(core, "core_visits", NULL, "visits_total",
		"Visits of the daemon to take segments away."),
	COUNTER(core, "core_restarts", NULL, "restarts_total",
		"Operations begun anew after a preemption."),
	COUNTER(core, "core_exhausted", NULL, "exhausted_total",
		"Rents on the core that found no free slot."),
	COUNTER(core, "core_retries", NULL, "retries_total",
		"Claims on the core that lost their slot to another client."),
	COUNTER(core, "core_waits", NULL, "waits_total",
		"Waits that ended on the core, with a slot or without."),
	COUNTER(core, "core_wait_timeouts", NULL, "wait_timeouts_total",
		"Waits that ended on the core without a slot."),
	HISTOGRAM(core, "core_wait", "waits", "How long waits that ended on the core took."),

	GAUGE(client, "client_leases", NULL, "leased", "Leases that the client holds."),
	GAUGE(client, "client_leases_peak", NULL, "leased_peak",
		"Most leases that the client held at any walk."),
	GAUGE(client, "client_leased_bytes", "bytes", "leased_bytes",
		"Bytes that the client's leases may use."),
	GAUGE(client, "client_over_quota", NULL, "over_quota",
		"1 if the client holds more than the quota."),
	GAUGE(client, "client_waiters", NULL, "waiters", "Threads of the client that wait now."),
	COUNTER(client, "client_exhausted", NULL, "exhausted_total",
		"Rents that found nothing in any class."),
	COUNTER(client, "client_waits", NULL, "waits_total", "Rents that began to wait."),
	COUNTER(client, "client_wait_seconds", "seconds", "wait_ns_total",
		"Time that the client's threads waited."),
	GAUGE(client, "client_longest_wait_seconds", "seconds", "wait_max_ns",
		"The longest wait of a thread of the client."),
	COUNTER(client, "client_hand_overs", NULL, "hand_overs_total",
		"Leases passed to another client."),
	COUNTER(client, "client_accepts", NULL, "accepts_total",
		"Leases received from another client."),
	COUNTER(client, "client_refused", NULL, "refused_total",
		"Leases given to a return or a hand-over that were not the client's."),

	INFO(ebpf, "ebpf", "state=state,reason=reason,backend=backend",
		"State of the tracing programs, and why."),
	GAUGE(ebpf, "ebpf_attached", NULL, "state=attached", "1 if contention is traced."),
	GAUGE(ebpf, "ebpf_fast_reclaim_attached", NULL, "fast_reclaim.state=attached",
		"1 if the kernel tells of the end of clients at once."),
	COUNTER(ebpf, "ebpf_lost_events", NULL, "lost_events", "Events that were lost."),
	COUNTER(ebpf, "ebpf_lost_steals", NULL, "lost_steals",
		"Segments taken that found no place in the table of who took from whom."),
	COUNTER(ebpf, "ebpf_strangers", NULL, "strangers_total",
		"Events of arenas and clients that the daemon has not entered."),
	GAUGE(ebpf, "ebpf_untracked", NULL, "untracked",
		"Arenas and clients that there was no room to trace."),
	COUNTER(ebpf, "ebpf_exits_seen", NULL, "exits_seen_total",
		"Ends of processes that have arenas."),
	COUNTER(ebpf, "ebpf_exits_told", NULL, "exits_told_total",
		"Those of them that the daemon was told of at once."),
	INFO(probe, "ebpf_probe", "", "Where a probe is attached."),

	COUNTER(traced_arena, "traced_arena_stolen_segments", NULL, "steals[].segments",
		"Segments that went from one core to another."),
	TRACED(traced_class, "class", "cores[]."),
	TRACED(traced_core, "core", ""),
	TRACED(traced_client, "client", ""),
	COUNTER(steal, "traced_stolen_segments", NULL, "segments",
		"Segments that went from one core to another, by cores."),
};

const unsigned metrics_n_families = sizeof(metrics_families) / sizeof(metrics_families[0]);
