/* SPDX-License-Identifier: MIT */
#ifndef RELAY_H
#define RELAY_H

/*
 * The relay: readers read a file into rented buffers, workers checksum it in place, and one of the
 * workers is killed half-way. Two kinds of children, one parent that tells them what to do.
 *
 *   reader   rents a buffer for its chunk of the file, reads the chunk, hands the lease over
 *   worker   accepts leases and keeps them; hashes in place when the baton comes; returns them
 *   parent   carries the tickets and the baton; touches no buffer and is no client
 *
 * SHA-256 goes through a file from its beginning to its end. The baton is its state between two
 * chunks: whoever has it hashes the next chunks and gives it back.
 */

#include <jansson.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <thruster/client.h>

#define CHILDREN_MAX 32u /* of each kind */
#define WINDOW 512u      /* chunks that may be on their way at once */
#define GROUP 8u         /* chunks in a row that go to the same worker, so that the baton rests */
#define GATHERED_MAX 8u  /* chunks that are gathered for the kill */
#define PATIENCE_S 30    /* without any progress, before the job is given up */

enum message_kind {
	MESSAGE_HELLO,    /* child: attached; client */
	MESSAGE_READ,     /* to a reader: chunk, offset, length, and the client who is to have it */
	MESSAGE_RENTED,   /* reader: has the buffer; n is 1 if it had to wait for one */
	MESSAGE_TICKET,   /* reader, passed on to the worker: chunk, length, ticket */
	MESSAGE_GONE,     /* reader: the worker of this chunk is no more; the buffer was returned */
	MESSAGE_ACCEPTED, /* worker: has the lease of this chunk */
	MESSAGE_BATON,    /* to a worker, and back: n chunks from this one on, state */
	MESSAGE_END,      /* to a child: leave */
};

struct message {
	enum message_kind kind;
	uint32_t chunk, n, client, length;
	uint64_t offset;
	struct thruster_ticket ticket;
	struct sha256_ctx state;
};

struct child {
	char name[16];       /* "worker 2" */
	pid_t pid;
	int fd;              /* of a SOCK_SEQPACKET pair */
	uint32_t client;     /* 0: has not said hello */
	unsigned unanswered; /* messages that it has not answered yet */
};

enum chunk_state {
	CHUNK_UNREAD,   /* nobody has it */
	CHUNK_READING,  /* a reader has it */
	CHUNK_TICKETED, /* it is the worker's, who does not know yet */
	CHUNK_SENT,     /* the worker was told */
	CHUNK_HELD,     /* the worker has accepted it */
	CHUNK_HASHING,  /* and the baton for it */
};

struct chunk {
	enum chunk_state state;
	struct child *worker;
	uint32_t client; /* that was the worker when the chunk was given out */
	uint32_t length;
	uint64_t offset;
	struct thruster_ticket ticket;
};

struct job {
	const char *path;
	int file;
	uint64_t size;
	bool is_killing; /* a worker is to die, and has not yet */
	unsigned n_readers, n_workers;
	struct child readers[CHILDREN_MAX], workers[CHILDREN_MAX];

	struct chunk chunks[WINDOW]; /* chunk n at n % WINDOW */
	uint32_t chunk_max;          /* bytes: what the largest class of the arena holds */
	uint32_t gathered_max;       /* buffers that are there for chunks of any length */
	uint32_t next, planned;      /* chunks hashed; chunks cut off from the file */
	uint64_t hashed_bytes, planned_bytes;
	uint64_t random;

	struct sha256_ctx state;  /* of the file up to chunk `next` */
	struct child *hashing;    /* who has the baton */
	struct child *renting;    /* the one reader that may wait for a buffer */
	uint64_t gather_until_ns; /* the baton rests until then at most; 0: not yet half-way */
	bool is_settling;         /* since the kill, until every reader is idle */

	uint64_t started_ns, ended_ns, shown_ns;
	unsigned leases, handed_over, waits, read_again;
	unsigned killed_held;     /* leases that the killed worker held at least */
	double reclaim_ms;        /* from the kill until the statistics say that all is back */
};

/* relay-child.c: both ends of the fork. What goes wrong is said, and ends the process. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void child_start(struct child *child, const struct job *job, const char *kind, unsigned n,
	void (*run)(int fd, int file));
void child_tell(struct child *child, const struct message *message);
bool child_hear(struct child *child, struct message *ret); /* false: nothing to hear now */
void child_wait(struct child *child);                      /* it must end well */
void reader_run(int fd, int file);
void worker_run(int fd, int file);

/* relay-chunks.c */
struct chunk *chunk(struct job *job, uint32_t n);
struct chunk *lowest_unread(struct job *job, uint32_t *ret_n);
uint32_t count_chunks(struct job *job, enum chunk_state from, enum chunk_state to);
struct child *richest_worker(struct job *job, unsigned *ret_held); /* NULL: none holds any */
void read_again(struct job *job, struct chunk *chunk);
uint32_t count_taken(struct job *job); /* by readers and workers */
void chunks_forget(struct job *job, const struct child *worker); /* read what it had again */

/* relay-kill.c */
bool is_gathering(struct job *job); /* nothing more is read than what the victim is to have */
bool may_rest(struct job *job);     /* the baton, while it is gathered */
void try_kill(struct job *job);

/* relay-job.c */
void job_run(struct job *job);

/* relay-ask.c: what other programs say. */
struct stock {
	uint64_t leased, rents;                        /* in the arena */
	uint64_t reclaimed_clients, reclaimed_leases;  /* since the daemon's start */
	uint64_t largest_bytes, largest_slots;         /* of the class with the largest slots */
	size_t clients, ours;                          /* attached now; the job's among them */
};

json_t *ask_stats(void); /* by $THRUSTERCTL, or thrusterctl in $PATH; the caller's */
int64_t stats_leased(const json_t *stats, uint32_t client); /* -1: there is no such client */
uint64_t stats_reclaimed_clients(const json_t *stats);
struct stock take_stock(const struct job *job);
void ask_sha256sum(const char *path, char ret_digest[2 * SHA256_DIGEST_SIZE + 1]);
const char *ask_large_file(void);

/* relay.c */
uint64_t now_ns(void);
void show_progress(struct job *job);
void show_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
