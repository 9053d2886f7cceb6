/* SPDX-License-Identifier: MIT */
/*
 * A path may hold a socket that a killed daemon left behind. Whether it did is found out by
 * connecting; a lock on the directory, held meanwhile, keeps two starting daemons apart and leaves
 * no file of its own.
 */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/cleanup.h"
#include "daemon/descriptors.h"
#include "daemon/listener.h"
#include "daemon/log.h"
#include "shm/wire.h"

#define BACKLOG 4096
#define PAUSE_US 100000u
#define ACCEPTS_A_TURN 64
#define LOCK_TRIES 100
#define LOCK_PAUSE_US 20000

static int fail(char why[MEMORY_WHY_MAX], const char *path, const char *text, int r)
{
	snprintf(why, MEMORY_WHY_MAX, "%.120s: %s", path, text);
	return r;
}

/* Nobody answers at a socket that was left behind; then it is removed. */
static int clear_path(const struct sockaddr_un *address, char why[MEMORY_WHY_MAX])
{
	_cleanup_(close_fd) int probe = -1;
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : fail(why, address->sun_path, strerror(errno), -errno);
	if (!S_ISSOCK(st.st_mode))
		return fail(why, address->sun_path,
			"is there and is not a socket; remove it or choose another path with "
			"--socket",
			-EEXIST);
	probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return fail(why, address->sun_path, strerror(errno), -errno);
	if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		errno != ECONNREFUSED)
		return fail(why, address->sun_path,
			"is in use by another daemon; stop it or choose another path with --socket",
			-EADDRINUSE);
	if (unlink(address->sun_path) < 0)
		return fail(why, address->sun_path, strerror(errno), -errno);
	return 0;
}

static int open_directory(struct listener *l, bool may_make, char why[MEMORY_WHY_MAX])
{
	char copy[sizeof(l->path)], text[120], *directory;
	int fd;

	strcpy(copy, l->path);
	directory = dirname(copy);
	if (may_make && mkdir(directory, 0755) == 0)
		l->has_made_directory = true;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(text, sizeof(text), "its directory: %s%s", strerror(errno),
			errno == ENOENT ? "; make it or choose another path with --socket" : "");
		return fail(why, l->path, text, -errno);
	}
	return fd;
}

/*
 * Nobody is to send us descriptors: to close one may block, for example that of a TCP connection
 * that lingers. Where the kernel knows the option (6.16), connections inherit it and the sender is
 * told EPERM; elsewhere they are closed as they come.
 */
static void refuse_descriptors(int fd)
{
	int no = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof(no)) < 0)
		log_debug("this kernel lets peers send descriptors");
}

/* Two starting daemons are kept apart if the lock is to be had within a second or two; nobody can
 * keep us from starting by holding it. */
static void lock_for_a_moment(int directory)
{
	unsigned tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (flock(directory, LOCK_EX | LOCK_NB) == 0)
			return;
		usleep(LOCK_PAUSE_US);
	}
	log_warning("somebody keeps the socket's directory locked; going on without the lock");
}

static int listener_bind(struct listener *l, bool may_make, char why[MEMORY_WHY_MAX])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(close_fd) int directory = -1, fd = -1;
	int r;

	strcpy(address.sun_path, l->path);
	directory = open_directory(l, may_make, why);
	if (directory < 0)
		return directory;
	lock_for_a_moment(directory);
	r = clear_path(&address, why);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(why, address.sun_path, strerror(errno), -errno);
	refuse_descriptors(fd);
	if (chmod(l->path, 0666) < 0 || lstat(l->path, &l->identity) < 0 ||
		listen(fd, BACKLOG) < 0) {
		r = fail(why, address.sun_path, strerror(errno), -errno);
		unlink(l->path);
		return r;
	}
	l->fd = take_fd(fd);
	return 0;
}

/* Between runs of the daemon such a socket keeps who connects waiting. */
static int listener_take(struct listener *l, int fd, char why[MEMORY_WHY_MAX])
{
	struct sockaddr_un address = { 0 };
	socklen_t size = sizeof(address) - 1;
	int flags = fcntl(fd, F_GETFL);

	l->fd = fd;
	l->is_passed = true;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return fail(why, "the socket that was passed", strerror(errno), -errno);
	snprintf(l->path, sizeof(l->path), "%s",
		*address.sun_path ? address.sun_path : "a socket without a path");
	refuse_descriptors(fd);
	return 0;
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct listener *l = userdata;

	(void)usec;
	(void)source;
	return sd_event_source_set_enabled(l->source, SD_EVENT_ON);
}

/* No descriptor or memory for another connection: it waits in the backlog, we look away a while. */
static void listener_pause(struct listener *l)
{
	sd_event_source_set_enabled(l->source, SD_EVENT_OFF);
	sd_event_source_set_time_relative(l->pause, PAUSE_US);
	sd_event_source_set_enabled(l->pause, SD_EVENT_ONESHOT);
}

static int on_readable(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
	struct listener *l = userdata;
	unsigned i;
	int fd;

	(void)source;
	(void)events;
	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			l->on_connection(fd, l->userdata);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			log_warning("cannot accept a connection: %s", strerror(errno));
			listener_pause(l);
		}
		if (errno != EINTR && errno != ECONNABORTED)
			break;
	}
	return 0;
}

int listener_init(struct listener *listener, sd_event *event, int passed_fd, const char *path,
	void (*on_connection)(int fd, void *userdata), void *userdata, char why[MEMORY_WHY_MAX])
{
	bool is_default = !path;
	int r;

	*listener =
		(struct listener){.fd = -1, .on_connection = on_connection, .userdata = userdata};
	if (is_default)
		path = WIRE_DEFAULT_SOCKET;
	if (passed_fd < 0 && strlen(path) >= sizeof(listener->path))
		return fail(why, path, "the socket's path is longer than 107 bytes", -ENAMETOOLONG);
	if (passed_fd < 0 && *path == 0)
		return fail(why, "--socket", "the path is empty", -EINVAL);
	if (passed_fd >= 0) {
		r = listener_take(listener, passed_fd, why);
	} else {
		strcpy(listener->path, path);
		r = listener_bind(listener, is_default, why);
	}
	if (r == 0) {
		r = sd_event_add_io(event, &listener->source, listener->fd, EPOLLIN, on_readable,
			listener);
		if (r >= 0) /* made now, since it is wanted when there is no memory */
			r = sd_event_add_time_relative(event, &listener->pause, CLOCK_MONOTONIC,
				PAUSE_US, 0, on_pause_over, listener);
		if (r >= 0)
			r = sd_event_source_set_enabled(listener->pause, SD_EVENT_OFF);
		if (r < 0)
			fail(why, path, strerror(-r), r);
	}
	if (r < 0)
		listener_fini(listener);
	return r < 0 ? r : 0;
}

void listener_fini(struct listener *listener)
{
	struct stat st;
	char *directory;

	sd_event_source_disable_unref(listener->source);
	sd_event_source_disable_unref(listener->pause);
	if (listener->fd >= 0) {
		if (!listener->is_passed && lstat(listener->path, &st) == 0 &&
			st.st_ino == listener->identity.st_ino &&
			st.st_dev == listener->identity.st_dev)
			unlink(listener->path);
		close(listener->fd);
	}
	if (listener->has_made_directory) {
		directory = dirname(listener->path);
		rmdir(directory);
	}
	*listener = (struct listener){ .fd = -1 };
}
