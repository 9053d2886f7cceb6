/* SPDX-License-Identifier: MIT */
/* What the judge says of each arena. */

#include <stdio.h>
#include "daemon/json.h"
#include "daemon/stats.h"

static json_t *verdict_json(struct arena *arena)
{
	struct thr_verdict v = arena_judge(arena);
	json_t *o = json_object();
	char record[32];

	json_set(o, "arena", json_string(arena->name));
	json_set(o, "ok", json_boolean(v.rule == THR_RULE_NONE));
	json_set_number(o, "slots_seen", v.slots_seen);
	if (v.rule != THR_RULE_NONE) {
		snprintf(record, sizeof(record), "0x%016llx", (unsigned long long)v.record);
		json_set(o, "rule", json_string(thr_rule_name(v.rule)));
		json_set(o, "must_hold", json_string(thr_rule_text(v.rule)));
		json_set(o, "class", json_integer(v.class_));
		json_set(o, "slot", json_integer(v.slot.n));
		json_set(o, "record", json_string(record));
	}
	return o;
}

int stats_check_text(struct daemon *daemon, const struct peer *viewer, char **ret_text)
{
	json_t *root = json_head("thruster.check"), *array = json_array();
	size_t i;

	for (i = 0; i < daemon->n_arenas; i++)
		if (stats_may_see(daemon->arenas[i], viewer))
			json_array_append_new(array, verdict_json(daemon->arenas[i]));
	json_set(root, "arenas", array);
	return json_finish(root, ret_text);
}
