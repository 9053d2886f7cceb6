/* SPDX-License-Identifier: MIT */
/* Starting, asking and stopping a daemon. Readiness comes by the notify protocol, not by polling.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "client/connection.h"
#include "tests/harness/harness.h"

#define READY_S 30
#define AWAIT_NS 10000000000ull

void harness_fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "harness: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

void sleep_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static const char *program(const char *variable, const char *otherwise)
{
	const char *path = getenv(variable);

	return path ? path : otherwise;
}

void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		harness_fail("cannot write %s: %s", path, strerror(errno));
}

int host_notify_socket(const struct host *host, struct sockaddr_un *address)
{
	struct timeval limit = { .tv_sec = READY_S };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/notify", host->directory);
	if (fd < 0 || bind(fd, (struct sockaddr *)address, sizeof(*address)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		harness_fail("notify socket: %s", strerror(errno));
	return fd;
}

void host_exec(const struct host *host, const char *notify)
{
	const char *path = program("THRUSTERD", "build/daemon/thrusterd");
	int log = open(host->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, STDERR_FILENO);
	setenv("NOTIFY_SOCKET", notify, 1);
	unsetenv("JOURNAL_STREAM");
	if (access(host->config, F_OK) == 0)
		execl(path, path, "--verbose", "--socket", host->socket, "--config", host->config,
			NULL);
	else
		execl(path, path, "--built-in", "--verbose", "--socket", host->socket, NULL);
	fprintf(stderr, "cannot run %s: %s\n", path, strerror(errno));
	_exit(127);
}

void host_prepare(struct host *host, const char *config)
{
	const char *tmp = program("TMPDIR", "/tmp");

	memset(host, 0, sizeof(*host));
	snprintf(host->directory, sizeof(host->directory), "%.40s/thruster-XXXXXX", tmp);
	if (!mkdtemp(host->directory))
		harness_fail("%s: %s", host->directory, strerror(errno));
	chmod(host->directory, 0755);
	snprintf(host->socket, sizeof(host->socket), "%s/s", host->directory);
	snprintf(host->config, sizeof(host->config), "%s/config.json", host->directory);
	snprintf(host->log, sizeof(host->log), "%s/log", host->directory);
	if (config)
		write_file(host->config, config);
	setenv("THRUSTER_SOCKET", host->socket, 1);
}

void host_start(struct host *host, const char *config)
{
	struct sockaddr_un address;
	char text[256];
	ssize_t n;
	int fd;

	host_prepare(host, config);
	fd = host_notify_socket(host, &address);
	host->pid = fork();
	if (host->pid == 0)
		host_exec(host, address.sun_path);
	do {
		n = recv(fd, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = 0;
	} while (n > 0 && !strstr(text, "READY=1"));
	if (n <= 0) {
		snprintf(text, sizeof(text), "cat %s >&2", host->log);
		if (system(text) != 0)
			fprintf(stderr, "no log\n");
		harness_fail("the daemon did not become ready");
	}
	close(fd);
	if (getenv("THRUSTER_TRACED"))
		probes_start(&host->probes, host, NULL, NULL);
}

void host_stop(struct host *host)
{
	char command[128];
	int status = 0;

	probes_stop(&host->probes);
	kill(host->pid, SIGTERM);
	if (waitpid(host->pid, &status, 0) != host->pid || status != 0) {
		snprintf(command, sizeof(command), "cat %s >&2", host->log);
		if (system(command) != 0)
			fprintf(stderr, "no log\n");
		harness_fail("the daemon ended with status %#x", (unsigned)status);
	}
	if (access(host->socket, F_OK) == 0)
		harness_fail("the daemon left its socket behind");
	snprintf(command, sizeof(command), "rm -r %s", host->directory);
	if (system(command) != 0)
		harness_fail("cannot remove %s", host->directory);
}

struct thruster_attach_options host_options(const struct host *host, const char *label)
{
	return (struct thruster_attach_options){
		.size = sizeof(struct thruster_attach_options),
		.socket_path = host->socket,
		.label = label,
	};
}

struct thruster_pool *host_attach(const struct host *host, const char *arena)
{
	struct thruster_attach_options options = host_options(host, NULL);
	struct thruster_pool *pool;
	int r = thruster_attach(&pool, arena, &options);

	if (r < 0)
		harness_fail("attach: %s", strerror(-r));
	return pool;
}

json_t *host_stats(const struct host *host)
{
	struct wire_query query = {
		.header = wire_header_make(WIRE_QUERY), .question = WIRE_QUESTION_STATS
	};
	struct connection_answer answer;
	json_error_t error;
	json_t *json;
	void *text;
	int fd, r;

	r = thr_connection_open(&fd, host->socket, 10000);
	if (r == 0)
		r = thr_connection_ask(fd, &query, sizeof(query), 10000, &answer);
	if (r < 0 || answer.reply.status != 0)
		harness_fail("query: %s", strerror(r < 0 ? -r : -answer.reply.status));
	text = mmap(NULL, answer.reply.board_bytes, PROT_READ, MAP_PRIVATE, answer.fd[0], 0);
	json = text == MAP_FAILED ? NULL : json_loadb(text, answer.reply.board_bytes, 0, &error);
	if (!json)
		harness_fail("the answer is no JSON");
	munmap(text, answer.reply.board_bytes);
	close(answer.fd[0]);
	close(fd);
	return json;
}

int64_t json_number(const json_t *root, const char *path)
{
	char key[64];
	size_t n;

	while (root && *path) {
		if (*path == '[') {
			root = json_array_get(root, strtoul(path + 1, NULL, 10));
			path = strchr(path, ']') + 1;
		} else {
			path += *path == '.';
			n = strcspn(path, ".[");
			snprintf(key, sizeof(key), "%.*s", (int)n, path);
			root = json_object_get(root, key);
			path += n;
		}
	}
	if (!json_is_integer(root))
		harness_fail("no number at that path");
	return json_integer_value(root);
}

int64_t host_number(const struct host *host, const char *path)
{
	json_t *stats = host_stats(host);
	int64_t n = json_number(stats, path);

	json_decref(stats);
	return n;
}

int host_try_attach(const struct host *host, const char *arena)
{
	struct thruster_attach_options options = host_options(host, NULL);
	struct thruster_pool *pool;
	int r = thruster_attach(&pool, arena, &options);

	return r < 0 ? r : thruster_detach(pool);
}

void host_await(const struct host *host, const char *path, int64_t value)
{
	uint64_t until = now_ns() + AWAIT_NS;
	int64_t is;

	for (;;) {
		is = host_number(host, path);
		if (is == value)
			return;
		if (now_ns() > until)
			harness_fail("%s is still %lld, not %lld", path, (long long)is,
				(long long)value);
		sleep_ms(2);
	}
}

int shell(const char *command, char *output, size_t size)
{
	char line[4096];
	FILE *pipe;
	size_t n;
	int status;

	snprintf(line, sizeof(line), "{ %s ; } 2>&1", command);
	pipe = popen(line, "re");
	if (!pipe)
		harness_fail("popen: %s", strerror(errno));
	n = fread(output, 1, size - 1, pipe);
	output[n] = 0;
	while (fread(line, 1, sizeof(line), pipe) > 0)
		;
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int host_ctl(const struct host *host, const char *arguments, char *output, size_t size)
{
	char command[512];

	snprintf(command, sizeof(command), "%s --socket %s %s",
		program("THRUSTERCTL", "build/client/thrusterctl/thrusterctl"), host->socket,
		arguments);
	return shell(command, output, size);
}

bool file_contains(const char *path, const char *text)
{
	static char content[1 << 20];
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return false;
	n = fread(content, 1, sizeof(content) - 1, file);
	content[n] = 0;
	fclose(file);
	return strstr(content, text);
}

pid_t host_fork_holder(const struct host *host, const char *arena, unsigned n, size_t size)
{
	struct thruster_lease lease;
	struct thruster_pool *pool;
	int ready[2];
	pid_t pid;
	char c = 0;
	unsigned i;

	if (pipe(ready) < 0 || (pid = fork()) < 0)
		harness_fail("fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pool = host_attach(host, arena);
		for (i = 0; i < n; i++)
			if (thruster_rent(pool, size, &lease) < 0)
				_exit(1);
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		harness_fail("the holder could not rent %u buffers of %zu bytes", n, size);
	close(ready[0]);
	return pid;
}

/* Clients and leased slots of all arenas together. */
static int64_t held(const struct host *host)
{
	json_t *stats = host_stats(host), *arena, *class_;
	int64_t n = 0;
	size_t i, j;

	json_array_foreach(json_object_get(stats, "arenas"), i, arena) {
		n += (int64_t)json_array_size(json_object_get(arena, "clients"));
		json_array_foreach(json_object_get(arena, "classes"), j, class_)
			n += json_number(class_, "leased");
	}
	json_decref(stats);
	return n;
}

