/* SPDX-License-Identifier: MIT */
/*
 * Programs that go on while the daemon is restarted, and tolerate nothing: the first error code, of
 * whatever kind, or a buffer that is not as it was left ends it.
 *
 *   storm-client storm WORKERS  say "running PID"; at SIGTERM a line of counts, or the first error
 *   storm-client hold LEASES    rent, say "holding", and keep them until killed
 *
 * Each worker process has two threads. One rents, stamps, checks, returns, hands over to the next
 * worker and accepts from the one before it, and keeps a few buffers from begin to end. The other
 * attaches anew all the time.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thruster/client.h>
#include <time.h>
#include <unistd.h>

#define WORKERS_MAX 16u
#define KEPT 4u
#define BURST 64u
#define SIZE_MAX_BYTES 9000u
#define NS_PER_MS 1000000ll
#define PATIENCE_NS (20000 * NS_PER_MS)
#define HOLD_MAX 1024u

struct counts {
	uint64_t rents, returns, hand_overs, accepts, attaches, longest_rent_ns, longest_attach_ns;
} __attribute__((aligned(128)));

struct storm {
	_Atomic bool is_over;
	_Atomic uint32_t is_told;
	char text[256];
	unsigned n_workers;
	_Atomic uint32_t client[WORKERS_MAX];
	int inbox[WORKERS_MAX], outbox[WORKERS_MAX]; /* outbox[i] leads to inbox[i] */
	struct counts worker[WORKERS_MAX], newcomer[WORKERS_MAX];
};

struct worker {
	struct storm *storm;
	unsigned place;
	struct thruster_pool *pool;
	uint64_t n, random;
	struct thruster_lease kept[KEPT];
	uint64_t stamp[KEPT];
};

/* What travels; a stamp of 0 says that nothing follows. */
struct parcel {
	struct thruster_ticket ticket;
	uint64_t stamp;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec;
}

static void sleep_ns(long ns)
{
	nanosleep(&(struct timespec){ 0, ns }, NULL);
}

static void __attribute__((noreturn)) die(struct storm *storm, const char *what, int r)
{
	uint32_t untold = 0;

	if (atomic_compare_exchange_strong(&storm->is_told, &untold, 1))
		snprintf(storm->text, sizeof(storm->text), "%s: %s", what,
			r < 0 ? strerror(-r) : "not as it should be");
	atomic_store(&storm->is_over, true);
	_exit(1);
}

/* The whole buffer is not needed to see that somebody else wrote: its ends are. */
static void stamp_write(const struct thruster_lease *lease, uint64_t stamp)
{
	uint64_t *word = lease->data;
	size_t i, n = lease->size / 8;

	for (i = 0; i < n && i < 8; i++)
		word[i] = word[n - 1 - i] = stamp;
}

static void stamp_check(struct storm *storm, const struct thruster_lease *lease, uint64_t stamp)
{
	const volatile uint64_t *word = lease->data;
	size_t i, n = lease->size / 8;

	for (i = 0; i < n && i < 8; i++)
		if (word[i] != stamp || word[n - 1 - i] != stamp)
			die(storm, "the contents of a buffer", 0);
}

static size_t random_size(struct worker *w)
{
	w->random = w->random * 6364136223846793005ull + 1442695040888963407ull;
	return 64 + (size_t)(w->random >> 33) % SIZE_MAX_BYTES;
}

static void rent(struct storm *storm, struct thruster_pool *pool, size_t size,
	struct counts *counts, struct thruster_lease *ret)
{
	int64_t begun = now_ns(), until = begun + PATIENCE_NS, took;
	struct timespec deadline = { until / (1000 * NS_PER_MS), until % (1000 * NS_PER_MS) };
	int r = thruster_rent_wait(pool, size, &deadline, ret);

	if (r < 0)
		die(storm, "thruster_rent_wait", r);
	took = now_ns() - begun;
	if (took > (int64_t)counts->longest_rent_ns)
		counts->longest_rent_ns = (uint64_t)took;
	counts->rents++;
}

static void give_back(struct storm *storm, struct thruster_pool *pool,
	const struct thruster_lease *lease, uint64_t stamp, struct counts *counts)
{
	int r;

	stamp_check(storm, lease, stamp);
	r = thruster_return(pool, lease);
	if (r < 0)
		die(storm, "thruster_return", r);
	counts->returns++;
}

static void attach(struct storm *storm, struct counts *counts, struct thruster_pool **ret)
{
	int64_t begun = now_ns(), took;
	int r = thruster_attach(ret, NULL, NULL);

	if (r < 0)
		die(storm, "thruster_attach", r);
	took = now_ns() - begun;
	if (took > (int64_t)counts->longest_attach_ns)
		counts->longest_attach_ns = (uint64_t)took;
	counts->attaches++;
}

