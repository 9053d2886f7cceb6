/* SPDX-License-Identifier: MIT */
/* Victims that attach and detach, and those that may not do anything. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "tests/instruction/scenario.h"

#define HAMPERED_MS 50

static void attach(struct actor *a)
{
	int r = thruster_attach(&a->pool, NULL, NULL);

	expect(a, r == 0, "attach", r);
}

static void attach_with_options(struct actor *a)
{
	struct thruster_attach_options options = host_options(&a->world->host, "victim");
	int r;

	options.timeout_ms = a->stage->is_hampered ? HAMPERED_MS : 0;
	r = thruster_attach(&a->pool, "default", &options);
	expect(a, r == 0 || a->stage->is_hampered, "attach with options", r);
	if (r < 0)
		a->pool = NULL;
}

struct future_options {
	struct thruster_attach_options known;
	uint64_t field;
};

static void expect_refusal(struct actor *a, const char *arena,
	const struct thruster_attach_options *options, int expected, const char *what)
{
	struct thruster_pool *pool;
	int r = thruster_attach(&pool, arena, options);

	expect(a, r == expected, what, r);
}

static void attach_badly(struct actor *a)
{
	struct thruster_attach_options options = host_options(&a->world->host, NULL);
	struct future_options future = { .known = options };
	char longest[200];
	size_t i;
	int r;

	r = thruster_attach(NULL, NULL, NULL);
	expect(a, r == -EINVAL, "attach without a place for the pool", r);
	expect_refusal(a, "", &options, -EINVAL, "no name");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	expect_refusal(a, longest, &options, -EINVAL, "a long name");
	expect_refusal(a, "nowhere", &options, -ENOENT, "no such arena");
	expect_refusal(a, "closed", &options, -EACCES, "closed to us");
	future.known.size = sizeof(future);
	future.field = 1;
	expect_refusal(a, NULL, &future.known, -E2BIG, "an option of the future");
	options.size = 8;
	expect_refusal(a, NULL, &options, -EINVAL, "small options");
	options.size = sizeof(options);
	for (i = 1; i < 20; i++) {
		expect_refusal(a, longest + 199 - i, &options, -ENOENT, "an unknown name");
	}
	options.size = sizeof(options);
	for (i = 1; i < 20; i++) {
		options.socket_path = longest + 199 - i;
		expect_refusal(a, NULL, &options, -ECONNREFUSED, "an unknown path");
	}
	options.socket_path = longest;
	expect_refusal(a, NULL, &options, -ENAMETOOLONG, "a long path");
	options.socket_path = "/nowhere";
	expect_refusal(a, NULL, &options, -ECONNREFUSED, "no daemon");
}

/* With no name for the socket it is where the system has it; there is none in a test, or it is
 * another daemon, which is not our business. */
static void attach_to_the_system(struct actor *a)
{
	struct thruster_pool *pool;
	int r;

	unsetenv("THRUSTER_SOCKET");
	r = thruster_attach(&pool, "no-such-arena-there", NULL);
	expect(a, r < 0, "the system's daemon", r);
}

static void attach_and_future(struct actor *a)
{
	struct future_options future = { .known = host_options(&a->world->host, NULL) };
	int r;

	future.known.size = sizeof(future);
	r = thruster_attach(&a->pool, NULL, &future.known);
	expect(a, r == 0, "options with room for the future", r);
}

/* Its buffers lie at multiples of 64 KiB, so the mapping has to be shifted. */
static void attach_aligned(struct actor *a)
{
	struct thruster_lease lease;
	int r = thruster_attach(&a->pool, "aligned", NULL);

	expect(a, r == 0 || a->stage->is_hampered, "attach to the aligned arena", r);
	if (r < 0)
		a->pool = NULL;
	else if ((r = thruster_rent(a->pool, 1, &lease)) == 0)
		expect(a, ((uintptr_t)lease.data & 0xffff) == 0, "alignment", r);
}

/* With room for no descriptor, for the connection's, and for one more. */
static void attach_without_room(struct actor *a)
{
	struct rlimit was, limit;
	rlim_t room;
	int r, first = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(first);
	getrlimit(RLIMIT_NOFILE, &was);
	for (room = 0; room < 3; room++) {
		limit = (struct rlimit){ (rlim_t)first + room, was.rlim_max };
		setrlimit(RLIMIT_NOFILE, &limit);
		r = thruster_attach(&a->pool, NULL, NULL);
		expect(a, r == -EMFILE, "attach without room", r);
	}
	setrlimit(RLIMIT_NOFILE, &was);
	a->pool = NULL;
}

static void some(struct actor *a)
{
	act_rent(a, 1);
	act_rent(a, OPEN_BYTES);
	act_rent(a, LARGE_BYTES);
	act_rent_bulk(a, 1, 70);
	act_rent(a, 3 * SMALL_BYTES);
}

static void everything_with_a_waiter(struct actor *a)
{
	while (act_rent(a, 1))
		;
	act_rent_wait(a, 1, 1);
}

static void detach(struct actor *a)
{
	int r = thruster_detach(a->pool);

	expect(a, r == 0, "detach", r);
	a->stage->victim.n = 0;
	a->pool = NULL;
}

