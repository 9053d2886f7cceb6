/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LEDGER_H
#define DAEMON_LEDGER_H

/*
 * What the daemon knows of an arena and its next run must know too: who sits where, and what was
 * counted. It lies in a memfd of the daemon's own, which no client ever gets, and is written as
 * things happen, so that a daemon that is killed at any moment leaves it right: a seat's entry is
 * filled before its id is stored, and the id is cleared after its leases were taken back.
 *
 *     ledger | entries[seats + 1] | per class: seen[slots], since[slots]
 */

#include <stdint.h>
#include <sys/types.h>
#include "daemon/access.h"
#include "shm/abi.h"

#define LEDGER_MAGIC 0x7265676465687254u /* "Thredger" */
/* Raised whenever the layout changes. A ledger of another version is not adopted. */
#define LEDGER_VERSION 2u

struct ledger_entry {
	uint32_t id;         /* of the seat's client, 0 = vacant; stored last */
	uint16_t generation; /* of the seat; outlives its tenants */
	uint16_t unused;
	int32_t pid;
	uint32_t uid, gid;
	uint64_t attached_realtime_ns;
	uint64_t leased_peak; /* most leases at any walk */
	char label[THR_NAME_MAX];
};

struct ledger_class {
	uint64_t rents_total, reclaimed_total;
	struct thr_class_figures figures; /* as the last walk left them */
};

struct ledger {
	uint64_t magic;    /* stored last */
	uint32_t version, abi;
	uint64_t nonce;    /* the arena's, as on its board */
	char name[THR_NAME_MAX];
	struct thr_geometry geometry; /* ours, whatever the board says */
	struct access access;
	uint64_t grace_ns, quota_bytes, quota_leases;
	uint64_t created_realtime_ns;
	uint64_t counting_since_ns; /* CLOCK_MONOTONIC, where the ages of leases begin */
	uint64_t reclaimed_clients, reclaim_last_ns;
	struct thr_waits reclaims; /* how long they took, of clients that were gone */
	uint64_t over_quota_total;
	uint64_t audits_total, audit_faults_total; /* by the judge; those that found a fault */
	uint64_t audit_last_ns;     /* that the last one took */
	uint64_t trim_after_s, trims_total, trimmed_bytes_total;
	uint32_t is_lazy, unused;
	struct ledger_class class_[THR_CLASSES_MAX];
};

/* Leases that were taken back, of all classes. */
static inline uint64_t ledger_reclaimed(const struct ledger *ledger)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < THR_CLASSES_MAX; i++)
		n += ledger->class_[i].reclaimed_total;
	return n;
}

/* Bytes of the ledger of an arena of this geometry, a valid one. */
uint64_t ledger_bytes(const struct thr_geometry *geometry);

struct ledger_entry *ledger_entries(struct ledger *ledger);

/* Of a class: each slot's record at the last walk, and since when (daemon/census.h). */
uint64_t *ledger_seen(struct ledger *ledger, uint32_t class_);
uint32_t *ledger_since(struct ledger *ledger, uint32_t class_);

/*
 * A new ledger for an arena: 0, a descriptor that is the caller's, and the ledger mapped; or
 * -errno. It counts for something when ledger_begin() has been called.
 */
int ledger_new(int *ret_fd, struct ledger **ret, const char *name,
	const struct thr_geometry *geometry);
void ledger_begin(struct ledger *ledger);

/*
 * Map a ledger that an earlier run left, if it is sound: -EBADMSG if it is not, -ENOTSUP if it is
 * of another version of the ledger or of the arena's pages; the reason in words either way.
 */
int ledger_open(struct ledger **ret, int fd, const char **ret_why);
void ledger_close(struct ledger *ledger);

#endif
