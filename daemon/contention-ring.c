/* SPDX-License-Identifier: MIT */
/*
 * The ring of events, as the kernel lays it out: a page with what was consumed, which is ours to
 * write; a page with what was produced; the records, mapped twice in a row so that none is in two
 * pieces. A record has a header of 8 bytes: its length, with a bit that says that it is still
 * being written and one that says that it was given up.
 */

#include "daemon/contention.h"
#include "daemon/reaper.h"
#include "shm/atomics.h"

#define HEADER_BYTES 8u
#define IS_BUSY (1u << 31)
#define IS_DISCARDED (1u << 30)
#define LENGTH_MASK (IS_DISCARDED - 1)

/*
 * The last thread of a process is ending; ebpf/exit.bpf.c has looked whether anybody else can touch
 * the arena in its client's name. That it is the client in that seat now is for us to see.
 */
static void on_exit_of(struct contention *c, const struct trace_message *m)
{
	struct arena *arena = contention_arena(c, m->tag);
	struct client *client;

	if (!arena || m->seat < 1 || m->seat > arena->seats.n)
		return;
	client = &arena->seats.clients[m->seat];
	if (client->id.n && !client->is_daemon && client->pid > 0 &&
		((uint64_t)client->id.n << 32 | (uint32_t)client->pid) == m->value)
		reaper_take_back(client);
}

static void hear(struct contention *c, const struct trace_message *m)
{
	if (m->type == TRACE_SAYS_EXIT) {
		on_exit_of(c, m);
		return;
	}
	c->last[c->n_last++ % CONTENTION_EVENTS] = *m;
}

void contention_hear(struct contention *c)
{
	uint64_t at, end;
	uint32_t length;

	if (!c->ring_consumed)
		return;
	at = load_relaxed(c->ring_consumed);
	end = load_acquire(c->ring_produced);
	while (at < end) {
		const uint8_t *record = c->ring + at % TRACE_RING_BYTES;

		length = load_acquire((const uint32_t *)record);
		if (length & IS_BUSY)
			break;
		if (!(length & IS_DISCARDED) &&
			(length & LENGTH_MASK) == sizeof(struct trace_message))
			hear(c, (const struct trace_message *)(record + HEADER_BYTES));
		at += ((length & LENGTH_MASK) + HEADER_BYTES + 7) & ~(uint64_t)7;
		store_release(c->ring_consumed, at);
	}
}
