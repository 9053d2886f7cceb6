/* SPDX-License-Identifier: MIT */
/* One object; what the kernel has no tracepoint for is left out. */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "ebpf/tracing.h"
#include "tracing.skel.h"

#define FIRST_PID_NAMESPACE 4026531836u

struct tracing {
	struct tracing_programs *programs;
	bool sees_locks;
};

static int fail(int r, char why[TRACING_WHY_MAX], const char *what)
{
	snprintf(why, TRACING_WHY_MAX, "%s: %s%s", what, strerror(-r),
		r == -EPERM || r == -EACCES ? " (needs CAP_BPF and CAP_PERFMON)" : "");
	return r;
}

static int hear_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

int tracing_new(struct tracing **ret, char why[TRACING_WHY_MAX])
{
	struct tracing *t = calloc(1, sizeof(*t));
	struct stat st;
	int r = 0;

	if (!t)
		return fail(-ENOMEM, why, "cannot begin");
	libbpf_set_print(hear_nothing);
	if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != FIRST_PID_NAMESPACE)
		r = fail(-EXDEV, why, "not in the first pid namespace, where processes have the "
				      "numbers that the kernel traces");
	if (r == 0) {
		t->programs = tracing_programs__open();
		r = t->programs ? 0 : fail(-errno, why, "cannot open the programs");
	}
	if (r == 0) {
		t->sees_locks = libbpf_find_vmlinux_btf_id("contention_begin",
					BPF_TRACE_RAW_TP) > 0;
		bpf_program__set_autoload(t->programs->progs.on_lock, t->sees_locks);
		bpf_program__set_autoload(t->programs->progs.on_locked, t->sees_locks);
		r = tracing_programs__load(t->programs);
		if (r == 0)
			r = tracing_programs__attach(t->programs);
		if (r < 0)
			fail(r, why, "cannot load the programs");
	}
	if (r < 0) {
		tracing_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void tracing_free(struct tracing *t)
{
	tracing_programs__destroy(t->programs);
	free(t);
}

int tracing_add(struct tracing *t, pid_t pid)
{
	struct tracing_process none = { 0 };
	__u32 key = (__u32)pid;

	return bpf_map_update_elem(bpf_map__fd(t->programs->maps.processes), &key, &none,
		BPF_NOEXIST);
}

bool tracing_read(const struct tracing *t, pid_t pid, struct tracing_process *ret)
{
	__u32 key = (__u32)pid;

	return bpf_map_lookup_elem(bpf_map__fd(t->programs->maps.processes), &key, ret) == 0;
}

bool tracing_sees_locks(const struct tracing *t)
{
	return t->sees_locks;
}