void host_must_be_well(const struct host *host)
{
	uint64_t until = now_ns() + AWAIT_NS;
	struct thruster_lease lease;
	struct timespec deadline = { 0, 0 };
	struct thruster_pool *pool;
	json_t *stats;
	char text[4096];

	while (held(host) != 0) {
		if (now_ns() > until)
			harness_fail("clients or leases are left");
		sleep_ms(2);
	}
	if (host_ctl(host, "check", text, sizeof(text)) != 0)
		harness_fail("not sound: %s", text);
	stats = host_stats(host);
	pool = host_attach(host, json_string_value(json_object_get(
		json_array_get(json_object_get(stats, "arenas"), 0), "name")));
	json_decref(stats);
	/* Waits, for all that is free may be held by a core that nobody runs on any more. */
	deadline.tv_sec = (time_t)(now_ns() / 1000000000 + 10);
	if (thruster_rent_wait(pool, 1, &deadline, &lease) < 0 ||
		thruster_return(pool, &lease) < 0 || thruster_detach(pool) < 0)
		harness_fail("a new client is not served");
}

unsigned descriptors_of(pid_t pid)
{
	struct dirent *entry;
	char path[32];
	unsigned n = 0;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	if (!directory)
		harness_fail("%s: %s", path, strerror(errno));
	while ((entry = readdir(directory)))
		n += entry->d_name[0] != '.';
	closedir(directory);
	return pid == getpid() ? n - 1 : n; /* the one just closed */
}

void await_descriptors(pid_t pid, unsigned n)
{
	uint64_t until = now_ns() + AWAIT_NS;
	unsigned is;

	while ((is = descriptors_of(pid)) != n) {
		if (now_ns() > until)
			harness_fail("pid %d has %u descriptors, not %u", (int)pid, is, n);
		sleep_ms(2);
	}
}

struct thr_control *host_control_page(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long first = 0;
	char line[512];

	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "memfd:thruster-default (deleted)") &&
			sscanf(line, "%lx-", &first) == 1)
			break;
	fclose(maps);
	if (!first)
		harness_fail("no arena is mapped here");
	return (struct thr_control *)first;
}

void kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		harness_fail("waitpid: %s", strerror(errno));
}
