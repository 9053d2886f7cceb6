/* SPDX-License-Identifier: MIT */
#ifndef THRUSTER_CLIENT_H
#define THRUSTER_CLIENT_H

/*
 * Rent buffers from a pool that all processes of a host share, and give them back.
 *
 * thrusterd owns arenas of shared memory. A process attaches to one and rents and returns buffers
 * of it without a lock and without asking the daemon. When a process dies, at any instruction, the
 * daemon takes back what it had.
 *
 * Every function returns 0 (or a count) on success and a negative errno on failure; errno itself is
 * left alone, and ret_* arguments are written only on success. All functions may be called from any
 * thread at any time, except thruster_detach(). None is async-signal-safe. The library has no
 * thread, installs no signal handler and logs nothing, and renting and returning allocate nothing.
 *
 * After fork() the child has no attachment: every call on the parent's pool gives -ECHILD there,
 * and touching a leased buffer is a segmentation fault. The child may attach itself.
 * After execve(), exit or a kill without thruster_detach() the daemon takes everything back.
 */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One attachment of this process to one arena. Opaque. */
struct thruster_pool;

struct timespec;

/*
 * The right to use a buffer. A plain value: copy it, keep it anywhere; any thread of this process
 * may return it, once.
 */
struct thruster_lease {
	void *data;        /* start of the buffer in this process; aligned to 64 bytes, or to the
	                      class's align_bytes */
	size_t size;       /* usable bytes, at least what was asked for */
	uint64_t token[2]; /* opaque */
};

/* A lease on its way to another process. A plain value: send it over any channel. */
struct thruster_ticket {
	uint64_t word[4];
};

/*
 * How to attach. Set `size` to sizeof(struct thruster_attach_options) and the rest to 0 for the
 * defaults; the library takes structs of other versions by their size.
 */
struct thruster_attach_options {
	size_t size;
	const char *socket_path; /* NULL: $THRUSTER_SOCKET, else /run/thruster/thrusterd.sock */
	const char *label;       /* shown in the statistics: up to 63 bytes of printable ASCII,
	                            blanks and quotes as "_"; NULL: the program's name */
	unsigned timeout_ms;     /* for each step in which the daemon must answer; 0: 10000 */
};

/*
 * Attach this process to `arena` (NULL: "default"). On success *ret_pool is the caller's, to be
 * given up with thruster_detach(). A process may attach several times; each is a client of its own.
 *
 *  -ENOENT        the daemon has no arena of that name
 *  -ECONNREFUSED  no daemon at the socket
 *  -EACCES        the daemon refuses this user for this arena, or the socket cannot be opened
 *  -EUSERS        the arena has as many clients as it may have, or the user as many connections
 *  -EPROTO        library and daemon do not speak the same protocol version
 *  -ETIMEDOUT     the daemon did not answer in time
 *  -EINVAL        NULL or empty arguments, a name of more than 63 bytes, a size that no version of
 *                 the options has
 *  -E2BIG         the options have a field that this library does not know
 *  -ENAMETOOLONG  the socket's path is longer than 107 bytes
 *  -ECONNRESET    the daemon went away again and again until the time was over; once is no error,
 *                 since it may be restarted at any time
 *  -ENOMEM, -EMFILE, ...  from the kernel
 */
int thruster_attach(struct thruster_pool **ret_pool, const char *arena,
	const struct thruster_attach_options *options);

/*
 * Give back all leases that the client still has and leave the arena. No other thread may be in a
 * call on this pool, or begin one. The pool is gone afterwards, whatever is returned, and its
 * buffers are not mapped any more. NULL does nothing. Waits up to a second for the daemon to free
 * the client's place; the leases do not depend on it.
 *
 *  -ECHILD        a forked child gave up its copy of the parent's pool; the parent is untouched
 */
int thruster_detach(struct thruster_pool *pool);

/*
 * Rent a buffer of at least `size` bytes: a slot of which half is used, else a slot or up to 64 in
 * a row, whichever wastes least and can be had. Never blocks. The contents are whatever the last
 * user left. Lock-free; where there are no restartable sequences, for up to 64 threads of the
 * process at once.
 *
 *  -ENOBUFS       nothing that would hold the size can be had now; if another core holds some, it
 *                 was asked for it
 *  -EMSGSIZE      larger than any class of this arena can ever give: than the largest slot, and
 *                 than 64 slots of each class that gives runs
 *  -EDQUOT        the client would hold more than its quota; nothing waits for that
 *  -EINVAL        size 0, NULL
 *  -ECHILD        a forked child that has not attached itself
 */
