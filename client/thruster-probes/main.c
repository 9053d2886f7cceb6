/* SPDX-License-Identifier: MIT */
/*
 * thruster-probes: load the BPF programs, attach them, hand what they count to thrusterd, and stay,
 * because links end with who made them. Everything that needs a privilege is here, so that the
 * daemon needs none. Whatever it cannot do it says, to the daemon and on standard error.
 */

#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>
#include "client/connection.h"
#include "client/thruster-probes/library.h"
#include "client/thruster-probes/measuring.h"
#include "client/thruster-probes/processes.h"
#include "client/thruster-probes/status.h"
#include "client/thruster-probes/telling.h"

#define EXIT_USAGE 2
#define FILES_MAX 16
/* Of clients. The daemon takes 1 MiB of text, which has each name once for each probe. */
#define FOUND_MAX 96
#define FOUND_PATH_MAX 200
#define LOOK_AGAIN_MS 2000
#define RETRY_MS 500
#define REFUSED_MS_MAX 8000
#define SETTLE_MS 100
#define MEASURE_S_MAX 86400

/* libc looks for it, so it must not be hidden with the rest. */
__attribute__((visibility("default")))
const char *argp_program_version = "thruster-probes " THRUSTER_VERSION;

static const char description[] =
	"Trace contention for thrusterd with eBPF, until told to stop.\v"
	"It attaches to the probes of libthruster-client and thrusterd, also in files that replace "
	"them later, and hands what is counted to the daemon, which shows it under "
	"\"contention\" in thrusterctl stats --json. It needs CAP_BPF and CAP_PERFMON, on kernels "
	"before 6.6 CAP_SYS_ADMIN, and to be root or the user that the daemon runs as. See "
	"thruster-probes(8).";

static const struct argp_option options[] = {
	{ "socket", 's', "PATH", 0, "Trace for the daemon at PATH" },
	{ "file", 'f', "FILE", 0, "Attach to FILE, not to the installed ones; may be repeated" },
	{ "once", '1', NULL, 0,
		"Exit when the daemon goes away; do not wait for another" },
	{ "measure", 'm', "SECONDS", 0,
		"Trace nothing for the daemon; measure for so long where its clients wait, print "
		"JSON, and exit (for thrusterctl trace)" },
	{ "perf", 'p', NULL, 0, "Use perf events even where the kernel has uprobe_multi" },
	{ "no-exits", 'x', NULL, 0, "Do not watch processes end; leases come back later" },
	{ 0 },
};

struct probes {
	struct telling telling;
	const char *files[FILES_MAX];
	unsigned n_files, n_found;        /* named; attached to because a client has it */
	bool is_once, without_exits, for_perf;
	double measure_s;                 /* 0 = serve */
	struct loader *loader;
	int error;                        /* of what could not be loaded */
	char reason[LOADER_WHY_MAX];
	char exits_reason[LOADER_WHY_MAX]; /* "" = they are watched */
	char file_reason[LOADER_WHY_MAX]; /* of the first file that cannot be attached to */
	bool has_changed;                 /* what is attached, since the daemon was told */
	int pause_ms;                     /* until the daemon is looked for again */
	int inotify_fd, signal_fd;
};

