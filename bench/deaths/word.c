/* SPDX-License-Identifier: MIT */
/* thrusterctl, and a pipe from it. Its exit status is not looked at: a bad verdict is one too. */

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/deaths/crew.h"
#include "bench/deaths/word.h"
#include "bench/fail.h"

#define REST_NS_MAX INT64_C(5000000000)
#define LOOK_NS 20000000

json_t *word_of_daemon(const char *thrusterctl, const char *command)
{
	int ends[2];
	json_t *document;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("cannot make a pipe");
	pid = crew_fork();
	if (pid == 0) {
		if (dup2(ends[1], STDOUT_FILENO) >= 0)
			execl(thrusterctl, thrusterctl, "--json", "--socket", daemon_socket(),
				command, (char *)NULL);
		_exit(EXIT_FAILURE);
	}
	close(ends[1]);
	document = json_loadfd(ends[0], JSON_DISABLE_EOF_CHECK, NULL);
	close(ends[0]);
	crew_bury(pid);
	return document;
}

/* Of an arena, by the daemon's word: is somebody still in it, or has anything? */
static bool is_empty(const json_t *arena)
{
	const json_t *class_;
	size_t i;

	json_array_foreach(json_object_get(arena, "classes"), i, class_)
		if (json_integer_value(json_object_get(class_, "leased")) > 0)
			return false;
	return json_array_size(json_object_get(arena, "clients")) == 0;
}

/* Asked until the last are taken back. */
static json_t *stats_at_rest(const char *thrusterctl, bool *ret_is_empty)
{
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	json_t *stats;

	for (;;) {
		stats = word_of_daemon(thrusterctl, "stats");
		*ret_is_empty = is_empty(json_array_get(json_object_get(stats, "arenas"), 0));
		if (*ret_is_empty || clock_ns(CLOCK_MONOTONIC) - start > REST_NS_MAX)
			return stats;
		json_decref(stats);
		crew_sleep(LOOK_NS);
	}
}

bool word_is_good(const char *thrusterctl, json_t *object)
{
	bool is_sound, is_at_rest;
	json_t *stats = stats_at_rest(thrusterctl, &is_at_rest);
	json_t *check = word_of_daemon(thrusterctl, "check");
	const json_t *verdict = json_array_get(json_object_get(check, "arenas"), 0);
	json_int_t deaths = json_integer_value(
		json_object_get(json_object_get(stats, "reclaim"), "clients_total"));

	is_sound = json_is_true(json_object_get(verdict, "ok"));
	json_object_set_new(object, "daemon_finds_all_rules_kept", json_boolean(is_sound));
	json_object_set_new(object, "daemon_finds_all_free", json_boolean(is_at_rest));
	json_object_set_new(object, "daemon_has_seen_deaths", json_integer(deaths));
	json_decref(check);
	json_decref(stats);
	return is_sound && is_at_rest &&
		deaths >= json_integer_value(json_object_get(object, "kills"));
}
