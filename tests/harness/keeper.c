/* SPDX-License-Identifier: MIT */
/* FDSTORE, FDSTOREREMOVE, BARRIER and READY of sd_notify(3), and LISTEN_FDS of sd_listen_fds(3). */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/harness/keeper.h"

#define KEPT_MAX 200
#define HIGH 300 /* above all that is passed */
#define READY_NS 60000000000ull

static struct {
	struct kept {
		char name[32];
		int fd;
	} kept[KEPT_MAX];
	unsigned n, readies, silences;
	int listener, notify;
	struct sockaddr_un address;
	pthread_t thread;
	bool is_over;
	pthread_mutex_t lock;
} k = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void drop(const char *name)
{
	unsigned i, n = 0;

	for (i = 0; i < k.n; i++) {
		if (strcmp(k.kept[i].name, name) == 0)
			close(k.kept[i].fd);
		else
			k.kept[n++] = k.kept[i];
	}
	k.n = n;
}

static void handle(char *text, int fd)
{
	char *name = strstr(text, "FDNAME=");

	if (name) {
		name += strlen("FDNAME=");
		name[strcspn(name, "\n")] = 0;
	}
	if (strncmp(text, "FDSTOREREMOVE=1", 15) == 0 && name) {
		drop(name);
	} else if (strncmp(text, "FDSTORE=1", 9) == 0 && name && fd >= 0 && k.n < KEPT_MAX) {
		snprintf(k.kept[k.n].name, sizeof(k.kept[0].name), "%s", name);
		k.kept[k.n++].fd = fd;
		fd = -1;
	} else if (strncmp(text, "READY=1", 7) == 0) {
		k.readies++;
	}
	if (fd >= 0)
		close(fd); /* a barrier, for one, ends with that */
}

static void *keeper_main(void *argument)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char text[1024];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct timeval pause = { 0, 20000 };
	struct cmsghdr *c;
	ssize_t n;
	int fd;

	setsockopt(k.notify, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof(pause));
	while (!__atomic_load_n(&k.is_over, __ATOMIC_ACQUIRE)) {
		struct msghdr message = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};

		n = recvmsg(k.notify, &message, MSG_CMSG_CLOEXEC);
		pthread_mutex_lock(&k.lock);
		if (n < 0) {
			k.silences++;
		} else {
			text[n] = 0;
			fd = -1;
			c = CMSG_FIRSTHDR(&message);
			if (c && c->cmsg_type == SCM_RIGHTS)
				memcpy(&fd, CMSG_DATA(c), sizeof(fd));
			handle(text, fd);
		}
		pthread_mutex_unlock(&k.lock);
	}
	return argument;
}

static unsigned count_of(const unsigned *counter)
{
	unsigned n;

	pthread_mutex_lock(&k.lock);
	n = *counter;
	pthread_mutex_unlock(&k.lock);
	return n;
}

/* All that the daemon has said so far was heard. */
static void drain(void)
{
	unsigned seen = count_of(&k.silences);

	while (count_of(&k.silences) == seen)
		sleep_ms(2);
}

static void await_ready(const struct host *host, unsigned seen)
{
	uint64_t until = now_ns() + READY_NS;
	char command[128];

	while (count_of(&k.readies) == seen) {
		if (now_ns() > until || waitpid(host->pid, NULL, WNOHANG) != 0) {
			snprintf(command, sizeof(command), "cat %s >&2", host->log);
			if (system(command) != 0)
				fprintf(stderr, "no log\n");
			harness_fail("the daemon did not become ready");
		}
		sleep_ms(2);
	}
}

static void pass_descriptors(void)
{
	char names[KEPT_MAX * 24] = "control", number[16];
	int fds[KEPT_MAX + 1];
	unsigned i;

	fds[0] = fcntl(k.listener, F_DUPFD, HIGH);
	for (i = 0; i < k.n; i++) {
		fds[i + 1] = fcntl(k.kept[i].fd, F_DUPFD, HIGH);
		snprintf(names + strlen(names), sizeof(names) - strlen(names), ":%s",
			k.kept[i].name);
	}
	for (i = 0; i <= k.n; i++) {
		if (dup2(fds[i], 3 + (int)i) < 0)
			_exit(126);
		close(fds[i]);
	}
	snprintf(number, sizeof(number), "%u", k.n + 1);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
}

void keeper_launch(struct host *host, const char *config)
{
	unsigned seen = count_of(&k.readies);

	if (config)
		write_file(host->config, config);
	host->pid = fork();
	if (host->pid == 0) {
		pass_descriptors();
		host_exec(host, k.address.sun_path);
	}
	await_ready(host, seen);
}

void keeper_start(struct host *host, const char *config)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	host_prepare(host, config);
	k.notify = host_notify_socket(host, &k.address);
	k.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, host->socket);
	if (k.listener < 0 ||
		bind(k.listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(k.listener, 4096) < 0 || chmod(host->socket, 0666) < 0 ||
		pthread_create(&k.thread, NULL, keeper_main, NULL) != 0)
		harness_fail("keeper: %s", strerror(errno));
	keeper_launch(host, NULL);
}

void keeper_kill(struct host *host, int signal)
{
	kill(host->pid, signal);
	if (waitpid(host->pid, NULL, 0) != host->pid)
		harness_fail("waitpid: %s", strerror(errno));
	drain();
}

void keeper_restart(struct host *host, int signal, const char *config)
{
	keeper_kill(host, signal);
	keeper_launch(host, config);
}

void keeper_reload(struct host *host, const char *config)
{
	unsigned seen = count_of(&k.readies);

	write_file(host->config, config);
	kill(host->pid, SIGHUP);
	await_ready(host, seen);
}

int keeper_fd(const char *name)
{
	unsigned i;
	int fd = -1;

	pthread_mutex_lock(&k.lock);
	for (i = 0; i < k.n; i++)
		if (strcmp(k.kept[i].name, name) == 0)
			fd = k.kept[i].fd;
	pthread_mutex_unlock(&k.lock);
	return fd;
}

unsigned keeper_count(void)
{
	drain();
	return count_of(&k.n);
}

void keeper_drop(const char *name)
{
	drop(name);
}

void keeper_add(const char *name, int fd)
{
	snprintf(k.kept[k.n].name, sizeof(k.kept[0].name), "%s", name);
	k.kept[k.n++].fd = fd;
}

void keeper_stop(struct host *host)
{
	unsigned i;

	unlink(host->socket);
	host_stop(host);
	__atomic_store_n(&k.is_over, true, __ATOMIC_RELEASE);
	pthread_join(k.thread, NULL);
	k.is_over = false;
	for (i = 0; i < k.n; i++)
		close(k.kept[i].fd);
	k.n = 0;
	close(k.listener);
	close(k.notify);
}
