/* SPDX-License-Identifier: MIT */
/*
 * The window: the chunks that are on their way, from the one that the baton needs to the last that
 * was cut off from the file. How long a chunk is, whose it is to be, and what became of it.
 */

#include "relay.h"

struct chunk *chunk(struct job *job, uint32_t n)
{
	return &job->chunks[n % WINDOW];
}

/* Lengths from a few hundred bytes to chunk_max, each power of two about as often as the others. */
static uint32_t next_length(struct job *job)
{
	uint32_t top = 31 - (uint32_t)__builtin_clz(job->chunk_max), power, length;

	job->random ^= job->random << 13;
	job->random ^= job->random >> 7;
	job->random ^= job->random << 17;
	power = top - (uint32_t)(job->random >> 8) % (top < 8 ? top + 1 : 8);
	length = (1u << power) + ((uint32_t)(job->random >> 32) & ((1u << power) - 1));
	return length < job->chunk_max ? length : job->chunk_max;
}

static bool plan_chunk(struct job *job)
{
	uint64_t left = job->size - job->planned_bytes;
	struct chunk *c = chunk(job, job->planned);

	if (left == 0 || job->planned - job->next == WINDOW)
		return false;
	*c = (struct chunk){ .state = CHUNK_UNREAD, .offset = job->planned_bytes };
	c->length = next_length(job);
	if (c->length > left)
		c->length = (uint32_t)left;
	c->worker = &job->workers[job->planned / GROUP % job->n_workers];
	job->planned_bytes += c->length;
	job->planned++;
	return true;
}

void read_again(struct job *job, struct chunk *c)
{
	c->state = CHUNK_UNREAD;
	job->read_again++;
}

/* The lowest chunk that nobody has; NULL if there is none. */
struct chunk *lowest_unread(struct job *job, uint32_t *ret_n)
{
	uint32_t n = job->next;

	while (n < job->planned && chunk(job, n)->state != CHUNK_UNREAD)
		n++;
	if (n == job->planned && !plan_chunk(job))
		return NULL;
	*ret_n = n;
	return chunk(job, n);
}

uint32_t count_chunks(struct job *job, enum chunk_state from, enum chunk_state to)
{
	uint32_t n, count = 0;

	for (n = job->next; n < job->planned; n++)
		count += chunk(job, n)->state >= from && chunk(job, n)->state <= to;
	return count;
}

uint32_t count_taken(struct job *job)
{
	return count_chunks(job, CHUNK_READING, CHUNK_HASHING);
}

static unsigned count_held(struct job *job, const struct child *worker)
{
	unsigned held = 0;
	uint32_t n;

	for (n = job->next; n < job->planned; n++)
		held += chunk(job, n)->worker == worker && chunk(job, n)->state == CHUNK_HELD;
	return held;
}

struct child *richest_worker(struct job *job, unsigned *ret_held)
{
	struct child *richest = NULL;
	unsigned i;

	*ret_held = 0;
	for (i = 0; i < job->n_workers; i++) {
		unsigned held = count_held(job, &job->workers[i]);

		if (held > *ret_held) {
			*ret_held = held;
			richest = &job->workers[i];
		}
	}
	return richest;
}

void chunks_forget(struct job *job, const struct child *worker)
{
	uint32_t n;

	for (n = job->next; n < job->planned; n++) {
		struct chunk *c = chunk(job, n);

		/* What a reader still reads for it, on_message() will see. */
		if (c->worker == worker && c->state > CHUNK_READING)
			read_again(job, c);
	}
}
