/* SPDX-License-Identifier: MIT */
/*
 * The kill: of the worker that holds most, at a moment when it verifiably holds something. Both
 * sides say so: the worker has acknowledged every lease that is counted here and has not got the
 * baton for any of them, and the daemon's statistics count at least as many in its name. Then the
 * only thing that can give these buffers back is the daemon.
 *
 * When the disk is slow, workers hold next to nothing. So half-way the baton rests a moment, until
 * some chunks are gathered: no more than the arena has buffers for at any rate, for a reader that
 * waits for one would wait for the baton.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "relay.h"

#define GATHER_NS 1000000000u

/* True at the last chunk, so that the smallest file has a half-way too. */
static bool is_half_way(struct job *job)
{
	return (job->hashed_bytes + chunk(job, job->next)->length) * 2 >= job->size;
}

bool is_gathering(struct job *job)
{
	if (!job->is_killing)
		return false;
	if (!job->gather_until_ns && job->next < job->planned && is_half_way(job))
		job->gather_until_ns = now_ns() + GATHER_NS;
	/* Others use the arena too, so nothing is sure: be content with one. */
	if (job->gather_until_ns && now_ns() > job->gather_until_ns)
		job->gathered_max = 1;
	return job->gather_until_ns;
}

bool may_rest(struct job *job)
{
	if (!is_gathering(job) || now_ns() > job->gather_until_ns)
		return false;
	return !job->renting || count_taken(job) <= job->gathered_max;
}

/* All that is to come has come, or it takes too long. */
static bool is_gathered(struct job *job)
{
	uint32_t n;

	if (!is_gathering(job) || job->renting)
		return false;
	if (now_ns() > job->gather_until_ns)
		return true;
	return count_chunks(job, CHUNK_READING, CHUNK_SENT) == 0 &&
	       (count_chunks(job, CHUNK_HELD, CHUNK_HASHING) >= job->gathered_max ||
		       !lowest_unread(job, &n));
}

/* Returns how many clients were reclaimed so far. */
static uint64_t check_with_daemon(const struct child *worker, unsigned held, int64_t *ret_leased)
{
	json_t *stats = ask_stats();
	int64_t leased = stats_leased(stats, worker->client);
	uint64_t reclaimed_clients = stats_reclaimed_clients(stats);

	json_decref(stats);
	if (leased < (int64_t)held)
		fail("%s holds %u leases, but the statistics say %lld of client %u", worker->name,
			held, (long long)leased, worker->client);
	*ret_leased = leased;
	return reclaimed_clients;
}

/* The statistics must forget the client and count it as reclaimed. */
static void await_reclaim(const struct child *worker, uint64_t reclaimed_clients)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t until = now_ns() + PATIENCE_S * 1000000000ull;
	bool is_done;

	do {
		json_t *stats = ask_stats();

		is_done = stats_leased(stats, worker->client) < 0 &&
			  stats_reclaimed_clients(stats) > reclaimed_clients;
		json_decref(stats);
		if (!is_done && now_ns() > until)
			fail("the daemon has not taken back what %s had for %d seconds",
				worker->name, PATIENCE_S);
		if (!is_done)
			nanosleep(&pause, NULL);
	} while (!is_done);
}

static void bury(struct child *worker)
{
	int status;

	if (waitpid(worker->pid, &status, 0) != worker->pid)
		fail("waitpid: %s", strerror(errno));
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail("%s (pid %d) ended before it was killed", worker->name, (int)worker->pid);
	close(worker->fd); /* what it last said is not heard any more: its chunks are read again */
}

void try_kill(struct job *job)
{
	struct child *worker;
	uint64_t reclaimed_clients, killed_ns;
	unsigned held;
	int64_t leased;

	if (!is_gathered(job))
		return;
	worker = richest_worker(job, &held);
	if (!worker)
		return;
	reclaimed_clients = check_with_daemon(worker, held, &leased);
	show_line("%3.0f %%: kill -9 %d: %s, which waits with %u leases; the daemon counts %lld",
		100.0 * (double)job->hashed_bytes / (double)job->size, (int)worker->pid,
		worker->name, held, (long long)leased);
	killed_ns = now_ns();
	if (kill(worker->pid, SIGKILL) < 0)
		fail("kill: %s", strerror(errno));
	bury(worker);
	await_reclaim(worker, reclaimed_clients);
	job->reclaim_ms = (double)(now_ns() - killed_ns) / 1e6;
	show_line("all taken back %.1f ms after the kill; a new %s takes its place",
		job->reclaim_ms, worker->name);
	job->killed_held = held;
	job->is_killing = false;
	job->is_settling = true;
	if (job->hashing == worker)
		job->hashing = NULL;
	chunks_forget(job, worker);
	child_start(worker, job, "worker", (unsigned)(worker - job->workers) + 1, worker_run);
}
