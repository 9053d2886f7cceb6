/* SPDX-License-Identifier: MIT */
/* A list, and the one question that is safe to ask of pages that nobody understands. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/aside.h"
#include "daemon/ledger.h"
#include "daemon/log.h"

/* Of a ledger of any version and in any condition. */
static void read_name(int fd, char to[THR_NAME_MAX])
{
	size_t i;

	memset(to, 0, THR_NAME_MAX);
	if (fd >= 0 && pread(fd, to, THR_NAME_MAX - 1, offsetof(struct ledger, name)) < 0)
		*to = 0;
	for (i = 0; to[i]; i++)
		if (to[i] <= ' ' || to[i] >= 127)
			to[i] = '_';
}

int aside_add(struct aside **list, uint32_t id, const struct arena_fds *fds, const char *why)
{
	struct aside *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->id = id;
	a->fds = *fds;
	read_name(fds->ledger, a->name);
	snprintf(a->why, sizeof(a->why), "%s", why);
	a->next = *list;
	*list = a;
	return 0;
}

static bool is_used(const struct aside *a)
{
	return a->fds.pages >= 0 && arena_fds_are_used(&a->fds);
}

void aside_sweep(struct aside **list, struct state *state)
{
	struct aside **link = list, *a;

	while ((a = *link)) {
		if (is_used(a)) {
			link = &a->next;
			continue;
		}
		log_event(EVENT_ARENA_REMOVED, &(struct log_fields){ .arena = a->name },
			"arena %s (%u), set aside because %s, is mapped by nobody any more; "
			"removed", a->name, a->id, a->why);
		*link = a->next;
		arena_fds_forget(a->id);
		arena_fds_close(&a->fds);
		state_forget_arena(state, a->id);
		free(a);
	}
}

void aside_fini(struct aside **list)
{
	struct aside *a;

	while ((a = *list)) {
		*list = a->next;
		arena_fds_close(&a->fds);
		free(a);
	}
}
