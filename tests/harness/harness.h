/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HARNESS_HARNESS_H
#define TESTS_HARNESS_HARNESS_H

/*
 * A real thrusterd for one test: its own directory, its own socket, gone with the test. Whatever
 * goes wrong in here is the test's failure: a message on standard error, and abort().
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>
#include "client/include/thruster/client.h"
#include "shm/abi.h"
#include "tests/harness/probes.h"

struct host {
	char directory[64]; /* of its own, removed with the host */
	char socket[96];    /* where the daemon listens; also in $THRUSTER_SOCKET */
	char config[96];
	char log[96];       /* what the daemon wrote to standard error */
	pid_t pid;
	struct probes probes; /* if $THRUSTER_TRACED says that hosts are traced */
};

/* Start a daemon with this configuration (NULL: the built-in one) and wait until it is ready. */
void host_start(struct host *host, const char *config);

/* The parts of it, for who starts a daemon in another way (tests/harness/keeper.h). */
void host_prepare(struct host *host, const char *config);
int host_notify_socket(const struct host *host, struct sockaddr_un *address);
void host_exec(const struct host *host, const char *notify);
void write_file(const char *path, const char *text);

/* SIGTERM, wait; the exit status must be 0, the socket must be gone. Removes the directory. */
void host_stop(struct host *host);

/* Options for thruster_attach() with this host's socket. */
struct thruster_attach_options host_options(const struct host *host, const char *label);

/* Attach to an arena (NULL: "default") of this host; must succeed. */
struct thruster_pool *host_attach(const struct host *host, const char *arena);

/* What `thrusterctl stats --json` is made of; the caller's. */
json_t *host_stats(const struct host *host);

/* A number in JSON by its path: json_number(stats, "arenas[0].classes[1].leased"). */
int64_t json_number(const json_t *root, const char *path);

/* One of the statistics, as they are now. */
int64_t host_number(const struct host *host, const char *path);

/* Attach and detach again: 0, or the error that one of the two gave. */
int host_try_attach(const struct host *host, const char *arena);

/* Ask for the statistics until the number at `path` is `value`; fails after ten seconds. */
void host_await(const struct host *host, const char *path, int64_t value);

/* Run thrusterctl with these arguments (the socket is given); exit status, and what it printed. */
int host_ctl(const struct host *host, const char *arguments, char *output, size_t size);

/* Run a shell command; exit status (128 + signal if killed), and both outputs together. */
int shell(const char *command, char *output, size_t size);

/* Does a text file contain this? */
bool file_contains(const char *path, const char *text);

/*
 * Fork a child that attaches to the arena and rents n buffers of `size`, says so, and sleeps until
 * it is killed. Returns when it has them.
 */
pid_t host_fork_holder(const struct host *host, const char *arena, unsigned n, size_t size);

/*
 * Nothing was lost: within ten seconds nobody is attached and nothing is leased; the judge finds
 * every arena sound; and a client who comes now is served.
 */
void host_must_be_well(const struct host *host);

/* Descriptors that a process has open. */
unsigned descriptors_of(pid_t pid);

/* Wait up to ten seconds until a process has that many descriptors open. */
void await_descriptors(pid_t pid, unsigned n);

/* The control page of the arena "default", as this process has it mapped. */
struct thr_control *host_control_page(void);

/* SIGKILL and wait. */
void kill_child(pid_t pid);

void sleep_ms(unsigned ms);
uint64_t now_ns(void);

/* Say what is wrong and abort. */
void harness_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