/* The second thread: a new client all the time. */
static void *newcomer_main(void *userdata)
{
	struct worker *w = userdata;
	struct counts *counts = &w->storm->newcomer[w->place];
	struct thruster_lease lease;
	struct thruster_pool *pool;
	uint64_t n = 0;
	int r;

	while (!atomic_load(&w->storm->is_over)) {
		uint64_t stamp = ~(((uint64_t)w->place << 48) + ++n);

		attach(w->storm, counts, &pool);
		rent(w->storm, pool, 1500, counts, &lease);
		stamp_write(&lease, stamp);
		sleep_ns(NS_PER_MS);
		give_back(w->storm, pool, &lease, stamp, counts);
		r = thruster_detach(pool);
		if (r < 0)
			die(w->storm, "thruster_detach", r);
		sleep_ns(15 * NS_PER_MS);
	}
	return NULL;
}

static uint64_t next_stamp(struct worker *w)
{
	return ((uint64_t)(w->place + 1) << 48) + ++w->n;
}

/* To the next worker, unless its box is full; then the lease is returned. */
static void pass_on(struct worker *w, const struct thruster_lease *lease, uint64_t stamp)
{
	struct storm *storm = w->storm;
	unsigned next = (w->place + 1) % storm->n_workers;
	struct pollfd box = { .fd = storm->outbox[next], .events = POLLOUT };
	struct parcel parcel = { .stamp = stamp };
	int r;

	if (poll(&box, 1, 0) <= 0) {
		give_back(storm, w->pool, lease, stamp, &storm->worker[w->place]);
		return;
	}
	stamp_check(storm, lease, stamp);
	r = thruster_hand_over(
		w->pool, lease, atomic_load(&storm->client[next]), &parcel.ticket);
	if (r < 0)
		die(storm, "thruster_hand_over", r);
	storm->worker[w->place].hand_overs++;
	if (send(storm->outbox[next], &parcel, sizeof(parcel), 0) != sizeof(parcel))
		die(storm, "send", -errno);
}

/* False if the one before us has said that nothing follows. */
static bool receive(struct worker *w, int timeout_ms)
{
	struct storm *storm = w->storm;
	struct counts *counts = &storm->worker[w->place];
	struct pollfd box = { .fd = storm->inbox[w->place], .events = POLLIN };
	struct thruster_lease lease;
	struct parcel parcel;
	int r;

	while (poll(&box, 1, timeout_ms) > 0) {
		if (recv(box.fd, &parcel, sizeof(parcel), 0) != sizeof(parcel))
			die(storm, "recv", -errno);
		if (parcel.stamp == 0)
			return false;
		r = thruster_accept(w->pool, &parcel.ticket, &lease);
		if (r < 0)
			die(storm, "thruster_accept", r);
		counts->accepts++;
		give_back(storm, w->pool, &lease, parcel.stamp, counts);
	}
	return true;
}

static void work(struct worker *w)
{
	struct counts *counts = &w->storm->worker[w->place];
	struct thruster_lease lease;
	unsigned i;

	for (i = 0; i < BURST; i++) {
		uint64_t stamp = next_stamp(w);

		rent(w->storm, w->pool, random_size(w), counts, &lease);
		stamp_write(&lease, stamp);
		if (i % 4 == 0)
			pass_on(w, &lease, stamp);
		else
			give_back(w->storm, w->pool, &lease, stamp, counts);
	}
	for (i = 0; i < KEPT; i++)
		stamp_check(w->storm, &w->kept[i], w->stamp[i]);
}

static void finish(struct worker *w)
{
	static const struct parcel last;
	struct storm *storm = w->storm;
	int64_t until = now_ns() + PATIENCE_NS;
	unsigned i;
	int r;

	if (send(storm->outbox[(w->place + 1) % storm->n_workers], &last, sizeof(last), 0) < 0)
		die(storm, "send", -errno);
	while (receive(w, 100))
		if (atomic_load(&storm->is_told) || now_ns() > until)
			die(storm, "waiting for the end", 0);
	for (i = 0; i < KEPT; i++)
		give_back(storm, w->pool, &w->kept[i], w->stamp[i], &storm->worker[w->place]);
	r = thruster_detach(w->pool);
	if (r < 0)
		die(storm, "thruster_detach", r);
}

