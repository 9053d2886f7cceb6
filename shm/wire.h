/* SPDX-License-Identifier: MIT */
#ifndef SHM_WIRE_H
#define SHM_WIRE_H

/*
 * What is said on the daemon's socket: SOCK_SEQPACKET, one message a packet, native byte order
 * (both ends are on one host). Every request has exactly the size of its type. The header never
 * changes, so that both ends can tell each other that they are of different versions.
 *
 *   attach   -> reply, with two descriptors if its status is 0: the arena (an open file
 *               description of the client's own, which carries its seat lock) and the board.
 *               The connection then stands for the client until it detaches.
 *   reattach -> no reply: a client whose daemon was restarted says who it is. The connection
 *               stands for it from then on; if the daemon knows no such client, it closes.
 *   detach   -> reply, when the seat is free. The client must have unmapped the arena before.
 *   query    -> reply, with one descriptor if its status is 0: a sealed memfd with JSON text.
 *   probes   -> reply; from thruster-probes, for root and the daemon's own user. HELLO: if the
 *               status is 0 the connection stands for the tracing, until it ends, and what comes
 *               then has descriptors. MAPS: of cells, desk and events (ebpf/record.h), and of a
 *               memfd with JSON that tells what is attached; after the reply all clients are
 *               known there. TEXT: another such memfd, when that has changed.
 *
 * A status is 0 or a negative errno. After a message that breaks these rules the daemon replies
 * with -EPROTO and closes the connection.
 */

#include <stdint.h>
#include "shm/abi.h"

#define WIRE_MAGIC 0x72687457u /* "Wthr" */
#define WIRE_VERSION 2u

#define WIRE_DEFAULT_SOCKET "/run/thruster/thrusterd.sock"

enum wire_type {
	WIRE_ATTACH = 1,
	WIRE_DETACH = 2,
	WIRE_QUERY = 3,
	WIRE_REATTACH = 4,
	WIRE_PROBES = 5,
	WIRE_REPLY = 128,
};

enum wire_question {
	WIRE_QUESTION_STATS = 1,
	WIRE_QUESTION_LEASES = 2,
	WIRE_QUESTION_CHECK = 3,
	WIRE_QUESTION_TRIM = 4, /* give idle pages back, and the statistics; for operators */
	WIRE_QUESTION_PROCESSES = 5, /* the pids of all clients; for operators */
};

struct wire_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type; /* enum wire_type */
};

struct wire_attach {
	struct wire_header header;
	char arena[THR_NAME_MAX]; /* ends with 0 */
	char label[THR_NAME_MAX]; /* likewise; the client's own word, not trusted */
};

struct wire_reattach {
	struct wire_header header;
	uint64_t nonce;     /* the arena's, from its board */
	uint32_t client_id;
	uint32_t unused;
};

struct wire_detach {
	struct wire_header header;
};

struct wire_query {
	struct wire_header header;
	uint32_t question; /* enum wire_question */
	uint32_t limit;    /* leases: at most this many, the oldest first; 0 = as many as the
	                      daemon gives. trim: the id of an arena; 0 = all */
};

enum wire_probes_step {
	WIRE_PROBES_HELLO = 1,
	WIRE_PROBES_MAPS = 2,
	WIRE_PROBES_TEXT = 3,
};

struct wire_probes {
	struct wire_header header;
	uint32_t step;          /* enum wire_probes_step */
	uint32_t n_cpus;        /* MAPS: cells of a class */
	uint32_t n_class_cells; /* MAPS: classes that there are cells for */
	uint32_t pid_namespace; /* MAPS: in which processes are numbered; its inode */
	uint64_t text_bytes;    /* MAPS, TEXT */
};

struct wire_reply {
	struct wire_header header;
	int32_t status;
	uint32_t client_id;   /* attach */
	uint64_t arena_bytes; /* attach: sizes of what was sent */
	uint64_t board_bytes; /* attach; query: length of the text */
};

union wire_request {
	struct wire_header header;
	struct wire_attach attach;
	struct wire_reattach reattach;
	struct wire_detach detach;
	struct wire_query query;
	struct wire_probes probes;
};

_Static_assert(sizeof(struct wire_header) == 8, "wire");
_Static_assert(sizeof(struct wire_attach) == 136, "wire");
_Static_assert(sizeof(struct wire_reattach) == 24, "wire");
_Static_assert(sizeof(struct wire_query) == 16, "wire");
_Static_assert(sizeof(struct wire_probes) == 32, "wire");
_Static_assert(sizeof(struct wire_reply) == 32, "wire");

static inline struct wire_header wire_header_make(enum wire_type type)
{
	return (struct wire_header){ WIRE_MAGIC, WIRE_VERSION, (uint16_t)type };
}

#endif
