/* SPDX-License-Identifier: MIT */
/*
 * A configuration of any bytes: refused with a place in the text and a reason, or accepted with
 * everything in its bounds. Users and groups are looked up here and not on this machine, so that a
 * finding is one on every machine.
 */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include "daemon/config.h"
#include "tests/fuzz/bytes.h"

#define NAME "fuzz"

struct passwd *getpwnam(const char *name)
{
	static struct passwd nobody = { .pw_name = (char *)"nobody", .pw_uid = 65534 };

	return strcmp(name, nobody.pw_name) == 0 ? &nobody : NULL;
}

struct group *getgrnam(const char *name)
{
	static struct group nogroup = { .gr_name = (char *)"nogroup", .gr_gid = 65534 };

	return strcmp(name, nogroup.gr_name) == 0 ? &nogroup : NULL;
}

static unsigned lines_of(const uint8_t *data, size_t size)
{
	unsigned n = 1;
	size_t i;

	for (i = 0; i < size; i++)
		n += data[i] == '\n';
	return n;
}

/* "fuzz:LINE:COLUMN: what". */
static void must_be_told(const struct config_error *error, const uint8_t *data, size_t size)
{
	unsigned line, column;
	int n = 0;

	must(memchr(error->text, 0, sizeof(error->text)), "the error has no end");
	must(sscanf(error->text, NAME ":%u:%u: %n", &line, &column, &n) == 2 && n,
		"\"%s\" has no place", error->text);
	must(error->text[n], "\"%s\" says nothing", error->text);
	must(line >= 1 && line <= lines_of(data, size), "\"%s\" is not in the text", error->text);
	must(column >= 1 && column <= size + 2, "\"%s\" is not in the line", error->text);
}

static void arena_must_be_valid(const struct config_arena *arena)
{
	must(arena->name[0] && memchr(arena->name, 0, sizeof(arena->name)), "name");
	must(arena->access.n_users <= ACCESS_ENTRIES_MAX, "users");
	must(arena->access.n_groups <= ACCESS_ENTRIES_MAX, "groups");
	must(arena->undelivered_grace_ms <= CONFIG_GRACE_MS_MAX, "grace");
	must(thr_geometry_is_valid(&arena->geometry), "geometry");
	must(arena->geometry.seats == arena->max_clients, "seats");
	must(arena->geometry.classes == arena->n_classes, "classes");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_error error = { "" };
	struct config *config = NULL;
	size_t i;
	int r = config_new_from_text(&config, NAME, (const char *)data, size, &error);

	if (r < 0) {
		must(r == -EINVAL && !config, "refused with %d", r);
		must_be_told(&error, data, size);
		return 0;
	}
	must(config->n_arenas >= 1 && config->n_arenas <= CONFIG_ARENAS_MAX, "arenas");
	for (i = 0; i < config->n_arenas; i++)
		arena_must_be_valid(&config->arenas[i]);
	free(config);
	return 0;
}
