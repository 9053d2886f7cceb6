/* SPDX-License-Identifier: MIT */
/*
 * relay: one file, many processes, no copy, and a death in the middle. Readers read the file into
 * rented buffers of varied length and hand each to a worker, who checksums it in place; half-way a
 * worker is killed while it holds leases; the digest is right all the same. relay.h says who does
 * what; this is what the person sees: the options, the progress, the table at the end.
 *
 * By hand: cc -D_GNU_SOURCE -o relay relay*.c \
 *             $(pkg-config --cflags --libs libthruster-client jansson nettle)
 */

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "relay.h"

#define CHUNK_BYTES_MAX (1u << 20) /* even if the arena has larger buffers: many are the point */

/* What came of it: the counters since the start, and the file's digest as two see it. */
struct ending {
	struct stock stock;
	char here[2 * SHA256_DIGEST_SIZE + 1], there[2 * SHA256_DIGEST_SIZE + 1];
};

static const char description[] =
	"Checksum FILE with several processes that pass rented buffers on, and kill one of them "
	"half-way. Without FILE, take the largest file of at most 400 MiB in /usr/bin and /usr/lib."
	"\vNeeds a thrusterd with an arena \"default\". Exit status: 0 if the digest is that of "
	"sha256sum, what the killed process had was taken back, and nothing is still leased.";

static const struct argp_option options[] = {
	{ "readers", 'r', "N", 0, "Processes that read the file (default: 3)" },
	{ "workers", 'w', "N", 0, "Processes that checksum it (default: 3)" },
	{ "socket", 's', "PATH", 0, "The daemon's socket (default: $THRUSTER_SOCKET)" },
	{ "thrusterctl", 't', "PROGRAM", 0, "Who asks for the statistics (default: $THRUSTERCTL, "
		"else thrusterctl)" },
	{ "no-kill", 'k', NULL, 0, "Let all live" },
	{ 0 },
};

static unsigned read_number(const char *argument, struct argp_state *state)
{
	char *end;
	unsigned long n = strtoul(argument, &end, 10);

	if (*end || end == argument || n < 1 || n > CHILDREN_MAX)
		argp_error(state, "\"%s\" is no number from 1 to %u", argument, CHILDREN_MAX);
	return (unsigned)n;
}

