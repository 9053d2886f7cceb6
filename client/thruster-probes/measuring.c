/* SPDX-License-Identifier: MIT */
/* Clients that come meanwhile are found once a tenth of a second, and measured from then on. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "client/thruster-probes/measuring.h"
#include "client/thruster-probes/processes.h"
#include "ebpf/tracing.h"

#define LOOK_AGAIN_NS 100000000ull
#define NS_PER_S 1000000000ull

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static json_t *histogram_json(const struct tracing_histogram *h)
{
	json_t *buckets = json_array();
	json_int_t count = 0;
	unsigned i;

	for (i = 0; i < TRACE_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		count += (json_int_t)h->bucket[i];
		json_array_append_new(buckets,
			json_pack("{s:I, s:I}", "le", (json_int_t)1 << i, "count",
				(json_int_t)h->bucket[i]));
	}
	return json_pack("{s:s, s:I, s:I, s:I, s:o}", "unit", "ns", "count", count, "sum",
		(json_int_t)h->ns_total, "max", (json_int_t)h->ns_max, "buckets", buckets);
}

static json_t *process_json(const struct tracing *tracing, pid_t pid)
{
	static const char *const keys[] = {
#define X(upper, key, text) #key,
		TRACING_TIMES(X)
#undef X
	};
	struct tracing_process process;
	json_t *o = json_object();
	unsigned i;

	if (!tracing_read(tracing, pid, &process)) {
		json_decref(o);
		return NULL;
	}
	json_object_set_new(o, "pid", json_integer(pid));
	for (i = 0; i < TRACING_TIMES_N; i++)
		if (i != TRACING_KERNEL_LOCK || tracing_sees_locks(tracing))
			json_object_set_new(o, keys[i], histogram_json(&process.time[i]));
	return o;
}

static void add_all(struct tracing *tracing, json_t *seen, int fd)
{
	json_t *pids = processes_get(fd), *pid;
	char key[16];
	size_t i;

	json_array_foreach(pids, i, pid) {
		snprintf(key, sizeof(key), "%lld", (long long)json_integer_value(pid));
		if (json_object_get(seen, key))
			continue;
		if (tracing_add(tracing, (pid_t)json_integer_value(pid)) == 0)
			json_object_set(seen, key, pid);
	}
	json_decref(pids);
}

static json_t *measure_all(struct tracing *tracing, int fd, double seconds)
{
	uint64_t until = now_ns() + (uint64_t)(seconds * (double)NS_PER_S), now;
	json_t *seen = json_object(), *array = json_array(), *pid, *process;
	struct timespec pause = { 0 };
	const char *key;

	for (now = now_ns(); now < until; now = now_ns()) {
		add_all(tracing, seen, fd);
		pause.tv_nsec = (long)(until - now < LOOK_AGAIN_NS ? until - now : LOOK_AGAIN_NS);
		nanosleep(&pause, NULL);
	}
	json_object_foreach(seen, key, pid) {
		process = process_json(tracing, (pid_t)json_integer_value(pid));
		if (process)
			json_array_append_new(array, process);
	}
	json_decref(seen);
	return array;
}

int measure(const char *socket_path, double seconds)
{
	char why[TRACING_WHY_MAX] = "";
	struct tracing *tracing = NULL;
	int fd = processes_connect(socket_path), r;
	json_t *o = json_object();

	if (fd < 0) {
		json_decref(o);
		return EXIT_FAILURE;
	}
	r = tracing_new(&tracing, why);
	json_object_set_new(o, "state", json_string(r == 0 ? "measured" : "unavailable"));
	json_object_set_new(o, "reason", json_string(why));
	if (r == 0) {
		json_object_set_new(o, "processes", measure_all(tracing, fd, seconds));
		tracing_free(tracing);
	}
	close(fd);
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
