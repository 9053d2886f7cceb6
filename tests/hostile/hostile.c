/* SPDX-License-Identifier: MIT */
/*
 * Clients that scribble over all of an arena for as long as they live, are killed and come again,
 * while the daemon reclaims, samples, answers, judges, trims, reloads its configuration, and is
 * killed and restarted. In the arena beside it an honest client must notice nothing.
 *
 *     hostile [SECONDS]      ten, if nothing is said
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "client/connection.h"
#include "tests/harness/keeper.h"
#include "tests/hostile/scribbler.h"

#define SECONDS 10
#define SCRIBBLERS 3
#define ANSWER_MS_MAX 10000u /* generous: what is asked here is answered in milliseconds */
#define BATCH 8

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"victim\", \"max_clients\": 8,"
	"  \"memory\": { \"trim_after_s\": 1 },"
	"  \"undelivered_grace_ms\": 50, \"classes\": ["
	"  { \"slot_bytes\": 1000, \"slots\": 330 }, { \"slot_bytes\": 4096, \"slots\": 50 } ] },"
	" { \"name\": \"neighbour\", \"classes\": [ { \"slot_bytes\": 1000, \"slots\": 200 } ] } ] "
	"}";

struct sums {
	struct scribbler_sums hostile;
	uint64_t rents; /* of the honest client */
	uint32_t stop;
};

static struct host host;
static struct sums *sums;
static unsigned n_killed, n_asked, n_reloads, n_restarts;
static uint64_t longest_ns;
static int64_t n_trims;

static void stamp(const struct thruster_lease *lease, uint64_t value)
{
	uint64_t *words = lease->data;
	size_t i;

	for (i = 0; i < lease->size / sizeof(*words); i++)
		words[i] = value + i;
}

static bool is_stamped(const struct thruster_lease *lease, uint64_t value)
{
	const uint64_t *words = lease->data;
	size_t i;

	for (i = 0; i < lease->size / sizeof(*words); i++)
		if (words[i] != value + i)
			return false;
	return true;
}

/* One batch: rented, stamped, verified, returned. What went wrong, or NULL. */
static const char *serve_batch(struct thruster_pool *pool, uint64_t *n)
{
	struct thruster_lease leases[BATCH];
	struct timespec until;
	unsigned i;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 60;
	for (i = 0; i < BATCH; i++) {
		if (thruster_rent_wait(pool, 1000, &until, &leases[i]) < 0)
			return "no buffer";
		stamp(&leases[i], *n + i * 1000003ull);
	}
	for (i = 0; i < BATCH; i++) {
		if (!is_stamped(&leases[i], *n + i * 1000003ull))
			return "a buffer was written to by somebody else";
		if (thruster_return(pool, &leases[i]) < 0)
			return "a lease was refused";
	}
	*n += BATCH;
	return NULL;
}