static error_t on_option(int key, char *argument, struct argp_state *state)
{
	struct job *job = state->input;

	switch (key) {
	case 'r':
		job->n_readers = read_number(argument, state);
		return 0;
	case 'w':
		job->n_workers = read_number(argument, state);
		return 0;
	case 's':
		/* The children and thrusterctl look there. */
		return setenv("THRUSTER_SOCKET", argument, 1) < 0 ? errno : 0;
	case 't':
		return setenv("THRUSTERCTL", argument, 1) < 0 ? errno : 0;
	case 'k':
		job->is_killing = false;
		return 0;
	case ARGP_KEY_ARG:
		if (job->path)
			argp_error(state, "one file at a time; \"%s\" is too many", argument);
		job->path = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static double speed(const struct job *job, uint64_t until_ns)
{
	return (double)job->hashed_bytes * 1e3 / (double)(until_ns - job->started_ns + 1);
}

/* On a terminal one line that is written again and again, else a line now and then. */
void show_progress(struct job *job)
{
	bool is_terminal = isatty(STDOUT_FILENO);
	uint64_t now = now_ns();

	if (now - job->shown_ns < (is_terminal ? 50000000u : 200000000u))
		return;
	job->shown_ns = now;
	printf("%s%3.0f %% of %.1f MB, %.0f MB/s, %u leases, %u waits, %u read again%s",
		is_terminal ? "\r" : "", 100.0 * (double)job->hashed_bytes / (double)job->size,
		(double)job->size / 1e6, speed(job, now), job->leases, job->waits, job->read_again,
		is_terminal ? "\033[K" : "\n");
	fflush(stdout);
}

void show_line(const char *format, ...)
{
	va_list args;

	printf("%s", isatty(STDOUT_FILENO) ? "\r\033[K" : "");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void open_file(struct job *job)
{
	struct stat st;

	job->file = open(job->path, O_RDONLY | O_CLOEXEC);
	if (job->file < 0 || fstat(job->file, &st) < 0)
		fail("%s: %s", job->path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		fail("%s: not a regular file with something in it", job->path);
	job->size = (uint64_t)st.st_size;
}

/* While others are attached, what is leased may be theirs. */
static bool is_left(const struct stock *stock)
{
	return stock->ours > 0 || (stock->clients == 0 && stock->leased > 0);
}

static struct stock take_last_stock(const struct job *job, const struct stock *before)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	uint64_t until = now_ns() + 10000000000ull;
	struct stock stock = take_stock(job);

	while (is_left(&stock) && now_ns() < until) {
		nanosleep(&pause, NULL);
		stock = take_stock(job);
	}
	stock.rents -= before->rents;
	stock.reclaimed_clients -= before->reclaimed_clients;
	stock.reclaimed_leases -= before->reclaimed_leases;
	return stock;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void print_hex(char *text, const uint8_t *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
}

/* NULL if all is as it should be. */
static const char *what_is_wrong(const struct job *job, const struct ending *e, bool had_to_kill)
{
	if (strcmp(e->here, e->there) != 0)
		return "the digests differ";
	if (had_to_kill && job->is_killing)
		return "nobody was killed";
	if (had_to_kill &&
		(e->stock.reclaimed_clients < 1 || e->stock.reclaimed_leases < job->killed_held))
		return "the daemon has not taken back what the killed worker held";
	if (is_left(&e->stock))
		return "something is still leased or attached";
	return NULL;
}

static void print_table(const struct job *job, const struct ending *e, const char *wrong)
{
	double seconds = (double)(job->ended_ns - job->started_ns) / 1e9;

	show_line("  file            %s", job->path);
	printf("  bytes           %" PRIu64 "\n", job->size);
	printf("  chunks          %u, of at most %u bytes; %u of them read again\n", job->planned,
		job->chunk_max, job->read_again);
	printf("  time            %.3f s, %.0f MB/s\n", seconds, speed(job, job->ended_ns));
	printf("  leases          %u rented (the daemon counts %" PRIu64 "), %u after a wait\n",
		job->leases, e->stock.rents, job->waits);
	printf("  handed over     %u\n", job->handed_over);
	printf("  reclaimed       %" PRIu64 " leases, clients: %" PRIu64 ", in %.1f ms\n",
		e->stock.reclaimed_leases, e->stock.reclaimed_clients, job->reclaim_ms);
	printf("  still leased    %" PRIu64 ", clients still attached: %zu\n", e->stock.leased,
		e->stock.clients);
	printf("  SHA-256 here    %s\n", e->here);
	printf("  sha256sum says  %s\n", e->there);
	printf("  verdict         %s\n", wrong ? wrong : "right");
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, on_option, "[FILE]", description };
	static struct job job = {
		.n_readers = 3, .n_workers = 3, .is_killing = true, .random = 2018
	};
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct stock before;
	struct ending ending;
	bool had_to_kill;
	const char *wrong;

	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, &job) != 0)
		return 2;
	had_to_kill = job.is_killing;
	if (!job.path)
		job.path = ask_large_file();
	open_file(&job);
	before = take_stock(&job);
	job.chunk_max = (uint32_t)smaller(before.largest_bytes, CHUNK_BYTES_MAX);
	job.gathered_max = (uint32_t)smaller(before.largest_slots, GATHERED_MAX);
	printf("%s, %.1f MB; readers: %u, workers: %u, buffers of up to %u bytes\n", job.path,
		(double)job.size / 1e6, job.n_readers, job.n_workers, job.chunk_max);
	job_run(&job);
	sha256_digest(&job.state, sizeof(digest), digest);
	print_hex(ending.here, digest, sizeof(digest));
	show_line("hashed; now sha256sum reads the same file");
	ask_sha256sum(job.path, ending.there);
	ending.stock = take_last_stock(&job, &before);
	wrong = what_is_wrong(&job, &ending, had_to_kill);
	print_table(&job, &ending, wrong);
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
