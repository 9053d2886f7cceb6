/* SPDX-License-Identifier: MIT */
/*
 * A daemon that does not answer: thrusterctl stats says so, and shows what the boards say, which is
 * what the daemon said last. And whoever poses as one can make it show no wrong board.
 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "shm/figures.h"
#include "shm/geometry.h"
#include "tests/daemon/person.h"
#include "tests/harness/keeper.h"

static const char config[] =
	"{ \"arenas\": ["
	" { \"name\": \"default\", \"max_clients\": 8, \"quota\": { \"leases\": 500 },"
	"  \"classes\": ["
	"  { \"slot_bytes\": 1000, \"slots\": 60 }, { \"slot_bytes\": 1000000, \"slots\": 3 } ] },"
	" { \"name\": \"second\", \"max_clients\": 65535, \"classes\": ["
	"  { \"slot_bytes\": 64, \"slots\": 100000 } ] } ] }";

static struct host host;
static char output[1 << 20];

TestSuite(unresponsive, .timeout = 60);

/* As JSON, what is said on standard error left out. */
static json_t *ask(int expected)
{
	json_error_t error;
	json_t *json;

	cr_assert_eq(host_ctl(&host, "stats --json --timeout 1 2>/dev/null", output,
			     sizeof(output)), expected, "%s", output);
	json = json_loads(output, JSON_REJECT_DUPLICATES, &error);
	cr_assert(json, "%s: %s", error.text, output);
	return json;
}

/* Every field of `b` is in `a`, and the same; what is not on a board may be missing. */
static void must_agree(const json_t *a, const json_t *b, const char *what)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_array(b)) {
		cr_assert_eq(json_array_size(a), json_array_size(b), "%s", what);
		json_array_foreach(b, i, value)
			must_agree(json_array_get(a, i), value, what);
	} else if (json_is_object(b)) {
		json_object_foreach((json_t *)b, key, value)
			if (strncmp(key, "sample", 6) != 0)
				must_agree(json_object_get(a, key), value, key);
	} else {
		cr_expect(json_equal(a, b), "%s", what);
	}
}

static void must_be_told(const char *running, const json_t *before)
{
	json_t *now = ask(3), *arenas = json_object_get(now, "arenas"), *class_;
	json_t *daemon = json_object_get(now, "daemon");

	cr_expect_str_eq(json_string_value(json_object_get(daemon, "state")), "unresponsive");
	cr_expect_eq(json_number(now, "daemon.pid"), host.pid, "%s", running);
	must_agree(json_object_get(before, "arenas"), arenas, running);
	cr_expect_eq(json_number(now, "arenas[0].classes[0].leased"), 60);
	cr_expect_eq(json_number(now, "arenas[0].classes[0].leased_peak"), 60);
	cr_expect_eq(json_number(now, "arenas[0].classes[1].leased"), 1);
	cr_expect_eq(json_number(now, "arenas[0].classes[0].exhausted_total"), 1);
	cr_expect_eq(json_number(now, "arenas[0].quota_leases"), 500);
	cr_expect_eq(json_array_size(json_object_get(json_array_get(arenas, 0), "clients")), 2);
	cr_expect_eq(json_array_size(json_object_get(json_array_get(arenas, 1), "clients")), 0);
	cr_expect_eq(json_number(now, "arenas[0].sample_age_ns"),
		json_number(now, "timestamp_monotonic_ns") -
			json_number(now, "arenas[0].sampled_monotonic_ns"));
	class_ = json_array_get(json_object_get(json_array_get(arenas, 0), "classes"), 0);
	cr_expect_geq(json_object_size(class_), 5 + 9, "all figures are there");
	json_decref(now);
}

