/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints are written through /proc/PID/mem, which copies the page for the child alone; all of
 * them in one write, since there may be thousands. A trap inside a restartable sequence makes the
 * kernel send the child to the abort handler when it goes on, as a preemption there would.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/harness/harness.h"
#include "tests/instruction/tracee.h"

#define INT3 0xcc
#define LIMIT_S 60
#define OPTIONS (PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD)
#define SYSCALL_STOP (SIGTRAP | 0x80)

static volatile sig_atomic_t out_of_time;

static void on_alarm(int signal)
{
	(void)signal;
	out_of_time = 1;
}

void tracee_init(struct tracee *t, const struct listing *l)
{
	uintptr_t first = listing_address(l, 0), last = listing_address(l, l->n - 1);
	struct sigaction action = { .sa_handler = on_alarm };

	*t = (struct tracee){ .listing = l, .memory = -1, .bytes = last - first + 1 };
	t->text = malloc(t->bytes);
	t->planted = malloc(t->bytes);
	if (!t->text || !t->planted || sigaction(SIGALRM, &action, NULL) < 0)
		harness_fail("tracee: %s", strerror(errno));
	memcpy(t->text, (const void *)first, t->bytes);
}

static void write_text(struct tracee *t, const uint8_t *text, size_t at, size_t bytes)
{
	off_t to = (off_t)(listing_address(t->listing, 0) + at);

	if (t->pid == 0)
		return;
	if (pwrite(t->memory, text + at, bytes, to) != (ssize_t)bytes && errno != ESRCH)
		harness_fail("breakpoints: %s", strerror(errno));
}

void tracee_plant(struct tracee *t, const bool *wanted)
{
	unsigned i;

	memcpy(t->planted, t->text, t->bytes);
	for (i = 0; i < t->listing->n; i++)
		if (wanted[i])
			t->planted[t->listing->at[i].offset - t->listing->at[0].offset] = INT3;
	write_text(t, t->planted, 0, t->bytes);
}

void tracee_unplant_all(struct tracee *t)
{
	memcpy(t->planted, t->text, t->bytes);
	write_text(t, t->planted, 0, t->bytes);
}

void tracee_unplant(struct tracee *t, unsigned i)
{
	size_t at = t->listing->at[i].offset - t->listing->at[0].offset;

	t->planted[at] = t->text[at];
	write_text(t, t->planted, at, 1);
}

void tracee_pause(void)
{
	raise(SIGSTOP);
}

static void set_limit(unsigned seconds)
{
	/* Again and again: the first may come before the wait. */
	struct itimerval limit = { { 1, 0 }, { seconds, 0 } };

	if (seconds == 0)
		limit = (struct itimerval){ 0 };
	out_of_time = 0;
	setitimer(ITIMER_REAL, &limit, NULL);
}

/* Wait for a stop. False if the child has ended or was too slow. */
static bool await_stop(struct tracee *t, int *ret_status)
{
	pid_t pid;

	do
		pid = waitpid(t->pid, ret_status, 0);
	while (pid < 0 && errno == EINTR && !out_of_time);
	if (pid < 0)
		return false;
	if (!WIFSTOPPED(*ret_status)) {
		t->pid = 0;
		return false;
	}
	return true;
}

static void set_register(struct tracee *t, size_t offset, unsigned long value)
{
	if (ptrace(PTRACE_POKEUSER, t->pid, offset, value) < 0 && errno != ESRCH)
		harness_fail("PTRACE_POKEUSER: %s", strerror(errno));
}

#define REGISTER(name) offsetof(struct user_regs_struct, name)

/* Entering and leaving a call come as a stop each. */
static void on_call(struct tracee *t)
{
	unsigned n = t->call / 2 + 1;
	bool is_entry = t->call % 2 == 0;

	t->call++;
	if (n != t->fail_call)
		return;
	if (is_entry)
		set_register(t, REGISTER(orig_rax), (unsigned long)-1);
	else
		set_register(t, REGISTER(rax), (unsigned long)t->result);
}

static bool is_at_breakpoint(struct tracee *t, int *ret_at)
{
	unsigned long rip = (unsigned long)ptrace(PTRACE_PEEKUSER, t->pid, REGISTER(rip), NULL);
	int i = listing_find(t->listing, rip - 1);

	if (i < 0 || t->planted[t->listing->at[i].offset - t->listing->at[0].offset] != INT3)
		return false;
	set_register(t, REGISTER(rip), rip - 1);
	*ret_at = i;
	return true;
}

enum tracee_event tracee_run(struct tracee *t, int *ret_at)
{
	enum __ptrace_request go = t->fail_call ? PTRACE_SYSCALL : PTRACE_CONT;
	enum tracee_event event = TRACEE_ENDED;
	int status = 0, signal = 0;

	if (t->pid == 0)
		return TRACEE_ENDED;
	set_limit(LIMIT_S);
	for (;;) {
		if (ptrace(go, t->pid, NULL, (long)signal) < 0 || !await_stop(t, &status)) {
			event = out_of_time ? TRACEE_STUCK : TRACEE_ENDED;
			break;
		}
		signal = WSTOPSIG(status);
		if (signal == SYSCALL_STOP) {
			on_call(t);
			signal = 0;
		} else if (signal == SIGSTOP) {
			event = TRACEE_PAUSED;
			break;
		} else if (signal == SIGTRAP && is_at_breakpoint(t, ret_at)) {
			event = TRACEE_TRAP;
			break;
		}
	}
	set_limit(0);
	if (event == TRACEE_STUCK || event == TRACEE_ENDED)
		tracee_kill(t);
	return event;
}

void tracee_fail_call(struct tracee *t, unsigned nth, long result)
{
	t->call = 0;
	t->fail_call = nth;
	t->result = result;
}

static void child(void (*live)(void *), void *argument, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(1);
	live(argument);
	_exit(0);
}

bool tracee_start(struct tracee *t, void (*live)(void *), void *argument)
{
	pid_t parent = getpid();
	char path[32];
	int status;

	fflush(NULL);
	t->fail_call = 0;
	t->pid = fork();
	if (t->pid < 0)
		harness_fail("fork: %s", strerror(errno));
	if (t->pid == 0)
		child(live, argument, parent);
	set_limit(LIMIT_S);
	if (!await_stop(t, &status) || WSTOPSIG(status) != SIGSTOP) {
		set_limit(0);
		tracee_kill(t);
		return false;
	}
	set_limit(0);
	if (ptrace(PTRACE_SETOPTIONS, t->pid, NULL, (long)OPTIONS) < 0)
		harness_fail("PTRACE_SETOPTIONS: %s", strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)t->pid);
	t->memory = open(path, O_RDWR | O_CLOEXEC);
	if (t->memory < 0)
		harness_fail("%s: %s", path, strerror(errno));
	memcpy(t->planted, t->text, t->bytes);
	return true;
}

void tracee_kill(struct tracee *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
			;
		t->pid = 0;
	}
	if (t->memory >= 0)
		close(t->memory);
	t->memory = -1;
}

int tracee_try(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPERM;
}
