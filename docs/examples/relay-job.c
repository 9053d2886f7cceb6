/* SPDX-License-Identifier: MIT */
/*
 * The parent's part: who reads what, who has the baton, who is killed.
 *
 * There are fewer buffers than chunks, so readers wait for buffers, and the chunk that the baton
 * needs must never be the one that gets none. Therefore buffers are rented in the order of the
 * chunks, by one reader at a time (they read all at once): whatever is leased comes before the
 * chunk that waits, the baton goes over it, and gives buffers back.
 *
 * The kill breaks this order, since what the dead worker had comes before what the others have. So
 * it is done while no reader waits, and nothing is rented until the daemon has taken the dead one's
 * buffers back and no reader works for it any more. Then there is again a buffer for every chunk
 * that had one before, and the lowest is rented first.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include "relay.h"

#define WORKER_MESSAGES_MAX 8u /* unanswered: less than the shortest queue of the kernel, 10 */

static struct child *idle_reader(struct job *job)
{
	unsigned i;

	for (i = 0; i < job->n_readers; i++)
		if (job->readers[i].unanswered == 0)
			return &job->readers[i];
	return NULL;
}

static bool all_are_attached(const struct job *job)
{
	unsigned i;

	for (i = 0; i < job->n_readers; i++)
		if (!job->readers[i].client)
			return false;
	for (i = 0; i < job->n_workers; i++)
		if (!job->workers[i].client)
			return false;
	return true;
}

static bool all_readers_are_idle(const struct job *job)
{
	unsigned i;

	for (i = 0; i < job->n_readers; i++)
		if (job->readers[i].unanswered)
			return false;
	return true;
}

/* One chunk to one idle reader, if nobody else is about to rent. */
static void give_out(struct job *job)
{
	struct child *reader = idle_reader(job);
	struct message m = { .kind = MESSAGE_READ };
	struct chunk *c;

	if (job->is_settling)
		job->is_settling = !all_readers_are_idle(job);
	if (!reader || job->renting || job->is_settling || !all_are_attached(job))
		return;
	if (is_gathering(job) && count_taken(job) >= job->gathered_max)
		return;
	c = lowest_unread(job, &m.chunk);
	if (!c)
		return;
	m.offset = c->offset;
	m.length = c->length;
	m.client = c->client = c->worker->client;
	c->state = CHUNK_READING;
	job->renting = reader;
	child_tell(reader, &m);
}

static void pass_tickets(struct job *job)
{
	struct message m = { .kind = MESSAGE_TICKET };

	for (m.chunk = job->next; m.chunk < job->planned; m.chunk++) {
		struct chunk *c = chunk(job, m.chunk);

		if (c->state != CHUNK_TICKETED || c->worker->unanswered >= WORKER_MESSAGES_MAX)
			continue;
		m.length = c->length;
		m.ticket = c->ticket;
		c->state = CHUNK_SENT;
		child_tell(c->worker, &m);
	}
}

/* Over all chunks in a row that one worker holds, to go back and forth less often. */
static void pass_baton(struct job *job)
{
	struct message m = { .kind = MESSAGE_BATON, .chunk = job->next, .state = job->state };
	struct child *worker = chunk(job, job->next)->worker;
	uint32_t n = job->next;

	if (job->hashing || may_rest(job))
		return;
	for (; n < job->planned && n - job->next < GROUP; n++) {
		if (chunk(job, n)->state != CHUNK_HELD || chunk(job, n)->worker != worker)
			break;
		chunk(job, n)->state = CHUNK_HASHING;
	}
	m.n = n - job->next;
	if (m.n == 0)
		return;
	job->hashing = worker;
	child_tell(worker, &m);
}

static void take_baton(struct job *job, const struct message *m)
{
	uint32_t n;

	for (n = 0; n < m->n; n++)
		job->hashed_bytes += chunk(job, job->next + n)->length;
	job->next += m->n;
	job->state = m->state;
	job->hashing = NULL;
}

static void on_message(struct job *job, struct child *from, const struct message *m)
{
	struct chunk *c = chunk(job, m->chunk);

	if (m->kind != MESSAGE_RENTED) /* more is to come: the reader is not idle yet */
		from->unanswered--;
	switch (m->kind) {
	case MESSAGE_HELLO:
		from->client = m->client;
		break;
	case MESSAGE_RENTED:
		job->renting = NULL;
		job->leases++;
		job->waits += m->n;
		break;
	case MESSAGE_TICKET:
		job->handed_over++;
		c->ticket = m->ticket;
		c->state = CHUNK_TICKETED;
		/* If the worker was killed since, the daemon took this lease back too. */
		if (c->client != c->worker->client)
			read_again(job, c);
		break;
	case MESSAGE_GONE:
		read_again(job, c);
		break;
	case MESSAGE_ACCEPTED:
		c->state = CHUNK_HELD;
		break;
	case MESSAGE_BATON:
		take_baton(job, m);
		break;
	default:
		fail("%s said something strange", from->name);
	}
}

/* Until somebody says something; then one message of each who has. */
static void listen_to_all(struct job *job)
{
	struct pollfd fds[2 * CHILDREN_MAX];
	struct child *children[2 * CHILDREN_MAX];
	struct message m;
	bool is_resting = may_rest(job); /* not for long: then look again */
	unsigned i, n = 0;

	for (i = 0; i < job->n_workers; i++)
		children[n++] = &job->workers[i];
	for (i = 0; i < job->n_readers; i++)
		children[n++] = &job->readers[i];
	for (i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = children[i]->fd, .events = POLLIN };
	/* Longer than a reader waits for a buffer, so that it can say so. */
	switch (poll(fds, n, is_resting ? 100 : (PATIENCE_S + 5) * 1000)) {
	case 0:
		if (is_resting)
			return;
		fail("nothing has moved for %d seconds", PATIENCE_S + 5);
	case -1:
		if (errno != EINTR)
			fail("poll: %s", strerror(errno));
		return;
	}
	for (i = 0; i < n; i++)
		if (fds[i].revents && child_hear(children[i], &m))
			on_message(job, children[i], &m);
}

static void dismiss(struct child *children, unsigned n)
{
	struct message end = { .kind = MESSAGE_END };
	unsigned i;

	for (i = 0; i < n; i++)
		child_tell(&children[i], &end);
	for (i = 0; i < n; i++)
		child_wait(&children[i]);
}

void job_run(struct job *job)
{
	unsigned i;

	for (i = 0; i < job->n_readers; i++)
		child_start(&job->readers[i], job, "reader", i + 1, reader_run);
	for (i = 0; i < job->n_workers; i++)
		child_start(&job->workers[i], job, "worker", i + 1, worker_run);
	sha256_init(&job->state);
	job->started_ns = job->shown_ns = now_ns();
	while (job->hashed_bytes < job->size) {
		try_kill(job);
		give_out(job);
		pass_tickets(job);
		pass_baton(job);
		listen_to_all(job);
		show_progress(job);
	}
	job->ended_ns = now_ns();
	dismiss(job->readers, job->n_readers);
	dismiss(job->workers, job->n_workers);
}