static error_t on_option(int key, char *argument, struct argp_state *state)
{
	struct probes *p = state->input;
	char *end;

	switch (key) {
	case 's':
		p->telling.socket_path = argument;
		return 0;
	case 'f':
		if (p->n_files == FILES_MAX)
			argp_error(state, "--file: at most %d times", FILES_MAX);
		p->files[p->n_files++] = argument;
		return 0;
	case '1':
		p->is_once = true;
		return 0;
	case 'm':
		p->measure_s = strtod(argument, &end);
		if (*end || end == argument || !(p->measure_s > 0 && p->measure_s <= MEASURE_S_MAX))
			argp_error(state, "--measure: \"%s\" is no number of seconds up to %d",
				argument, MEASURE_S_MAX);
		return 0;
	case 'p':
		p->for_perf = true;
		return 0;
	case 'x':
		p->without_exits = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void attach_to(struct probes *p, const char *path, bool is_wanted)
{
	char why[LOADER_WHY_MAX];
	int r = loader_attach(p->loader, path, why);

	if (r == 0) {
		status_say(SD_NOTICE, "attached to %s", path);
		p->n_found += !is_wanted;
		p->has_changed = true;
	} else if (r < 0 && !p->file_reason[0] &&
		   (is_wanted || (r != -ENODATA && r != -ENOENT))) {
		strcpy(p->file_reason, why);
	}
}

/* A client's program that has no probes is no fault: it has them in the library; nor one that is
 * gone by now. Clients that have files without end, or names, are not to be in others' way. */
static void attach_each(const char *path, void *userdata)
{
	struct probes *p = userdata;
	size_t printable = 0;

	while ((unsigned char)path[printable] >= ' ') /* others are six bytes of JSON each */
		printable++;
	if (p->n_found < FOUND_MAX && printable <= FOUND_PATH_MAX && !path[printable])
		attach_to(p, path, false);
	else if (!p->file_reason[0])
		snprintf(p->file_reason, sizeof(p->file_reason),
			p->n_found < FOUND_MAX ? "%.40s...: no name for a library"
					       : "%.40s...: clients have too many files",
			path);
}

static void attach_to_clients(struct probes *p)
{
	json_t *pids = p->telling.fd >= 0 ? processes_get(p->telling.fd) : NULL, *pid;
	size_t i;

	json_array_foreach(pids, i, pid)
		library_each_of((pid_t)json_integer_value(pid), attach_each, p);
	json_decref(pids);
}

/* What was in the way a moment ago, as while a file is replaced, may be so no more. */
static void attach_all(struct probes *p)
{
	char before[LOADER_WHY_MAX];
	unsigned i;

	if (!p->loader)
		return;
	strcpy(before, p->file_reason);
	p->file_reason[0] = 0;
	for (i = 0; i < p->n_files; i++)
		attach_to(p, p->files[i], true);
	attach_to_clients(p);
	if (strcmp(before, p->file_reason) == 0)
		return;
	if (p->file_reason[0])
		status_say(SD_WARNING, "%s", p->file_reason);
	p->has_changed = true;
}

static void load(struct probes *p)
{
	p->error = loader_new(&p->loader, p->for_perf, p->reason);
	if (p->error < 0) {
		status_say(SD_WARNING, "%s", p->reason);
		return;
	}
	if (p->without_exits)
		strcpy(p->exits_reason, "not wanted (--no-exits)");
	else if (loader_watch_exits(p->loader, p->exits_reason) == 0)
		p->exits_reason[0] = 0;
	else
		status_say(SD_WARNING, "%s; leases of processes that end come back a little later",
			p->exits_reason);
}

/* A file that is replaced is another file in the same directory. */
static void watch_directories(struct probes *p)
{
	char directory[4096], *slash;
	unsigned i;

	for (i = 0; i < p->n_files; i++) {
		snprintf(directory, sizeof(directory), "%s", p->files[i]);
		slash = strrchr(directory, '/');
		if (slash)
			*slash = 0;
		inotify_add_watch(p->inotify_fd, slash ? directory : ".",
			IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE);
	}
}

static int tell(struct probes *p)
{
	json_t *text = telling_text(p->loader, p->error,
		p->loader ? p->file_reason : p->reason, p->exits_reason);
	int r;

	if (p->loader && !p->telling.has_maps)
		r = telling_give_maps(&p->telling, p->loader, text);
	else
		r = telling_give_text(&p->telling, text);
	if (r == 0)
		status_met(text);
	json_decref(text);
	p->has_changed = false;
	return r;
}

/* A daemon that is not there may be back at any moment; one that refuses will do so for a while. */
static int next_pause_ms(const struct probes *p, int error)
{
	bool is_refusal = error == -EACCES || error == -EBUSY || error == -EOPNOTSUPP;

	if (!is_refusal)
		return RETRY_MS;
	return p->pause_ms * 2 < REFUSED_MS_MAX ? p->pause_ms * 2 : REFUSED_MS_MAX;
}

/* True if we are connected and have told how things are. */
static bool meet(struct probes *p)
{
	int r = telling_connect(&p->telling);

	if (r == 0) {
		attach_all(p);
		r = tell(p);
	}
	if (r < 0) {
		telling_close(&p->telling);
		status_not_met(p->telling.socket_path, r);
	}
	p->pause_ms = next_pause_ms(p, r);
	return r == 0;
}

/* Something happens in the directories: who replaces a file does it in several steps. */
static void let_settle(int fd)
{
	char bytes[4096];

	nanosleep(&(struct timespec){ .tv_nsec = SETTLE_MS * 1000000l }, NULL);
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

/* False: it is time to go. */
static bool turn(struct probes *p)
{
	bool is_met = p->telling.fd >= 0;
	struct pollfd on[] = {
		{ .fd = p->signal_fd, .events = POLLIN },
		{ .fd = is_met ? p->inotify_fd : -1, .events = POLLIN },
		{ .fd = p->telling.fd, .events = POLLIN },
	};

	poll(on, 3, is_met ? LOOK_AGAIN_MS : p->pause_ms);
	if (on[0].revents)
		return false;
	if (on[1].revents)
		let_settle(p->inotify_fd);
	if (is_met && on[2].revents) {
		telling_close(&p->telling);
		if (p->is_once)
			return false;
	}
	if (p->telling.fd < 0)
		return meet(p) || !p->is_once;
	attach_all(p);
	if (p->has_changed && tell(p) < 0)
		telling_close(&p->telling);
	return true;
}

static int serve(struct probes *p)
{
	sigset_t signals;
	bool is_met;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	p->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	p->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	load(p);
	watch_directories(p);
	is_met = meet(p);
	while ((is_met || !p->is_once) && turn(p))
		;
	telling_close(&p->telling);
	loader_free(p->loader);
	return p->error < 0 || (p->is_once && !is_met) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, on_option, NULL, description };
	struct probes probes = { .telling = { .fd = -1 }, .pause_ms = RETRY_MS };

	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &probes) != 0)
		return EXIT_USAGE;
	probes.telling.socket_path = thr_connection_path(probes.telling.socket_path);
	if (probes.measure_s > 0)
		return measure(probes.telling.socket_path, probes.measure_s);
	if (probes.n_files == 0) {
		probes.files[probes.n_files++] = THRUSTER_LIBDIR "/" LIBRARY_NAME ".0";
		probes.files[probes.n_files++] = THRUSTER_SBINDIR "/thrusterd";
	}
	return serve(&probes);
}
