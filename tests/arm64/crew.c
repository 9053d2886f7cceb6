/* SPDX-License-Identifier: MIT */
/*
 * The first process of the crew. It lays out the arena, has the others work, cares for them as
 * their warden, and draws up the balance. In the end every slot must be rentable.
 *
 *   crew [--engine cores|threads|mixed] [--processes N] [--threads N] [--cores N]
 *        [--seconds N] [--kill MS] [--disturb US]
 *
 * --cores makes the arena for so many cores, however many the machine has: threads on cores beyond
 * rent as threads. --kill kills a process every MS milliseconds. --disturb interrupts each thread
 * every US microseconds (200; 0 for never) and moves it about.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "client/pool.h"
#include "shm/atomics.h"
#include "shm/geometry.h"
#include "shm/wait.h"
#include "tests/arm64/warden.h"

#define CLASSES 3u
#define JUDGE_EVERY_MS 20u
#define SETTLE_S 60u
#define NONCE 0x7e57u

struct options {
	enum crew_engine engine;
	unsigned processes, threads, cores, seconds, kill_ms, disturb_us;
};

/* Of no daemon: its run never changes, and there is no quota. */
static const struct thr_board no_board;

static struct crew *crew;
static struct warden w;
static int tests, failed;

static void check(bool ok, const char *what, uint64_t n)
{
	tests++;
	failed += !ok;
	printf("%sok %d - %s: %llu\n", ok ? "" : "not ", tests, what, (unsigned long long)n);
}

static void judge(const char *when)
{
	if (!warden_judge(&w, when))
		check(false, "the judge finds every rule kept", 0);
}

static void die(const char *what)
{
	fprintf(stderr, "crew: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void *shared(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct thruster_pool *crew_attach(struct crew *c, uint16_t seat, bool as_cores)
{
	struct thruster_pool *pool;

	if (thr_pool_new(&pool) < 0)
		return NULL;
	pool->view = c->view;
	pool->roster = c->roster;
	pool->id.n = c->roster[seat];
	pool->nonce = NONCE;
	/* If one process has no membarrier, none has. */
	pool->is_fenced = pool->do_others_fence = thr_barrier_register() < 0;
	thr_pool_set_seat(pool, (struct seat_id){ seat }, as_cores ? c->visitable : NULL);
	pool->is_attached = POOL_PLAIN;
	pool->board = &no_board;
	return pool;
}

/* Two classes that cores hold, with fewer slots in the last segment and less than all could use,
 * and one that is claimed openly, if there are cores enough for that. */
static void arena_make(const struct options *o)
{
	uint32_t segments = o->cores > 3 ? o->cores : 3, i;
	const struct thr_class_spec specs[CLASSES] = {
		{ .slot_bytes = 64, .slots = segments * THR_SEGMENT_SLOTS - 42 },
		{ .slot_bytes = 1024, .slots = segments * THR_SEGMENT_SLOTS - 1 },
		{ .slot_bytes = 4096, .slots = 5 },
	};
	struct thr_geometry g;
	void *pages;
	int fd = memfd_create("crew", MFD_CLOEXEC);

	if (thr_geometry_init(&g, o->cores, o->processes + 1, specs, CLASSES) < 0)
		die("geometry");
	if (fd < 0 || ftruncate(fd, (off_t)g.arena_bytes) < 0)
		die("memfd");
	pages = mmap(NULL, g.arena_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pages == MAP_FAILED)
		die("mmap");
	close(fd);
	crew = shared(sizeof(*crew));
	thr_view_init(&crew->view, pages, &g);
	thr_view_format(&crew->view);
	for (i = 0; i < CLASSES; i++) {
		crew->claims[i] = g.class_[i].claim;
		crew->owner[i] = shared(g.class_[i].slots * sizeof(*crew->owner[i]));
	}
	crew->is_dead = shared(1 << 20);
	crew->visitable = memset(shared(THR_CORES_MAX / 8), 0xff, THR_CORES_MAX / 8);
	crew->engine = o->engine;
	crew->n_processes = o->processes;
	crew->n_threads = o->threads;
	crew->disturb_us = o->disturb_us;
	crew->size_max = 4 * 1024;
	crew->held_max = g.class_[0].slots * 3 / (o->processes * o->threads);
	if (crew->held_max > CREW_HELD_MAX - CREW_BOX_LETTERS - 32)
		crew->held_max = CREW_HELD_MAX - CREW_BOX_LETTERS - 32;
}

static void watch(const struct options *o)
{
	uint64_t now = now_ms(), until = now + o->seconds * 1000ull;
	uint64_t kill_at = now + o->kill_ms, judge_at = now;

	for (; now < until; now = now_ms()) {
		usleep(1000);
		warden_visit(&w, false);
		if (now >= judge_at) {
			judge("while they work");
			judge_at = now + JUDGE_EVERY_MS;
		}
		if (o->kill_ms && now >= kill_at) {
			warden_kill(&w, (uint16_t)(rand() % (int)crew->n_processes + 1));
			kill_at = now + o->kill_ms;
		}
	}
	atomic_store(&crew->stage, CREW_SETTLE);
}

static unsigned settle(void)
{
	uint64_t until = now_ms() + SETTLE_S * 1000;
	unsigned left = crew->n_processes, bad = 0;
	int status;

	while (left && now_ms() < until) {
		if (waitpid(-1, &status, WNOHANG) > 0) {
			left--;
			bad += status != 0;
		} else {
			usleep(1000);
			warden_visit(&w, false);
		}
	}
	return left + bad;
}

static uint64_t count_slots(void)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < CLASSES; i++)
		n += crew->view.class_[i].slots;
	return n;
}