static void must_be_shown(void)
{
	char line[160];

	cr_expect_eq(host_ctl(&host, "stats --cores --timeout 1", output, sizeof(output)), 3);
	snprintf(line, sizeof(line), "the daemon at %s does not answer within 1 s\n", host.socket);
	cr_expect(strstr(output, line), "%s", output);
	cr_expect(strstr(output, "this is what the boards of its arenas say\n"));
	snprintf(line, sizeof(line), "thrusterd, pid %d, unresponsive\n", (int)host.pid);
	cr_expect(strstr(output, line), "%s", output);
	cr_expect(strstr(output, " MiB, 2 clients, as of "), "%s", output);
	cr_expect(strstr(output, "\n 1000     60     0         0      60    60     60        0"));
	cr_expect(strstr(output, "\narena second: "));
	cr_expect_eq(host_ctl(&host, "clients --timeout 1", output, sizeof(output)), 3,
		"other commands need an answer");
}

static void hang_and_look(void)
{
	struct thruster_pool *pool = host_attach(&host, NULL), *idle = host_attach(&host, NULL);
	struct thruster_lease leases[61];
	json_t *before;

	cr_assert_eq(thruster_rent_bulk(pool, 1, leases, 61), 61);
	before = ask(0);
	cr_assert_eq(kill(host.pid, SIGSTOP), 0);
	must_be_told("stopped", before);
	must_be_shown();
	cr_assert_eq(kill(host.pid, SIGCONT), 0);
	json_decref(before);
	before = host_stats(&host);
	cr_expect_eq(json_number(before, "arenas[0].classes[0].leased"), 60, "it works again");
	json_decref(before);
	cr_expect_eq(thruster_detach(pool), 0);
	cr_expect_eq(thruster_detach(idle), 0);
	json_decref(ask(0));
	host_must_be_well(&host);
}

Test(unresponsive, a_stopped_daemons_boards_are_shown)
{
	host_start(&host, config);
	hang_and_look();
	host_stop(&host);
}

/* Then it is the manager who listens and who keeps the boards, and not the daemon. */
Test(unresponsive, with_a_socket_of_the_service_manager)
{
	keeper_start(&host, config);
	hang_and_look();
	keeper_stop(&host);
}

static int look_as_other(const char *argument)
{
	static char text[4096];
	int status = host_ctl(&host, argument, text, sizeof(text));

	if (!strstr(text, "root, or the user that it runs as, can see the boards"))
		fprintf(stderr, "%s", text);
	return strstr(text, "root, or the user that it runs as, can see the boards") ? -status : 0;
}

Test(unresponsive, who_may_not_look_is_told_who_may)
{
	host_start_for_others(&host, config);
	cr_assert_eq(kill(host.pid, SIGSTOP), 0);
	cr_expect_eq(
		as((struct person){ 65534, 65534, 0 }, look_as_other, "stats --timeout 1"), -3);
	cr_assert_eq(kill(host.pid, SIGCONT), 0);
	host_must_be_well(&host);
	host_stop(&host);
}

Test(unresponsive, no_daemon_is_another_matter)
{
	host_start(&host, config);
	host_stop(&host);
	cr_expect_eq(host_ctl(&host, "stats --json", output, sizeof(output)), 3);
	cr_expect(strstr(output, "no daemon answers"), "%s", output);
}

/* What an impostor has on a board, as it should be. */
struct paper {
	struct thr_board board;
	uint64_t bytes;
	int seals;
	bool is_published;
};

#define SPOILS(X)                                                                                  \
	X(magic, p->board.magic++)                                                                 \
	X(abi, p->board.abi++)                                                                     \
	X(unsealed, p->seals = 0)                                                                  \
	X(short_, p->bytes = 100)                                                                  \
	X(empty, p->bytes = 0)                                                                     \
	X(larger, p->bytes += THR_PAGE)                                                            \
	X(smaller, p->bytes -= THR_PAGE)                                                           \
	X(no_name, p->board.name[0] = 0)                                                           \
	X(escape, strcpy(p->board.name, "\033[2J"))                                                \
	X(endless, memset(p->board.name, 'x', sizeof(p->board.name)))                              \
	X(classes, p->board.geometry.classes = UINT32_MAX)                                         \
	X(seats, p->board.geometry.seats = 100000)                                                 \
	X(roster, p->board.geometry.roster_offset = UINT64_MAX - 3)                                \
	X(slots, p->board.geometry.class_[0].slots = 1 << 20)

