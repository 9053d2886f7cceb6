/* SPDX-License-Identifier: MIT */
/*
 * What thruster-probes may not do, or the kernel cannot, it says in the statistics, with the
 * reason; and the daemon and its clients go on as if nothing were.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tests/harness/harness.h"

#define SLOTS 4u

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8, \"classes\": ["
	" { \"slot_bytes\": 65536, \"slots\": 1 } ] } ] }";

static struct host host;
static struct probes probes;

static void set_up(void)
{
	const char *why;

	if (!probes_can_trace(&why))
		cr_skip_test("%s", why);
	host_start(&host, config);
}

static void clean_up(void)
{
	if (!host.pid)
		return;
	probes_stop(&probes);
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(privileges, .init = set_up, .fini = clean_up, .timeout = 60);

/* A string in the statistics, by its path under contention.ebpf; static. */
static const char *ebpf(const char *key, const char *under)
{
	static char text[512];
	json_t *stats = host_stats(&host), *o;
	const char *s;

	o = json_object_get(json_object_get(stats, "contention"), "ebpf");
	if (under)
		o = json_object_get(o, under);
	s = json_string_value(json_object_get(o, key));
	snprintf(text, sizeof(text), "%s", s ? s : "(none)");
	json_decref(stats);
	return text;
}

static void must_say(const char *key, const char *under, const char *part)
{
	const char *text = ebpf(key, under);

	cr_assert(strstr(text, part), "%s: \"%s\", not \"%s\"", key, text, part);
}

/* A client's exhaustion, seen by eBPF or not. */
static int64_t exhaust(void)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct thruster_lease lease, none;
	int64_t before = host_number(&host, "arenas[0].classes[0].exhausted_total");
	json_t *stats, *core;
	int64_t seen = 0;
	size_t i;

	cr_assert_eq(thruster_rent(pool, 65536, &lease), 0);
	cr_assert_eq(thruster_rent(pool, 65536, &none), -ENOBUFS);
	cr_assert_eq(thruster_return(pool, &lease), 0);
	cr_assert_eq(
		host_number(&host, "arenas[0].classes[0].exhausted_total"), before + 1);
	stats = host_stats(&host);
	json_array_foreach(json_object_get(json_array_get(json_object_get(json_array_get(
		json_object_get(json_object_get(stats, "contention"), "arenas"), 0), "classes"), 0),
		"cores"), i, core)
		seen += json_integer_value(json_object_get(core, "exhausted_total"));
	json_decref(stats);
	thruster_detach(pool);
	return seen;
}

Test(privileges, nobody_traces)
{
	cr_assert_str_eq(ebpf("state", NULL), "unavailable");
	must_say("reason", NULL, "thruster-probes is not connected");
	cr_assert_eq(exhaust(), 0);
}

Test(privileges, all_there_are)
{
	probes_start(&probes, &host, NULL, NULL);
	cr_assert_str_eq(ebpf("state", NULL), "attached");
	cr_assert_str_eq(ebpf("state", "fast_reclaim"), "attached");
	cr_assert_eq(exhaust(), 1);
	cr_assert_eq(probes_stop(&probes), 0);
	cr_assert_str_eq(ebpf("state", NULL), "unavailable");
	/* What was counted stays to be read, and nothing is added. */
	cr_assert_eq(exhaust(), 1);
}

static void keep_only(uint64_t wanted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	int cap;

	for (cap = 0; cap < 64; cap++)
		if (!(wanted >> cap & 1))
			prctl(PR_CAPBSET_DROP, cap);
	data[0].effective = data[0].permitted = data[0].inheritable = (uint32_t)wanted;
	data[1].effective = data[1].permitted = data[1].inheritable = (uint32_t)(wanted >> 32);
	if (syscall(SYS_capset, &header, data) < 0)
		_exit(1);
}

static void keep_none(void)
{
	keep_only(0);
}

static void keep_two(void)
{
	keep_only((uint64_t)1 << CAP_BPF | (uint64_t)1 << CAP_PERFMON);
}

Test(privileges, no_capability)
{
	probes_start(&probes, &host, NULL, keep_none);
	cr_assert_str_eq(ebpf("state", NULL), "unavailable");
	must_say("reason", NULL, "CAP_BPF");
	must_say("state", "fast_reclaim", "unavailable");
	cr_assert_eq(host_number(&host, "contention.ebpf.errno"), EPERM);
	cr_assert_eq(exhaust(), 0);
	/* It goes, and the reason stays. */
	cr_assert_neq(probes_stop(&probes), 0);
	must_say("reason", NULL, "CAP_BPF");
}

/* The least that works, where the kernel has uprobe_multi. */
Test(privileges, two_capabilities_suffice)
{
	probes_start(&probes, &host, NULL, keep_two);
	if (strcmp(ebpf("backend", NULL), "uprobe_multi") != 0)
		cr_skip_test("this kernel has no uprobe_multi");
	cr_assert_str_eq(ebpf("state", NULL), "attached");
	cr_assert_str_eq(ebpf("state", "fast_reclaim"), "attached");
	cr_assert_eq(exhaust(), 1);
}

Test(privileges, perf_events)
{
	probes_start(&probes, &host, (const char *[]){ "--perf", NULL }, NULL);
	cr_assert_str_eq(ebpf("backend", NULL), "perf_uprobe");
	cr_assert_str_eq(ebpf("state", NULL), "attached");
	cr_assert_eq(exhaust(), 1);
}

/* Perf events are for CAP_SYS_ADMIN here, or for CAP_PERFMON; either way it says how it went. */
Test(privileges, perf_events_with_two_capabilities)
{
	probes_start(&probes, &host, (const char *[]){ "--perf", NULL }, keep_two);
	if (strcmp(ebpf("state", NULL), "attached") == 0)
		cr_assert_eq(exhaust(), 1);
	else
		must_say("reason", NULL, "Permission denied");
}

static void hide_type_information(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL) < 0)
		_exit(1);
}

Test(privileges, no_type_information)
{
	if (access("/sys/kernel/btf", F_OK) < 0)
		cr_skip_test("the kernel has none to hide");
	probes_start(&probes, &host, NULL, hide_type_information);
	cr_assert_str_eq(ebpf("state", NULL), "attached");
	cr_assert_str_eq(ebpf("state", "fast_reclaim"), "unavailable");
	cr_assert_neq(strlen(ebpf("reason", "fast_reclaim")), 0);
	cr_assert_eq(exhaust(), 1);
}

static void forbid_bpf(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(1);
}

Test(privileges, bpf_is_filtered)
{
	probes_start(&probes, &host, NULL, forbid_bpf);
	cr_assert_str_eq(ebpf("state", NULL), "unavailable");
	must_say("reason", NULL, "bpf()");
	cr_assert_eq(exhaust(), 0);
}

Test(privileges, ends_are_not_wanted)
{
	probes_start(&probes, &host, (const char *[]){ "--no-exits", NULL }, NULL);
	cr_assert_str_eq(ebpf("state", NULL), "attached");
	must_say("reason", "fast_reclaim", "not wanted");
	cr_assert_eq(exhaust(), 1);
}

Test(privileges, no_such_file)
{
	char output[1024], command[512];

	snprintf(command, sizeof(command), "timeout 20 %s -s %s --once -f /nowhere 2>&1 & "
		"p=$!; sleep 1; kill $p; wait $p", getenv("THRUSTER_PROBES"), host.socket);
	shell(command, output, sizeof(output));
	cr_assert(strstr(output, "/nowhere: No such file"), "%s", output);
}
