/* SPDX-License-Identifier: MIT */
/* From the daemon's leases to those of the rule in leases-suspects.h, and back with findings. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/thrusterctl/answer.h"
#include "client/thrusterctl/leases/mark.h"
#include "client/thrusterctl/leases/suspects.h"

static const char *client_key(char key[128], const json_t *arena_name, uint64_t id, uint64_t pid)
{
	const char *name = json_string_value(arena_name);

	snprintf(key, 128, "%s %" PRIu64 " %" PRIu64, name ? name : "", id, pid);
	return key;
}

/* When each client attached, by its arena, id and process; the caller's. */
static json_t *attachments(const json_t *stats)
{
	json_t *index = json_object(), *arena, *client;
	char key[128];
	size_t i, j;

	json_array_foreach(json_object_get(stats, "arenas"), i, arena)
		json_array_foreach(json_object_get(arena, "clients"), j, client)
			json_object_set(index,
				client_key(key, json_object_get(arena, "name"),
					answer_number(client, "id"), answer_number(client, "pid")),
				json_object_get(client, "attached_realtime_ns"));
	return index;
}

static void note_lease(
	struct suspect_lease *note, json_t *lease, const json_t *index, uint64_t now_ns)
{
	uint64_t id = answer_number(lease, "client_id"), since;
	char key[128];

	since = answer_number(index, client_key(key, json_object_get(lease, "arena"), id,
					     answer_number(lease, "pid")));
	*note = (struct suspect_lease){
		.arena = answer_string(lease, "arena"),
		.class_ = (uint32_t)answer_number(lease, "class"),
		.client_id = (uint32_t)id,
		.age_ns = answer_number(lease, "age_ns"),
		.attached_ns = since && now_ns > since ? now_ns - since : 0,
		.tag = lease,
	};
}

static void write_mark(const struct suspect_lease *note)
{
	const unsigned second = 1000000000u;
	char why[160];

	json_object_set_new(note->tag, "suspect", json_boolean(note->suspicion != SUSPICION_NONE));
	if (note->suspicion == SUSPICION_OLD)
		snprintf(why, sizeof(why),
			"old: it is %" PRIu64 " s old, and the median of its class is %.1f s",
			note->age_ns / second, (double)note->median_ns / second);
	else
		snprintf(why, sizeof(why),
			"gathered: its client has %zu of this class, from every quarter of its "
			"%" PRIu64 " s here", note->gathered, note->attached_ns / second);
	if (note->suspicion != SUSPICION_NONE)
		json_object_set_new(note->tag, "why", json_string(why));
}

json_t *leases_mark(json_t *answer, const json_t *stats)
{
	json_t *leases = json_object_get(answer, "leases"), *lease, *sorted = json_array();
	size_t n = json_array_size(leases), i;
	struct suspect_lease *notes = calloc(n + 1, sizeof(*notes));
	uint64_t now_ns = answer_number(stats, "timestamp_realtime_ns"), cut_ns = 0;
	json_t *index = attachments(stats);

	if (!notes || !sorted || !index) {
		fprintf(stderr, "thrusterctl: out of memory\n");
		exit(EXIT_FAILURE);
	}
	json_array_foreach(leases, i, lease)
		note_lease(&notes[i], lease, index, now_ns);
	if (n && n < answer_number(answer, "leases_total"))
		cut_ns = notes[n - 1].age_ns;
	suspects_find(notes, n, cut_ns);
	for (i = 0; i < n; i++) {
		write_mark(&notes[i]);
		json_array_append(sorted, notes[i].tag);
	}
	free(notes);
	json_decref(index);
	return sorted;
}

const char *leases_suspicion(const json_t *lease, char text[32])
{
	const char *why = json_string_value(json_object_get(lease, "why"));

	if (!why)
		return "-";
	snprintf(text, 32, "%.*s", (int)strcspn(why, ":"), why);
	return text;
}
