/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CONTENTION_H
#define DAEMON_CONTENTION_H

/*
 * What BPF programs see of contention. The daemon has no privilege to load any: thruster-probes
 * does, connects like a client, and hands over the maps (ebpf/record.h), which are plain memory
 * from then on. The daemon enters who its arenas and clients are and reads what was counted; if
 * thruster-probes ends, its probes end with it, and what it counted is kept to be read.
 *
 * It also hears from there that a client has begun to end and nobody else can touch the arena in
 * its name, so that its leases come back before its memory is torn down.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "daemon/arena.h"
#include "daemon/session.h"
#include "ebpf/record.h"

#define CONTENTION_CLASSES_MAX 4096u
#define CONTENTION_EVENTS 64u

struct contention {
	sd_event *event;             /* borrowed */
	struct arena *const *arenas; /* borrowed, with their number */
	const size_t *n_arenas;
	bool is_disabled;            /* by the configuration */
	struct session *session;     /* thruster-probes, or NULL */

	/* The maps; NULL if there were never any. */
	struct trace_cell *cells;
	struct trace_desk *desk;
	uint64_t *ring_consumed, *ring_produced;
	const uint8_t *ring;
	size_t cells_bytes;
	uint32_t n_cpus, n_class_cells;
	bool sees_pids;              /* numbered as we do */
	int events_fd;
	sd_event_source *source;

	json_t *told;                /* what thruster-probes says of itself, or NULL */
	bool is_taken[CONTENTION_CLASSES_MAX]; /* cells of a class: by an arena on the desk */
	uint64_t untracked;          /* arenas and clients that there was no room for */
	/* The last events, a ring. */
	struct trace_message last[CONTENTION_EVENTS];
	uint64_t n_last;             /* all that there ever were */
};

void contention_init(struct contention *c, sd_event *event, struct arena *const *arenas,
	const size_t *n_arenas);
void contention_fini(struct contention *c);

/* Obey the configuration: a thruster-probes that is connected is told to go. */
void contention_configure(struct contention *c, bool is_disabled);

/* A message of thruster-probes. The session may be gone afterwards. */
void contention_answer(
	struct contention *c, struct session *session, const struct wire_probes *request);

/* A connection is over: perhaps that one. */
void contention_end(struct contention *c, const struct session *session);

/* A client has been seated. */
void contention_enter(struct contention *c, const struct client *client);

/* Once a second: who has come and gone; and what the ring has. */
void contention_sweep(struct contention *c);

/* The object "contention" of the statistics, of the arenas that the viewer may see. */
json_t *contention_json(const struct contention *c, const struct peer *viewer);

/* The cells of an arena's classes are, or are no more, somebody's. */
void contention_take_classes(
	struct contention *c, const struct trace_arena *entry, bool is_taken);

/* Read the ring (daemon/contention-ring.c). */
void contention_hear(struct contention *c);

/* The arena of a tag, or NULL. */
struct arena *contention_arena(const struct contention *c, uint32_t tag);

/* Where on the desk it is, or TRACE_SEATS: the place of a client; TRACE_ARENAS: of an arena. */
uint32_t contention_place(const struct contention *c, const struct arena *arena,
	struct seat_id seat);
uint32_t contention_arena_place(const struct contention *c, const struct arena *arena);

#endif