/* Rent until nothing is left for a size, or what is got is of another class. In slots. */
static uint64_t rent_all(struct thruster_pool *pool, size_t size, uint32_t class_)
{
	uint64_t n = 0, most = count_slots() + 1;
	struct thruster_lease lease;

	while (n < most && thruster_rent(pool, size, &lease) == 0) {
		n += record_run(lease.token[1]);
		if (where_class(lease.token[0]) != class_)
			break;
	}
	return n;
}

/* Every slot of every class, by a client that came last. Not all by the smallest size: when its
 * class is exhausted, each rent makes sure of that before it goes on to the next. */
static uint64_t count_rentable(struct thruster_pool *pool)
{
	uint64_t n = 0, some;

	do {
		n += rent_all(pool, 1024, 1);
		n += rent_all(pool, 1, 0);
		while ((some = rent_all(pool, 1, CLASSES)))
			n += some;
	} while (warden_visit(&w, true));
	return n;
}

static void report(void)
{
	uint32_t i, j;

	printf("#");
#define X(name, text) printf(" %s %llu", #name, (unsigned long long)crew->name);
	CREW_COUNTERS(X)
#undef X
	printf("\n#");
#define X(name, text)                                                                              \
	{                                                                                          \
		unsigned long long sum = 0;                                                        \
                                                                                                   \
		for (i = 0; i < CLASSES; i++)                                                      \
			for (j = 0; j < crew->view.n_cores; j++)                                   \
				sum += crew->view.class_[i].cores[j].name;                         \
		printf(" %s %llu", #name, sum);                                                    \
	}
	THR_CORE_COUNTERS(X)
#undef X
	printf("\n# killed %u, leases reclaimed %llu\n", w.n_killed,
		(unsigned long long)w.n_reclaimed);
}

static void verdict(void)
{
	uint16_t seat = (uint16_t)(crew->n_processes + 1);
	struct thruster_pool *pool;
	uint64_t leased = warden_count_leased(&w), rentable;

	judge("afterwards");
	crew->roster[seat] = client_id_make((struct seat_id){ seat }, 1).n;
	pool = crew_attach(crew, seat, crew->engine != CREW_THREADS);
	if (!pool)
		die("attach");
	rentable = count_rentable(pool);
	judge("with everything leased");
	report();
	check(crew->second_owners == 0, "second owners", crew->second_owners);
	check(crew->broken_stamps == 0, "buffers changed by others", crew->broken_stamps);
	check(crew->wrong_errors == 0, "errors that should not be", crew->wrong_errors);
	check(leased == 0, "slots leaked", leased);
	check(rentable == count_slots(), "slots that can be rented again", rentable);
	check(crew->rents && crew->runs && crew->bulks && crew->accepts && crew->judged,
		"every kind of work was done; leases in all", crew->rents + crew->runs);
}

static void options_read(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "engine", required_argument, NULL, 'e' },
		{ "processes", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 't' },
		{ "cores", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "kill", required_argument, NULL, 'k' },
		{ "disturb", required_argument, NULL, 'd' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		unsigned n = optarg ? (unsigned)atoi(optarg) : 0;

		if (c == 'e')
			o->engine = optarg[0] == 'm'   ? CREW_MIXED
				    : optarg[0] == 't' ? CREW_THREADS
						       : CREW_CORES;
		else if (c == 'p')
			o->processes = n;
		else if (c == 't')
			o->threads = n;
		else if (c == 'c')
			o->cores = n;
		else if (c == 's')
			o->seconds = n;
		else if (c == 'k')
			o->kill_ms = n;
		else if (c == 'd')
			o->disturb_us = n;
		else
			exit(2);
	}
	if (!o->processes || o->processes > CREW_PROCESSES_MAX || !o->threads ||
		o->threads > CREW_THREADS_MAX || !o->cores || !o->seconds) {
		fprintf(stderr, "crew: a number is out of its bounds\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options o = { .processes = 4, .threads = 2, .seconds = 2, .disturb_us = 200 };
	unsigned restless, here;
	uint16_t seat;

	o.cores = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	options_read(&o, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	arena_make(&o);
	here = warden_init(&w, crew);
	printf("# engine: %s%s, %u processes of %u threads, an arena for %u cores, %u cores here\n",
		w.self.n_cores ? "rseq" : "threads",
		w.self.n_cores && o.engine == CREW_MIXED ? " and threads" : "", o.processes,
		o.threads, o.cores, here);
	for (seat = 1; seat <= o.processes; seat++)
		warden_seat(&w, seat);
	watch(&o);
	restless = settle();
	check(restless == 0, "processes that did not end in peace", restless);
	verdict();
	printf("1..%d\n", tests);
	return failed != 0;
}
