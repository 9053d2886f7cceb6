/* SPDX-License-Identifier: MIT */
/*
 * A client that writes over the arena's own pages. The judge names the rule that it broke; the
 * daemon neither crashes nor hangs nor reads where it should not, and when the pages are right
 * again, so is everything else.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "shm/holder.h"
#include "shm/record.h"
#include "tests/daemon/raw.h"

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8, \"classes\": ["
	"  { \"slot_bytes\": 1000, \"slots\": 70 }, { \"slot_bytes\": 4096, \"slots\": 200 } ] },"
	" { \"name\": \"neighbour\", \"classes\": [ { \"slot_bytes\": 1000, \"slots\": 10 } ] } ] "
	"}";

#define CLASS 1
#define SLOT 130 /* in the third segment of the class */
#define SEQUENCE ((uint64_t)5 << RECORD_SEQUENCE_SHIFT)

static struct host host;
static struct raw raw;
static char output[65536];

static void set_up(void)
{
	host_start(&host, config);
	raw_attach(&raw, &host, "default");
}

static void clean_up(void)
{
	raw_vanish(&raw);
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(scribble, .init = set_up, .fini = clean_up, .timeout = 60);

static uint64_t *record(void)
{
	return class_record(&raw.view.class_[CLASS], (struct slot_id){ SLOT });
}

static struct thr_segment *segment(void)
{
	return &raw.view.class_[CLASS].segments[SLOT / THR_SEGMENT_SLOTS];
}

/* Every question is answered, and another arena knows nothing of it. */
static void must_answer(void)
{
	static const char *const commands[] = { "stats", "stats --json", "clients", "leases",
		"leases --json" };
	struct thruster_pool *pool;
	struct thruster_lease lease;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		cr_expect_eq(
			host_ctl(&host, commands[i], output, sizeof(output)), 0, "%s", commands[i]);
	pool = host_attach(&host, "neighbour");
	cr_expect_eq(thruster_rent(pool, 1, &lease), 0);
	cr_expect_eq(thruster_detach(pool), 0);
}

static void must_be_broken(const char *rule)
{
	char expected[64];

	must_answer();
	cr_expect_eq(host_ctl(&host, "check", output, sizeof(output)), 1, "%s: %s", rule, output);
	snprintf(expected, sizeof(expected), "arena default: BROKEN rule \"%s\": ", rule);
	cr_expect_eq(strncmp(output, expected, strlen(expected)), 0, "%s: %s", rule, output);
	cr_expect(strstr(output, "\narena neighbour: sound, 10 slots seen\n"), "%s", output);
	cr_expect_eq(host_ctl(&host, "check --json", output, sizeof(output)), 1);
	cr_expect(strstr(output, "\"ok\": false"), "%s", output);
}

static void must_be_sound(void)
{
	cr_expect_eq(host_ctl(&host, "check", output, sizeof(output)), 0, "%s", output);
}

Test(scribble, records)
{
	const struct seat_id me = { raw.reply.client_id & 0xffff }, vacant = { 7 }, beyond = { 9 };
	bool is_open = raw.view.class_[CLASS].is_open;
	const struct {
		uint64_t record;
		const char *rule;
	} rows[] = {
		{ SEQUENCE | 3, "record" },
		{ ~(uint64_t)0, "record" },
		{ record_lease(SEQUENCE, SEAT_NOBODY, 1), "record" },
		{ record_hand_over(record_lease(SEQUENCE, me, 1), SEAT_NOBODY), "record" },
		{ record_lease(SEQUENCE, vacant, 1), "owner" },
		{ record_lease(SEQUENCE, beyond, 1), "owner" },
		{ record_lease(SEQUENCE, (struct seat_id){ 65535 }, 1), "owner" },
		{ record_hand_over(record_lease(SEQUENCE, me, 1), beyond), "owner" },
		/* Runs, in an open class; and one that ends beyond the segment's 64. */
		{ record_lease(SEQUENCE, me, 2), is_open ? "single" : NULL },
		{ record_lease(SEQUENCE, me, 63), is_open ? "single" : "overrun" },
		/* FREE with any stamp. */
		{ SEQUENCE | 0x3ffffffc, NULL },
	};
	uint64_t was = *record();
	size_t i;

	must_be_sound();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		__atomic_store_n(record(), rows[i].record, __ATOMIC_RELEASE);
		if (!rows[i].rule) {
			must_be_sound();
			continue;
		}
		must_be_broken(rows[i].rule);
		host_ctl(&host, "check", output, sizeof(output));
		cr_expect(strstr(output, "; class 1, slot 130, record 0x"), "%s", output);
	}
	__atomic_store_n(record(), was, __ATOMIC_RELEASE);
	must_be_sound();
}