int thruster_rent(struct thruster_pool *pool, size_t size, struct thruster_lease *ret_lease);

/*
 * Likewise, but if nothing can be had, sleep until something can, or until the absolute
 * CLOCK_MONOTONIC time *deadline (NULL: for ever); who waits longest looks first. A signal handler
 * that runs meanwhile does not end the wait.
 *
 *  -ETIMEDOUT     nothing could be had until the deadline
 *  and those of thruster_rent() except -ENOBUFS; -EINVAL also if tv_nsec is out of range
 */
int thruster_rent_wait(struct thruster_pool *pool, size_t size, const struct timespec *deadline,
	struct thruster_lease *ret_lease);

/*
 * End a lease. The buffer is somebody else's from now on. Lock-free; one store.
 *
 *  -ESTALE        already returned, handed over, or somebody else's; nothing was changed
 *  -EINVAL        NULL, or this never was a lease
 *  -ECHILD        a forked child that has not attached itself
 *
 * A stale lease is recognised by what the slot's record says when the call looks. Two threads that
 * return the same lease at the very same time are an error that may go unnoticed.
 */
int thruster_return(struct thruster_pool *pool, const struct thruster_lease *lease);

/*
 * Rent up to n buffers of at least `size` bytes each into ret_leases[0 .. n-1]. Returns how many
 * there are, at least 1, fewer than n only if no more can be had now, or the quota allows no more;
 * or an error of thruster_rent(), -EINVAL also if n is 0 or larger than INT_MAX.
 */
int thruster_rent_bulk(struct thruster_pool *pool, size_t size, struct thruster_lease *ret_leases,
	unsigned n);

/*
 * End n leases. Returns how many were ended; leases that are not the client's are passed over, as
 * thruster_return() would refuse them. If not one was ended, the first one's error; -EINVAL also if
 * n is 0 or larger than INT_MAX.
 */
int thruster_return_bulk(
	struct thruster_pool *pool, const struct thruster_lease *leases, unsigned n);

/*
 * Hand a lease to the client whose thruster_client_id() is `to`. From this call on the buffer is
 * the receiver's, who is to call thruster_accept() with the ticket; what the sender wrote is
 * visible there. If the receiver dies, the buffer comes back to the pool; likewise if the sender
 * dies or detaches and the ticket is not accepted within the arena's undelivered_grace_ms.
 * Lock-free; one store.
 *
 *  -ESRCH         no client has that id now; the lease is still the caller's
 *  -ESTALE, -EINVAL, -ECHILD   as for thruster_return()
 */
int thruster_hand_over(struct thruster_pool *pool, const struct thruster_lease *lease, uint32_t to,
	struct thruster_ticket *ret_ticket);

/*
 * Take over the lease of a ticket. Lock-free.
 *
 *  -ESTALE        accepted before, meant for another client, or taken back by the daemon
 *  -EDQUOT        the client would hold more than its quota; the ticket stays good
 *  -EINVAL        NULL, or this never was a ticket
 *  -ECHILD        a forked child that has not attached itself
 */
int thruster_accept(struct thruster_pool *pool, const struct thruster_ticket *ticket,
	struct thruster_lease *ret_lease);

/*
 * A lease or a ticket in eight bytes, for queues of words: four times as many fit into a cache line
 * on its way to another core. What the rest would have said is looked up in the arena. A stale key
 * is taken for a good one if the slot was leased exactly a multiple of 2^22 times meanwhile. 0 for
 * NULL, and perhaps for another.
 */
uint64_t thruster_lease_key(const struct thruster_lease *lease);
uint64_t thruster_ticket_key(const struct thruster_ticket *ticket);

/*
 * The lease of a key, if it is this client's: to go on with it in another thread. Lock-free. It
 * makes no second lease: whichever copy is returned first ends it.
 *
 *  -ESTALE        returned or handed over before, or somebody else's, or of another arena
 *  -EINVAL        NULL, or this never was a key of this arena
 *  -ECHILD        a forked child that has not attached itself
 */
int thruster_lease_find(struct thruster_pool *pool, uint64_t key, struct thruster_lease *ret_lease);

/* thruster_accept() of the ticket of a key, with the same errors. */
int thruster_accept_key(struct thruster_pool *pool, uint64_t key, struct thruster_lease *ret_lease);

/* What another client names as `to`. Never 0, and not used again for a long time; 0 for NULL and in
 * a forked child. */
uint32_t thruster_client_id(const struct thruster_pool *pool);

/* The library's version, for example "0.1.0". */
const char *thruster_version(void);

#ifdef __cplusplus
}
#endif

#endif