static pid_t fork_honest(void)
{
	struct thruster_pool *pool;
	const char *wrong = NULL;
	uint64_t n = 0;
	pid_t pid = fork();

	if (pid < 0)
		harness_fail("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pool = host_attach(&host, "neighbour");
	while (!wrong && !__atomic_load_n(&sums->stop, __ATOMIC_RELAXED)) {
		wrong = serve_batch(pool, &n);
		__atomic_store_n(&sums->rents, n, __ATOMIC_RELAXED);
	}
	if (!wrong && thruster_detach(pool) < 0)
		wrong = "it could not detach";
	if (wrong)
		fprintf(stderr, "the honest client: %s, after %llu rents\n", wrong,
			(unsigned long long)n);
	_exit(wrong ? 1 : 0);
}

/* Must be answered, with any status. */
static void ask(uint32_t question)
{
	struct wire_query query = { wire_header_make(WIRE_QUERY), question, 0 };
	struct connection_answer answer;
	uint64_t begun = now_ns(), took;
	int fd, r = thr_connection_open(&fd, host.socket, ANSWER_MS_MAX);

	if (r == 0)
		r = thr_connection_ask(fd, &query, sizeof(query), ANSWER_MS_MAX, &answer);
	if (r < 0 || answer.reply.status < 0)
		harness_fail("question %u: %s", question,
			strerror(r < 0 ? -r : -answer.reply.status));
	thr_connection_close_fds(&answer);
	close(fd);
	took = now_ns() - begun;
	longest_ns = took > longest_ns ? took : longest_ns;
	n_asked++;
}

static void reload(void)
{
	kill(host.pid, SIGHUP);
	n_reloads++;
}

/* One turn of what the daemon is made to do. */
static void disturb(pid_t scribblers[SCRIBBLERS], unsigned turn)
{
	unsigned i = turn % SCRIBBLERS;

	kill_child(scribblers[i]);
	scribblers[i] = scribbler_fork(&host, "victim", 100 + turn, &sums->hostile);
	n_killed++;
	ask(WIRE_QUESTION_STATS);
	ask(WIRE_QUESTION_LEASES);
	ask(WIRE_QUESTION_CHECK);
	ask(WIRE_QUESTION_TRIM);
	if (turn % 16 == 7)
		reload();
	if (turn % 16 == 15) {
		keeper_restart(&host, turn % 32 == 15 ? SIGKILL : SIGTERM, NULL);
		n_restarts++;
	}
	sleep_ms(20);
}

static void tell(void)
{
	json_t *stats = host_stats(&host);

	n_trims = json_number(stats, "arenas[1].memory.trims_total");
	printf("# %llu writes by %llu hostile clients, %u of them killed; %llu locks, %llu acts "
	       "refused\n"
		"# %u questions, the longest took %llu ms; %u reloads, %u restarts\n"
		"# reclaimed %lld clients; refused %lld connections and %lld messages\n"
		"# the honest client rented %llu times, and was trimmed %lld times\n",
		(unsigned long long)sums->hostile.writes,
		(unsigned long long)sums->hostile.attached, n_killed,
		(unsigned long long)sums->hostile.locks, (unsigned long long)sums->hostile.refused,
		n_asked, (unsigned long long)longest_ns / 1000000, n_reloads,
		n_restarts,
		(long long)json_number(stats, "reclaim.clients_total"),
		(long long)json_number(stats, "daemon.connections_refused_total"),
		(long long)json_number(stats, "daemon.protocol_violations_total"),
		(unsigned long long)sums->rents, (long long)n_trims);
	json_decref(stats);
}

/* Whatever is in its pages, nobody is left in the victim when all of them are dead. */
static void victim_must_be_empty(void)
{
	uint64_t until = now_ns() + 30 * 1000000000ull;
	size_t n;

	do {
		json_t *stats = host_stats(&host);

		n = json_array_size(json_object_get(
			json_array_get(json_object_get(stats, "arenas"), 0), "clients"));
		json_decref(stats);
		sleep_ms(5);
	} while (n && now_ns() < until);
	if (n)
		harness_fail("%zu dead clients still have seats", n);
}

static unsigned n_checks, n_failed;

static void check(const char *what, bool is_so)
{
	n_failed += !is_so;
	printf("%sok %u - %s\n", is_so ? "" : "not ", ++n_checks, what);
}

static void look_afterwards(int honest_status)
{
	char text[65536];

	tell();
	check("the honest client met with no error", honest_status == 0);
	check("it rented all the time", sums->rents > 0);
	check("its arena was trimmed meanwhile", n_trims > 0);
	check("what nobody may do was refused", sums->hostile.succeeded == 0);
	check("hostile clients came again and again", sums->hostile.attached > SCRIBBLERS);
	victim_must_be_empty();
	check("none of the dead has a seat", true);
	host_ctl(&host, "check", text, sizeof(text));
	check("the neighbour is sound", strstr(text, "arena neighbour: sound"));
	keeper_stop(&host);
	check("the daemon ends when it is told to, and well", true);
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : SECONDS, i;
	pid_t scribblers[SCRIBBLERS], honest;
	uint64_t until;
	int status = 0;

	sums = mmap(NULL, sizeof(*sums), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sums == MAP_FAILED)
		harness_fail("mmap: %s", strerror(errno));
	setvbuf(stdout, NULL, _IOLBF, 0);
	keeper_start(&host, config);
	honest = fork_honest();
	for (i = 0; i < SCRIBBLERS; i++)
		scribblers[i] = scribbler_fork(&host, "victim", i, &sums->hostile);
	until = now_ns() + seconds * 1000000000ull;
	for (i = 0; now_ns() < until; i++)
		disturb(scribblers, i);
	for (i = 0; i < SCRIBBLERS; i++)
		kill_child(scribblers[i]);
	__atomic_store_n(&sums->stop, 1, __ATOMIC_RELAXED);
	waitpid(honest, &status, 0);
	look_afterwards(status);
	printf("1..%u\n", n_checks);
	return n_failed ? 1 : 0;
}
