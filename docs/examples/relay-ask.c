/* SPDX-License-Identifier: MIT */
/*
 * What other programs say: thrusterctl of the arena, sha256sum of the file. Also which file to take
 * when none is named.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "relay.h"

#define FILE_BYTES_MIN (20 << 20) /* too small is over before a person sees anything */
#define FILE_BYTES_MAX (400 << 20)

/* Run a program, with this file as its standard input, and read what it prints, up to size - 1. */
static size_t output_of(char *const argv[], const char *input, char *ret, size_t size)
{
	int out[2], in, status;
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	fflush(stdout);
	if (pipe2(out, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		fail("cannot run %s: %s", argv[0], strerror(errno));
	if (pid == 0) {
		in = open(input, O_RDONLY | O_CLOEXEC);
		if (in < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
			fail("%s: %s", input, strerror(errno));
		execvp(argv[0], argv);
		fail("cannot run %s: %s", argv[0], strerror(errno));
	}
	close(out[1]);
	while (n < size - 1 && (r = read(out[0], ret + n, size - 1 - n)) != 0) {
		if (r < 0 && errno != EINTR)
			fail("cannot read from %s: %s", argv[0], strerror(errno));
		n += r > 0 ? (size_t)r : 0;
	}
	ret[n] = 0;
	close(out[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		fail("%s has failed", argv[0]);
	return n;
}

json_t *ask_stats(void)
{
	static char text[4 << 20];
	char *named = getenv("THRUSTERCTL");
	char *program = named ? named : (char *)"thrusterctl";
	char *argv[] = { program, (char *)"stats", (char *)"--json", NULL };
	size_t n = output_of(argv, "/dev/null", text, sizeof(text));
	json_error_t error;
	json_t *stats = json_loadb(text, n, 0, &error);

	if (!stats)
		fail("%s stats --json: %s", argv[0], error.text);
	return stats;
}

static json_t *default_arena(const json_t *stats)
{
	json_t *arena;
	size_t i;

	json_array_foreach(json_object_get(stats, "arenas"), i, arena) {
		const char *name = json_string_value(json_object_get(arena, "name"));

		if (name && strcmp(name, "default") == 0)
			return arena;
	}
	fail("the daemon has no arena \"default\" that we may see");
}

static uint64_t number(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	if (!json_is_integer(value))
		fail("the statistics have no number \"%s\"", name);
	return (uint64_t)json_integer_value(value);
}

uint64_t stats_reclaimed_clients(const json_t *stats)
{
	return number(json_object_get(stats, "reclaim"), "clients_total");
}

int64_t stats_leased(const json_t *stats, uint32_t id)
{
	json_t *client;
	size_t i;

	json_array_foreach(json_object_get(default_arena(stats), "clients"), i, client)
		if (number(client, "id") == id)
			return (int64_t)number(client, "leased");
	return -1;
}

static size_t count_attached(const json_t *stats, const struct child *children, unsigned n)
{
	size_t count = 0;
	unsigned i;

	for (i = 0; i < n; i++)
		count += stats_leased(stats, children[i].client) >= 0;
	return count;
}

struct stock take_stock(const struct job *job)
{
	json_t *stats = ask_stats(), *arena = default_arena(stats), *class_;
	json_t *reclaim = json_object_get(stats, "reclaim");
	struct stock stock = {
		.reclaimed_clients = number(reclaim, "clients_total"),
		.reclaimed_leases = number(reclaim, "leases_total"),
		.clients = json_array_size(json_object_get(arena, "clients")),
		.ours = count_attached(stats, job->readers, job->n_readers) +
			count_attached(stats, job->workers, job->n_workers),
	};
	size_t i;

	json_array_foreach(json_object_get(arena, "classes"), i, class_) {
		stock.leased += number(class_, "leased");
		stock.rents += number(class_, "rents_total");
		if (number(class_, "slot_bytes") > stock.largest_bytes) {
			stock.largest_bytes = number(class_, "slot_bytes");
			stock.largest_slots = number(class_, "slots");
		}
	}
	json_decref(stats);
	return stock;
}

void ask_sha256sum(const char *path, char ret_digest[2 * SHA256_DIGEST_SIZE + 1])
{
	char *argv[] = { (char *)"sha256sum", NULL };
	char text[256];

	output_of(argv, path, text, sizeof(text));
	if (strspn(text, "0123456789abcdef") != 2 * SHA256_DIGEST_SIZE)
		fail("sha256sum said \"%s\"", text);
	memcpy(ret_digest, text, 2 * SHA256_DIGEST_SIZE);
	ret_digest[2 * SHA256_DIGEST_SIZE] = 0;
}

static char *large_file;
static off_t large_bytes;

static int on_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size > FILE_BYTES_MAX ||
		st->st_size <= large_bytes || access(path, R_OK) != 0)
		return 0;
	free(large_file);
	large_file = strdup(path);
	large_bytes = st->st_size;
	return large_file ? 0 : -1;
}

const char *ask_large_file(void)
{
	nftw("/usr/bin", on_file, 16, FTW_PHYS);
	nftw("/usr/lib", on_file, 16, FTW_PHYS);
	if (large_bytes < FILE_BYTES_MIN)
		nftw("/usr", on_file, 16, FTW_PHYS);
	if (!large_file)
		fail("there is no file to read under /usr; name one");
	return large_file;
}
