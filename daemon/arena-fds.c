/* SPDX-License-Identifier: MIT */
/* The descriptors of an arena: kept under a letter and the arena's id. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include "daemon/arena-fds.h"
#include "daemon/cleanup.h"
#include "daemon/store.h"

static void fd_name(char to[STORE_NAME_MAX], char part, uint32_t id)
{
	snprintf(to, STORE_NAME_MAX, "%c.%u", part, id);
}

/* The id in a name that we would give, to the letter ("a.01" would never be taken); else 0. */
static uint32_t id_of(const char *name)
{
	char again[STORE_NAME_MAX], part;
	uint32_t id;

	if (sscanf(name, "%c.%u", &part, &id) != 2 || !strchr("abl", part))
		return 0;
	fd_name(again, part, id);
	return strcmp(name, again) == 0 ? id : 0;
}

bool arena_fds_take(struct store *store, uint32_t *ret_id, struct arena_fds *ret)
{
	char name[STORE_NAME_MAX];
	size_t i;

	for (i = 0; i < store->n_found; i++)
		if (store->found[i].fd >= 0 && (*ret_id = id_of(store->found[i].name)))
			break;
	if (i == store->n_found)
		return false;
	fd_name(name, 'a', *ret_id);
	ret->pages = store_take(store, name);
	fd_name(name, 'b', *ret_id);
	ret->board = store_take(store, name);
	fd_name(name, 'l', *ret_id);
	ret->ledger = store_take(store, name);
	return true;
}

void arena_fds_keep(uint32_t id, const struct arena_fds *fds)
{
	char name[STORE_NAME_MAX];

	fd_name(name, 'a', id);
	store_keep(name, fds->pages);
	fd_name(name, 'b', id);
	store_keep(name, fds->board);
	fd_name(name, 'l', id);
	store_keep(name, fds->ledger);
}

void arena_fds_forget(uint32_t id)
{
	static const char parts[] = { 'a', 'b', 'l' };
	char name[STORE_NAME_MAX];
	size_t i;

	for (i = 0; i < sizeof(parts); i++) {
		fd_name(name, parts[i], id);
		store_forget(name);
	}
}

void arena_fds_close(struct arena_fds *fds)
{
	close_fd(&fds->pages);
	close_fd(&fds->board);
	close_fd(&fds->ledger);
	*fds = (struct arena_fds){ -1, -1, -1 };
}

bool arena_fds_are_used(const struct arena_fds *fds)
{
	struct flock any = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fds->pages, F_OFD_GETLK, &any) < 0 || any.l_type != F_UNLCK;
}