static void hand_over_and_detach(struct actor *a)
{
	struct thruster_ticket ticket;

	act_rent(a, 1);
	if (thruster_hand_over(a->pool, &a->stage->victim.lease[0], a->stage->my_id, &ticket) == 0)
		holding_drop(&a->stage->victim, 0);
	detach(a);
}

static void detach_nothing(struct actor *a)
{
	int r = thruster_detach(NULL);

	expect(a, r == 0, "detach of nothing", r);
}

/* The harness's pool, in a child of the harness. */
static void use_what_a_fork_left(struct actor *a)
{
	struct thruster_pool *pool = a->world->pool;
	struct thruster_lease lease = a->world->bystander.lease[0];
	struct thruster_ticket ticket = { { 1, 2, 3, 4 } };
	const int results[] = {
		thruster_rent(pool, 1, &lease),
		thruster_rent_wait(pool, 1, NULL, &lease),
		thruster_rent_bulk(pool, 1, &lease, 1),
		thruster_return(pool, &lease),
		thruster_return_bulk(pool, &lease, 1),
		thruster_hand_over(pool, &lease, 1, &ticket),
		thruster_accept(pool, &ticket, &lease),
		thruster_accept_key(pool, thruster_ticket_key(&ticket), &lease),
		thruster_lease_find(pool, thruster_lease_key(&lease), &lease),
		thruster_client_id(pool) == 0 ? -ECHILD : 0,
		thruster_detach(pool),
	};
	size_t i;

	for (i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		expect(a, results[i] == -ECHILD, "in a forked child", results[i]);
}

static void ask_wrongly(struct actor *a)
{
	struct thruster_pool *pool = a->pool;
	struct timespec bad[] = { { 0, -1 }, { 0, 1000000000 } };
	struct thruster_lease lease = { 0 };
	struct thruster_ticket ticket = { { 0 } };
	const int results[] = {
		thruster_rent(NULL, 1, &lease),
		thruster_rent(pool, 1, NULL),
		thruster_rent(pool, 0, &lease),
		thruster_rent_wait(NULL, 1, NULL, &lease),
		thruster_rent_wait(pool, 1, NULL, NULL),
		thruster_rent_wait(pool, 0, NULL, &lease),
		thruster_rent_wait(pool, 1, &bad[0], &lease),
		thruster_rent_wait(pool, 1, &bad[1], &lease),
		thruster_rent_bulk(NULL, 1, &lease, 1),
		thruster_rent_bulk(pool, 1, NULL, 1),
		thruster_rent_bulk(pool, 0, &lease, 1),
		thruster_rent_bulk(pool, 1, &lease, 0),
		thruster_rent_bulk(pool, 1, &lease, 0x80000000u),
		thruster_return(NULL, &lease),
		thruster_return(pool, NULL),
		thruster_return(pool, &lease),
		thruster_return_bulk(NULL, &lease, 1),
		thruster_return_bulk(pool, NULL, 1),
		thruster_return_bulk(pool, &lease, 0),
		thruster_return_bulk(pool, &lease, 0x80000000u),
		thruster_hand_over(NULL, &lease, 1, &ticket),
		thruster_hand_over(pool, NULL, 1, &ticket),
		thruster_hand_over(pool, &lease, 1, NULL),
		thruster_accept(NULL, &ticket, &lease),
		thruster_accept(pool, NULL, &lease),
		thruster_accept(pool, &ticket, NULL),
		thruster_accept_key(NULL, 0, &lease),
		thruster_accept_key(pool, 0, NULL),
		thruster_lease_find(NULL, 0, &lease),
		thruster_lease_find(pool, 0, NULL),
	};
	size_t i;

	for (i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		expect(a, results[i] == -EINVAL, "a wrong argument", (long)i);
}

static void ask_who(struct actor *a)
{
	expect(a, thruster_client_id(a->pool) == a->stage->victim_id, "client_id", 0);
	expect(a, thruster_client_id(NULL) == 0, "client_id of nothing", 0);
	expect(a, strcmp(thruster_version(), THRUSTER_VERSION) == 0, "version", 0);
}

const struct scenario scenarios_come[] = {
	{ "attach", attach, .is_unattached = true },
	{ "attach with options", attach_with_options, .is_unattached = true, .has_calls = true },
	{ "attach, but not so", attach_badly, .is_unattached = true },
	{ "attach to the system's daemon", attach_to_the_system, .is_unattached = true },
	{ "attach with more options", attach_and_future, .is_unattached = true },
	{ "attach where buffers are aligned", attach_aligned, .is_unattached = true,
		.has_calls = true },
	{ "attach without room", attach_without_room, .is_unattached = true },
	{ "attach without a barrier", attach, .is_unattached = true, .is_fenced = true },
	{ "detach", detach, .has_calls = true },
	{ "detach without a barrier", detach, some, .is_fenced = true },
	{ "detach with leases", detach, some },
	{ "detach with everything", detach, everything_with_a_waiter },
	{ "hand over and detach", hand_over_and_detach },
	{ "detach nothing", detach_nothing },
	{ "use what a fork left", use_what_a_fork_left, .is_once = true },
	{ "ask wrongly", ask_wrongly },
	{ "ask who", ask_who },
	{ 0 },
};
