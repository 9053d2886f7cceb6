/* SPDX-License-Identifier: MIT */
/* Names of users and groups are looked up once, when the configuration is read. */

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>
#include "daemon/config-access.h"

static bool user_find(const char *name, uint32_t *ret)
{
	struct passwd *user = getpwnam(name);

	if (user)
		*ret = user->pw_uid;
	return user;
}

static bool group_find(const char *name, uint32_t *ret)
{
	struct group *group = getgrnam(name);

	if (group)
		*ret = group->gr_gid;
	return group;
}

/* Names or numbers of users, or of groups. Returns how many. */
static size_t read_ids(struct form *form, const char *path, json_t *array, const char *what,
	bool (*find)(const char *name, uint32_t *ret), uint32_t ids[ACCESS_ENTRIES_MAX])
{
	struct path where;
	char elements[64];
	size_t i;

	if (!array)
		return 0;
	snprintf(elements, sizeof(elements), "names or numbers of %ss", what);
	if (!form_check_array(form, path, array, 0, ACCESS_ENTRIES_MAX, elements))
		return 0;
	for (i = 0; i < json_array_size(array) && !form->has_failed; i++) {
		json_t *value = json_array_get(array, i);

		where = path_make("%s[%zu]", path, i);
		if (json_is_integer(value) && json_integer_value(value) >= 0 &&
			json_integer_value(value) < UINT32_MAX)
			ids[i] = (uint32_t)json_integer_value(value);
		else if (!json_is_string(value))
			form_fail(form, where.text,
				"must be the name of a %s, or a number from 0 to %u", what,
				UINT32_MAX - 1);
		else if (!find(json_string_value(value), &ids[i]))
			form_fail(form, where.text, "this machine has no %s \"%.64s\"", what,
				json_string_value(value));
	}
	return i;
}

static void access_add_group(struct access *access, const char *name)
{
	uint32_t group;

	if (group_find(name, &group))
		access->groups[access->n_groups++] = group;
}

struct access config_clients(void)
{
	struct access access = { .users = { 0, geteuid() }, .n_users = 2 };

	access_add_group(&access, "thruster-clients");
	return access;
}

struct access config_admins(void)
{
	struct access access = { .n_users = 0 };

	access_add_group(&access, "thruster-admins");
	return access;
}

void config_read_access(struct form *form, const char *path, json_t *object,
	struct access (*otherwise)(void), struct access *ret)
{
	static const char *const names[] = { "users", "groups", NULL };
	struct path where;

	if (!object) {
		*ret = otherwise();
		return;
	}
	form_check_names(form, path, object, names);
	where = path_make("%s.users", path);
	ret->n_users = read_ids(
		form, where.text, json_object_get(object, "users"), "user", user_find, ret->users);
	where = path_make("%s.groups", path);
	ret->n_groups = read_ids(form, where.text, json_object_get(object, "groups"), "group",
		group_find, ret->groups);
}
