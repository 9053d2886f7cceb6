/* SPDX-License-Identifier: MIT */
/* Readiness comes by the notify protocol, as from the daemon. */

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/harness/harness.h"
#include "tests/harness/probes.h"

#define READY_S 30
#define ARGUMENTS_MAX 16

static void run(const struct probes *probes, const struct host *host,
	const char *const *arguments, void (*before)(void))
{
	const char *argv[ARGUMENTS_MAX + 8] = { getenv("THRUSTER_PROBES"), "--socket", host->socket,
		"--file", getenv("THRUSTER_LIBRARY"), "--file", getenv("THRUSTERD") };
	int log = open(probes->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	unsigned i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, STDERR_FILENO);
	for (i = 0; arguments && arguments[i] && i < ARGUMENTS_MAX; i++)
		argv[7 + i] = arguments[i];
	if (before)
		before();
	execv(argv[0], (char *const *)argv);
	fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static bool await_ready(int fd)
{
	char text[512];
	ssize_t n;

	do {
		n = recv(fd, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = 0;
	} while (n > 0 && !strstr(text, "READY=1"));
	return n > 0;
}

void probes_start(struct probes *probes, const struct host *host, const char *const *arguments,
	void (*before)(void))
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = READY_S };
	char command[256];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(probes->log, sizeof(probes->log), "%s/probes.log", host->directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/probes.notify", host->directory);
	unlink(address.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		harness_fail("notify socket: %s", strerror(errno));
	probes->pid = fork();
	if (probes->pid == 0) {
		setenv("NOTIFY_SOCKET", address.sun_path, 1);
		run(probes, host, arguments, before);
	}
	if (!await_ready(fd)) {
		snprintf(command, sizeof(command), "cat %s >&2", probes->log);
		if (system(command) != 0)
			fprintf(stderr, "no log\n");
		harness_fail("thruster-probes did not become ready");
	}
	close(fd);
}

int probes_stop(struct probes *probes)
{
	int status = 0;

	if (probes->pid <= 0)
		return 0;
	kill(probes->pid, SIGTERM);
	if (waitpid(probes->pid, &status, 0) != probes->pid)
		harness_fail("thruster-probes: %s", strerror(errno));
	probes->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The smallest program there is. */
static bool can_load_any(void)
{
	static const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.license = (uintptr_t)"GPL",
	};
	long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

bool probes_can_trace(const char **ret_why)
{
	static char why[256];
	struct probes probes;
	struct host host;
	json_t *stats;
	const char *state, *reason;
	bool can, traced;

	*ret_why = "this build has no thruster-probes";
	if (!getenv("THRUSTER_PROBES") || !*getenv("THRUSTER_PROBES"))
		return false;
	*ret_why = "only root may trace";
	if (geteuid() != 0)
		return false;
	traced = getenv("THRUSTER_TRACED") != NULL;
	unsetenv("THRUSTER_TRACED");
	host_start(&host, NULL);
	probes_start(&probes, &host, NULL, NULL);
	if (traced)
		setenv("THRUSTER_TRACED", "1", 1);
	stats = host_stats(&host);
	if (json_unpack(json_object_get(stats, "contention"), "{s:{s:s, s:s}}", "ebpf", "state",
		    &state, "reason", &reason) < 0)
		harness_fail("no contention in the statistics");
	can = strcmp(state, "attached") == 0;
	if (!can && json_number(stats, "contention.ebpf.errno") && can_load_any())
		harness_fail("BPF programs can be loaded here, and ours cannot: %s", reason);
	snprintf(why, sizeof(why), "%s", reason);
	*ret_why = why;
	json_decref(stats);
	probes_stop(&probes);
	host_stop(&host);
	return can;
}

const char *probes_are_missed(void)
{
	const char *why;

	return getenv("THRUSTER_TRACED") && !probes_can_trace(&why) ? why : NULL;
}