#define X(name, what)                                                                              \
	static void spoil_##name(struct paper *p)                                                  \
	{                                                                                          \
		what;                                                                              \
	}
SPOILS(X)
#undef X

static void (*const spoils[])(struct paper *p) = {
#define X(name, what) spoil_##name,
	SPOILS(X)
#undef X
};

static void is_right(struct paper *p, const char *name, bool is_published)
{
	const struct thr_class_spec class_ = { .slot_bytes = 64, .slots = 7 };
	struct thr_figures figures = { .sampled_monotonic_ns = 1, .class_[0].free = 5 };

	memset(p, 0, sizeof(*p));
	cr_assert_eq(thr_geometry_init(&p->board.geometry, 1, 2000, &class_, 1), 0);
	p->board.magic = THR_BOARD_MAGIC;
	p->board.abi = THR_ABI;
	p->board.nonce = (uint64_t)random();
	snprintf(p->board.name, sizeof(p->board.name), "%s", name);
	if (is_published)
		figures_publish(&p->board.figures, &figures);
	else
		p->board.figures.sequence = 1;
	p->bytes = p->board.geometry.board_bytes;
	p->seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
}

static void hang_up(const struct paper *p)
{
	int fd = memfd_create("thruster-x-board", MFD_ALLOW_SEALING);

	cr_assert(fd >= 0 && pwrite(fd, &p->board, sizeof(p->board), 0) == sizeof(p->board) &&
		  ftruncate(fd, (off_t)p->bytes) == 0 && fcntl(fd, F_ADD_SEALS, p->seals) == 0);
}

/* Listens, says that it is thrusterd, has boards, and never answers. */
static pid_t pose(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ready[2], fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	struct paper paper;
	char name[32];
	size_t i;
	pid_t pid;
	char c = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", host.socket);
	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid != 0) {
		close(ready[1]);
		cr_assert_eq(read(ready[0], &c, 1), 1);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "thrusterd");
	is_right(&paper, "right", true);
	hang_up(&paper);
	hang_up(&paper);
	is_right(&paper, "half-written", false);
	hang_up(&paper);
	for (i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
		snprintf(name, sizeof(name), "spoilt-%zu", i);
		is_right(&paper, name, true);
		spoils[i](&paper);
		hang_up(&paper);
	}
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 8) == 0 &&
		write(ready[1], &c, 1) == 1)
		for (;;)
			pause();
	_exit(1);
}

Test(unresponsive, what_is_no_board_is_not_shown)
{
	json_t *json, *class_;
	char command[128];
	pid_t pid;

	host_prepare(&host, NULL);
	pid = pose();
	json = ask(3);
	cr_expect_eq(json_array_size(json_object_get(json, "arenas")), 2, "%s", output);
	cr_expect_eq(json_number(json, "daemon.pid"), pid);
	cr_expect_eq(json_number(json, "arenas[0].classes[0].free"), 5);
	cr_expect_eq(json_number(json, "arenas[1].classes[0].slots"), 7);
	class_ = json_object_get(json_array_get(json_object_get(json, "arenas"), 1), "classes");
	cr_expect_null(json_object_get(json_array_get(class_, 0), "free"));
	json_decref(json);
	cr_expect_eq(host_ctl(&host, "stats --timeout 1", output, sizeof(output)), 3);
	cr_expect(strstr(output, "the daemon stopped while it wrote the figures\n"));
	cr_expect(strstr(output, "\n   64      7     -         -"), "%s", output);
	kill_child(pid);
	snprintf(command, sizeof(command), "rm -r %s", host.directory);
	cr_expect_eq(shell(command, output, sizeof(output)), 0);
}