Test(scribble, hints_of_a_segment)
{
	uint64_t was = *record();

	raw.view.class_[0].segments[1].mask = (uint64_t)1 << 6; /* of a class of 64 + 6 slots */
	must_be_broken("mask");
	raw.view.class_[0].segments[1].mask = 0;
	segment()->mask = 1;
	*segment()->record =
		record_lease(SEQUENCE, (struct seat_id){ raw.reply.client_id & 0xffff }, 1);
	must_be_broken("mask");
	*segment()->record = was;
	segment()->mask = 2;
	must_be_broken("unheld");
	segment()->mask = 0;
	segment()->holder = HOLDER_BURIED;
	must_be_broken("holder");
	segment()->holder = raw.view.n_cores + 1;
	must_be_broken("holder");
	segment()->holder = HOLDER_THREAD | 9 << 8;
	must_be_broken("holder");
	segment()->holder = 0;
	raw.view.class_[CLASS].cores[0].current = SLOT / THR_SEGMENT_SLOTS;
	must_be_broken("current");
	raw.view.class_[CLASS].cores[0].current = 1000;
	must_be_broken("current");
	raw.view.class_[CLASS].cores[0].current = CURRENT_NONE;
	must_be_sound();
	segment()->returned = 77;
	must_be_sound();
	segment()->returned = 0;
}

/* As it was before; and again when the daemon's visitor has done with what it found asked. */
static void put_back(const void *clean, uint64_t size)
{
	memcpy(raw.arena, clean, size);
	sleep_ms(50);
	memcpy(raw.arena, clean, size);
}

Test(scribble, the_sender_of_a_lease_in_transit)
{
	const struct seat_id me = { raw.reply.client_id & 0xffff };
	uint64_t was = *record();

	raw.view.class_[CLASS].senders[SLOT] = 9;
	must_be_sound();
	__atomic_store_n(
		record(), record_hand_over(record_lease(SEQUENCE, me, 1), me), __ATOMIC_RELEASE);
	must_be_broken("sender");
	raw.view.class_[CLASS].senders[SLOT] = 0;
	__atomic_store_n(record(), was, __ATOMIC_RELEASE);
	must_be_sound();
}

Test(scribble, the_control_page)
{
	raw.view.control->waiting = UINT32_MAX;
	raw.view.control->wakes = UINT32_MAX;
	must_be_sound();
	must_answer();
}

static void must_be_rented(int r, int i)
{
	cr_expect_eq(r, 0, "lease %d: %s", i, strerror(-r));
}

/* Cursors and counters are hints: any value at all is safe, for other clients too. */
/* Nobody can attach until the daemon has looked. */
Test(scribble, the_mark_of_the_control_page)
{
	struct thruster_attach_options options = host_options(&host, NULL);
	struct thruster_pool *other;

	raw.view.control->magic++;
	json_decref(host_stats(&host));
	must_be_sound();
	cr_assert_eq(thruster_attach(&other, NULL, &options), 0);
	cr_expect_eq(thruster_detach(other), 0);
	cr_expect(file_contains(host.log, "a client has overwritten its control page; mended\n"));
}

Test(scribble, hints_of_the_cores)
{
	struct thr_class_view *c = &raw.view.class_[0];
	struct thruster_lease leases[270];
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct timespec deadline;
	uint32_t core;
	int i;

	for (core = 0; core < raw.view.n_cores; core++)
		memset(&c->cores[core], 0xff, sizeof(c->cores[core]));
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += 10;
	for (i = 0; i < 270; i++)
		must_be_rented(thruster_rent_wait(pool, 1, &deadline, &leases[i]), i);
	cr_expect_eq(thruster_return_bulk(pool, leases, 270), 270);
	must_answer();
	must_be_sound();
	cr_expect_eq(thruster_detach(pool), 0);
}

/* Noise over all metadata, many times, while the daemon is asked everything. */
Test(scribble, noise_over_everything)
{
	uint64_t size = raw.board->geometry.metadata_bytes, *words = raw.arena, i;
	uint64_t *clean = malloc(size);
	unsigned round;

	cr_assert(clean);
	memcpy(clean, words, size);
	srandom(5);
	for (round = 0; round < 20; round++) {
		for (i = 1; i < size / sizeof(*words); i++)
			words[i] = (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^
				   (uint64_t)random();
		must_answer();
		cr_expect_eq(host_ctl(&host, "check", output, sizeof(output)), 1);
	}
	memset(words, 0xff, size);
	must_answer();
	memset(words, 0, size);
	must_answer();
	put_back(clean, size);
	free(clean);
	must_be_sound();
}

/* A client comes and goes, and is reclaimed, in the middle of it. */
Test(scribble, clients_come_and_go_over_noise)
{
	uint64_t size = raw.board->geometry.metadata_bytes, *words = raw.arena, i;
	uint64_t *clean = malloc(size);
	unsigned round;

	cr_assert(clean);
	memcpy(clean, words, size);
	srandom(6);
	for (round = 1; round <= 10; round++) {
		pid_t pid = host_fork_holder(&host, "default", 3, 1000);

		for (i = 1; i < size / sizeof(*words); i++)
			words[i] = (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^
				   (uint64_t)random();
		kill_child(pid);
		host_await(&host, "reclaim.clients_total", round);
		put_back(clean, size);
	}
	free(clean);
	must_be_sound();
}