static bool is_complete(struct storm *storm)
{
	unsigned i;

	for (i = 0; i < storm->n_workers; i++)
		if (atomic_load(&storm->client[i]) == 0)
			return false;
	return true;
}

static void __attribute__((noreturn)) worker_run(struct storm *storm, unsigned place)
{
	struct worker w = { .storm = storm, .place = place, .random = place + 1 };
	struct counts *counts = &storm->worker[place];
	pthread_t newcomer;
	unsigned i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_IGN); /* the parent's alone */
	attach(storm, counts, &w.pool);
	for (i = 0; i < KEPT; i++) {
		rent(storm, w.pool, random_size(&w), counts, &w.kept[i]);
		w.stamp[i] = next_stamp(&w);
		stamp_write(&w.kept[i], w.stamp[i]);
	}
	atomic_store(&storm->client[place], thruster_client_id(w.pool));
	while (!is_complete(storm) && !atomic_load(&storm->is_over))
		sleep_ns(NS_PER_MS);
	if (pthread_create(&newcomer, NULL, newcomer_main, &w) != 0)
		die(storm, "pthread_create", 0);
	while (!atomic_load(&storm->is_over)) {
		work(&w);
		receive(&w, 0);
		sleep_ns(2 * NS_PER_MS); /* the daemon and systemd want to run as well */
	}
	pthread_join(newcomer, NULL);
	finish(&w);
	_exit(0);
}

static void print_counts(const struct storm *storm)
{
	struct counts sum = { 0 };
	unsigned i;

	for (i = 0; i < 2 * storm->n_workers; i++) {
		const struct counts *c = i % 2 ? &storm->newcomer[i / 2] : &storm->worker[i / 2];

		sum.rents += c->rents;
		sum.returns += c->returns;
		sum.hand_overs += c->hand_overs;
		sum.accepts += c->accepts;
		sum.attaches += c->attaches;
		if (c->longest_rent_ns > sum.longest_rent_ns)
			sum.longest_rent_ns = c->longest_rent_ns;
		if (c->longest_attach_ns > sum.longest_attach_ns)
			sum.longest_attach_ns = c->longest_attach_ns;
	}
	printf("%llu rents, %llu returns, %llu hand-overs, %llu accepts, %llu attaches; "
	       "longest rent %.3f ms, longest attach %.1f ms\n",
		(unsigned long long)sum.rents, (unsigned long long)sum.returns,
		(unsigned long long)sum.hand_overs, (unsigned long long)sum.accepts,
		(unsigned long long)sum.attaches, (double)sum.longest_rent_ns / NS_PER_MS,
		(double)sum.longest_attach_ns / NS_PER_MS);
}

/* Until SIGTERM, or until a worker ends, which it should not before that. */
static int storm_run(unsigned n_workers)
{
	struct storm *storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigset_t signals;
	int pair[2], status, failed = 0;
	unsigned i;

	if (storm == MAP_FAILED)
		return 1;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	storm->n_workers = n_workers;
	for (i = 0; i < n_workers; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
			return 1;
		storm->inbox[i] = pair[0];
		storm->outbox[i] = pair[1];
	}
	for (i = 0; i < n_workers; i++)
		if (fork() == 0)
			worker_run(storm, i);
	while (!is_complete(storm) && !atomic_load(&storm->is_told))
		sleep_ns(NS_PER_MS);
	printf("running %d\n", (int)getpid());
	fflush(stdout);
	sigwaitinfo(&signals, NULL);
	atomic_store(&storm->is_over, true);
	while (wait(&status) > 0)
		failed += status != 0;
	if (storm->text[0] || failed)
		printf("%s\n", storm->text[0] ? storm->text : "a worker was killed");
	else
		print_counts(storm);
	return storm->text[0] || failed;
}

static int hold(unsigned n)
{
	struct thruster_lease leases[HOLD_MAX];
	struct thruster_pool *pool;
	int r = thruster_attach(&pool, NULL, NULL);
	unsigned i;

	for (i = 0; r == 0 && i < n && i < HOLD_MAX; i++)
		r = thruster_rent_wait(pool, 1000, NULL, &leases[i]);
	if (r < 0) {
		printf("%s\n", strerror(-r));
		return 1;
	}
	printf("holding\n");
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	unsigned n = argc == 3 ? (unsigned)atoi(argv[2]) : 0;

	if (n >= 2 && n <= WORKERS_MAX && strcmp(argv[1], "storm") == 0)
		return storm_run(n);
	if (n >= 1 && strcmp(argv[1], "hold") == 0)
		return hold(n);
	fprintf(stderr, "usage: storm-client storm WORKERS | hold LEASES\n");
	return 2;
}
