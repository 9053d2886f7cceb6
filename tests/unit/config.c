/* SPDX-License-Identifier: MIT */
/*
 * Configurations as the daemon's own rooms see them: what a text becomes, field by field, and for
 * every field its bounds, from both sides, with the words that a person is told.
 */

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>
#include "daemon/config.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

static struct config *read_text(const char *text)
{
	struct config_error error = { "" };
	struct config *config = NULL;
	int r = config_new_from_text(&config, "t", text, strlen(text), &error);

	must(r == 0, "%s", error.text);
	return config;
}

/* The text is refused, with these words somewhere in the message, and no config is made. */
static void check_refused(const char *text, const char *words)
{
	struct config *untouched = (struct config *)&untouched, *config = untouched;
	struct config_error error = { "" };
	int r = config_new_from_text(&config, "t", text, strlen(text), &error);

	must(r == -EINVAL, "%d for %s", r, text);
	must(config == untouched, "a refusal writes its output");
	must(strncmp(error.text, "t:", 2) == 0, "no file is named: %s", error.text);
	must(strstr(error.text, words), "\"%s\" does not say \"%s\"", error.text, words);
}

/* One arena with these fields beside its name, and one class unless they have classes. */
static char *arena_text(const char *fields)
{
	static char text[16384];

	snprintf(text, sizeof(text), "{\"arenas\":[{\"name\":\"a\"%s%s%s}]}", *fields ? "," : "",
		fields,
		strstr(fields, "\"classes\"") ? ""
					      : ",\"classes\":[{\"slot_bytes\":64,\"slots\":1}]");
	return text;
}

static char *class_text(const char *fields)
{
	char classes[512];

	snprintf(classes, sizeof(classes), "\"classes\":[{%s}]", fields);
	return arena_text(classes);
}

Test(config, what_is_left_out_has_its_default)
{
	struct config *config = read_text(arena_text(""));
	const struct config_arena *a = &config->arenas[0];

	cr_assert_eq(config->n_arenas, 1);
	cr_assert_str_eq(a->name, "a");
	cr_assert_eq(a->max_clients, 64);
	cr_assert_eq(a->undelivered_grace_ms, 10000);
	cr_assert_eq(a->quota_bytes, 0);
	cr_assert_eq(a->quota_leases, 0);
	cr_assert_eq(config->log_level, LOG_NOTICE);
	cr_assert_eq(config->max_connections_per_user, 0);
	cr_assert_eq(config->admins.n_users, 0);
	cr_assert_leq(config->admins.n_groups, 1);
	cr_assert_eq(a->n_classes, 1);
	cr_assert_eq(a->classes[0].align_bytes, 0);
	cr_assert_geq(a->access.n_users, 1);
	cr_assert_eq(a->access.users[0], 0);
	cr_assert_eq(a->access.users[1], geteuid());
	cr_assert(thr_geometry_is_valid(&a->geometry));
	cr_assert_eq(a->geometry.cores, config_cores());
	cr_assert_eq(a->geometry.seats, 64);
	free(config);
}

/* The example of the documentation, its group by number, since not every machine has it. */
Test(config, the_documented_example)
{
	struct config *config =
		read_text("{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 64,\n"
			  "    \"classes\": [ { \"slot_bytes\": 4096, \"slots\": 4096 }, { "
			  "\"slot_bytes\": 65536, "
			  "\"slots\": 256, \"align_bytes\": 4096 } ],\n"
			  "    \"allow\": { \"users\": [\"root\"], \"groups\": [990] } } ] }");
	const struct config_arena *a = &config->arenas[0];

	cr_assert_eq(config->n_arenas, 1);
	cr_assert_str_eq(a->name, "default");
	cr_assert_eq(a->max_clients, 64);
	cr_assert_eq(a->n_classes, 2);
	cr_assert_eq(a->classes[0].slot_bytes, 4096);
	cr_assert_eq(a->classes[0].slots, 4096);
	cr_assert_eq(a->classes[1].slot_bytes, 65536);
	cr_assert_eq(a->classes[1].slots, 256);
	cr_assert_eq(a->classes[1].align_bytes, 4096);
	cr_assert_eq(a->geometry.class_[0].stride_bytes, 4160);
	cr_assert_eq(a->geometry.class_[1].stride_bytes, 65536);
	cr_assert_eq(a->access.n_users, 1);
	cr_assert_eq(a->access.users[0], 0);
	cr_assert_eq(a->access.n_groups, 1);
	cr_assert_eq(a->access.groups[0], 990);
	free(config);
}

Test(config, the_one_built_in_is_what_a_file_could_say)
{
	struct config *config = config_new_default();
	const struct config_arena *a;

	cr_assert_not_null(config);
	a = &config->arenas[0];
	cr_assert_eq(config->n_arenas, 1);
	cr_assert_str_eq(a->name, "default");
	cr_assert(thr_geometry_is_valid(&a->geometry));
	cr_assert_eq(a->geometry.classes, a->n_classes);
	cr_assert_eq(a->geometry.seats, a->max_clients);
	cr_assert_eq(a->undelivered_grace_ms, CONFIG_GRACE_MS_DEFAULT);
	cr_assert_geq(a->access.n_users, 1);
	free(config);
}

Test(config, classes_are_sorted_by_stride)
{
	struct dice d = { 111 };
	char text[2048];
	unsigned round, i, j, n;

	for (round = 0; round < 300; round++) {
		unsigned sizes[16];
		struct config *config;
		size_t length;

		n = (unsigned)dice_from(&d, 1, 16);
		for (i = 0; i < n; i++) /* strides 64, 192, 320, ...: all different */
			sizes[i] = 64 + 128 * i;
		for (i = n - 1; i > 0; i--) {
			unsigned k = (unsigned)dice_below(&d, i + 1), t = sizes[i];

			sizes[i] = sizes[k], sizes[k] = t;
		}
		length = (size_t)snprintf(text, sizeof(text), "\"classes\":[");
		for (i = 0; i < n; i++)
			length += (size_t)snprintf(text + length, sizeof(text) - length,
				"%s{\"slots\":%u,\"slot_bytes\":%u}", i ? "," : "", sizes[i] * 3,
				sizes[i]);
		snprintf(text + length, sizeof(text) - length, "]");
		config = read_text(arena_text(text));
		must(config->arenas[0].n_classes == n, "%u classes", config->arenas[0].n_classes);
		for (j = 0; j < n; j++)
			must(config->arenas[0].classes[j].slot_bytes == 64 + 128 * j &&
					config->arenas[0].classes[j].slots == 3 * (64 + 128 * j),
				"class %u has %lu bytes", j,
				(unsigned long)config->arenas[0].classes[j].slot_bytes);
		free(config);
	}
}

static void check_number(char *(*text)(const char *), const char *others, const char *field,
	long long value, bool is_good, const char *words)
{
	char fields[256];

	snprintf(fields, sizeof(fields), "%s\"%s\":%lld", others, field, value);
	if (is_good)
		free(read_text(text(fields)));
	else
		check_refused(text(fields), words);
}

static void check_bounds(char *(*text)(const char *), const char *others, const char *field,
	long long min, long long max)
{
	static const char *const not_numbers[] = { "\"1\"", "1.5", "1e3", "true", "null", "[]",
		"{}" };
	char words[160], fields[256];
	size_t i;

	snprintf(words, sizeof(words), "allowed: %lld to %lld", min, max);
	check_number(text, others, field, min, true, NULL);
	check_number(text, others, field, max, true, NULL);
	check_number(text, others, field, min - 1, false, words);
	check_number(text, others, field, max + 1, false, words);
	check_number(text, others, field, -1, false, words);
	check_number(text, others, field, INT64_MIN, false, words);
	check_number(text, others, field, INT64_MAX, false, words);
	snprintf(words, sizeof(words), "%s: is", field);
	for (i = 0; i < sizeof(not_numbers) / sizeof(*not_numbers); i++) {
		snprintf(fields, sizeof(fields), "%s\"%s\":%s", others, field, not_numbers[i]);
		check_refused(text(fields), words);
		check_refused(text(fields), "must be a whole number");
	}
}

Test(config, numbers_keep_to_their_bounds)
{
	check_bounds(arena_text, "", "max_clients", 1, 65535);
	check_bounds(arena_text, "", "undelivered_grace_ms", 0, 86400000);
	check_bounds(class_text, "\"slots\":1,", "slot_bytes", 64, 1 << 30);
	check_bounds(class_text, "\"slot_bytes\":64,", "slots", 1, 1 << 26);
	check_bounds(class_text, "\"slots\":1,\"slot_bytes\":64,", "align_bytes", 64, 1 << 21);
	check_refused(class_text("\"slots\":1"), "arenas[0].classes[0].slot_bytes: is missing");
	check_refused(class_text("\"slot_bytes\":64"), "arenas[0].classes[0].slots: is missing");
	check_refused(class_text("\"slots\":1,\"slot_bytes\":64,\"align_bytes\":96"),
		"96 is not a power of two");
	check_refused(class_text("\"slots\":18446744073709551617,\"slot_bytes\":64"), "not JSON");
}

Test(config, names_of_arenas)
{
	char text[512], name[80];

	memset(name, 'x', sizeof(name));
	snprintf(text, sizeof(text), "{\"arenas\":[{\"name\":\"%.63s\",\"classes\":"
		"[{\"slot_bytes\":64,\"slots\":1}]}]}", name);
	free(read_text(text));
	snprintf(text, sizeof(text), "{\"arenas\":[{\"name\":\"%.64s\",\"classes\":"
		"[{\"slot_bytes\":64,\"slots\":1}]}]}", name);
	check_refused(text, "1 to 63");
	check_refused(
		"{\"arenas\":[{\"name\":\"\",\"classes\":[{\"slot_bytes\":64,\"slots\":1}]}]}",
		"arenas[0].name: must have 1 to 63");
	check_refused("{\"arenas\":[{\"name\":\"a b\",\"classes\":[]}]}", "of the characters");
	check_refused("{\"arenas\":[{\"name\":\"../x\",\"classes\":[]}]}", "of the characters");
	check_refused(
		"{\"arenas\":[{\"name\":7,\"classes\":[]}]}", "is a number; must be a string");
	check_refused("{\"arenas\":[{\"classes\":[]}]}", "arenas[0].name: is missing");
	check_refused(
		"{\"arenas\":[{\"name\":\"a\",\"classes\":[{\"slot_bytes\":64,\"slots\":1}]},\n"
		"{\"name\":\"a\",\"classes\":[{\"slot_bytes\":64,\"slots\":1}]}]}",
		"t:2:9: arenas[1].name: \"a\" is the name of arenas[0] already");
}

Test(config, numbers_of_arenas_and_classes)
{
	static const char one[] =
		"{\"name\":\"a%u\",\"classes\":[{\"slot_bytes\":64,\"slots\":1}]}";
	static const char class_[] = "{\"slot_bytes\":%u,\"slots\":1}";
	char text[8192], *at;
	unsigned n, i;

	for (n = 0; n <= 65; n += n == 0 ? 1 : n == 1 ? 63 : 1) {
		at = stpcpy(text, "{\"arenas\":[");
		for (i = 0; i < n; i++) {
			at = i ? stpcpy(at, ",") : at;
			at += sprintf(at, one, i);
		}
		strcpy(at, "]}");
		if (n >= 1 && n <= 64)
			free(read_text(text));
		else
			check_refused(text, "array of 1 to 64 arenas");
	}
	for (n = 0; n <= 17; n += n == 0 ? 16 : 1) {
		at = stpcpy(text, "\"classes\":[");
		for (i = 0; i < n; i++) {
			at = i ? stpcpy(at, ",") : at;
			at += sprintf(at, class_, 64 + 128 * i);
		}
		strcpy(at, "]");
		if (n == 16)
			free(read_text(arena_text(text)));
		else
			check_refused(arena_text(text), "array of 1 to 16 classes");
	}
}

Test(config, what_is_wrong_and_where)
{
	check_refused("", "not JSON");
	check_refused("{\"arenas\":", "not JSON");
	check_refused("[]", "is an array; must be an object");
	check_refused("{}", "missing; must be an array of 1 to 64 arenas");
	check_refused("{\"arenas\":7}", "a number; must be an array of 1 to 64 arenas");
	check_refused("{\"arenas\":[7]}", "t:1:12: arenas[0]: is a number; must be an object");
	check_refused("{\n \"arena\": []}", "t:2:11: arena: no such field; allowed here: arenas,");
	check_refused("{\"arenas\":[], \"arenas\":[]}", "duplicate");
	check_refused(arena_text("\"colour\":1"), "arenas[0].colour: no such field");
	check_refused(class_text("\"slots\":1,\"slot_bytes\":64,\"align\":64"),
		"classes[0].align: no such field; allowed here: slot_bytes, slots, align_bytes");
	check_refused(arena_text("\"classes\":[[]]"), "classes[0]: is an array; must be an object");
	check_refused(arena_text("\"classes\":[{\"slot_bytes\":4096,\"slots\":1},"
				 "{\"slot_bytes\":4097,\"slots\":1}]"),
		"classes[1]: has slots of 4160 bytes like another class");
	check_refused(class_text("\"slot_bytes\":1073741824,\"slots\":67108864"),
		"larger than 17592186044416 bytes");
}

/* One arena, and these fields at the top before it. */
static char *top_text(const char *fields)
{
	static char text[17000];

	snprintf(text, sizeof(text), "{%.500s,%s", fields, arena_text("") + 1);
	return text;
}

Test(config, quotas)
{
	struct config *config =
		read_text(arena_text("\"quota\":{\"bytes\":17592186044416,\"leases\":1073741824}"));

	cr_assert_eq(config->arenas[0].quota_bytes, 17592186044416u);
	cr_assert_eq(config->arenas[0].quota_leases, 1073741824u);
	free(config);
	config = read_text(arena_text("\"quota\":{\"leases\":7}"));
	cr_assert_eq(config->arenas[0].quota_bytes, 0);
	cr_assert_eq(config->arenas[0].quota_leases, 7);
	free(config);
	config = read_text(arena_text("\"quota\":{\"bytes\":0,\"leases\":0}"));
	cr_assert_eq(config->arenas[0].quota_bytes, 0);
	free(config);
	free(read_text(arena_text("\"quota\":{}")));
	check_refused(arena_text("\"quota\":5"), "arenas[0].quota: is a number; must be an object");
	check_refused(arena_text("\"quota\":{\"byte\":5}"),
		"arenas[0].quota.byte: no such field; allowed here: bytes, leases");
	check_refused(arena_text("\"quota\":{\"bytes\":-1}"), "allowed: 0 to 17592186044416");
	check_refused(arena_text("\"quota\":{\"bytes\":17592186044417}"),
		"arenas[0].quota.bytes: 17592186044417 is out of bounds");
	check_refused(arena_text("\"quota\":{\"leases\":1073741825}"),
		"arenas[0].quota.leases: 1073741825 is out of bounds; allowed: 0 to 1073741824");
	check_refused(arena_text("\"quota\":{\"leases\":\"all\"}"), "is a string");
}

Test(config, memory)
{
	struct config *config = read_text(arena_text("\"memory\":{\"page_bytes\":2097152}"));

	cr_assert_eq(config->arenas[0].geometry.page_bytes, 2097152);
	cr_assert_eq(config->arenas[0].geometry.arena_bytes % 2097152, 0);
	cr_assert(!config->arenas[0].is_lazy);
	free(config);
	config = read_text(arena_text(
		"\"memory\":{\"allocate\":\"on_use\",\"trim_after_s\":86400}"));
	cr_assert_eq(config->arenas[0].geometry.page_bytes, 4096);
	cr_assert(config->arenas[0].is_lazy);
	cr_assert_eq(config->arenas[0].trim_after_s, 86400);
	free(config);
	free(read_text(arena_text("\"memory\":{\"allocate\":\"at_start\"}")));
	free(read_text(arena_text("\"memory\":{}")));
	check_refused(
		arena_text("\"memory\":true"), "arenas[0].memory: is true; must be an object");
	check_refused(arena_text("\"memory\":{\"pages\":1}"),
		"arenas[0].memory.pages: no such field; allowed here: page_bytes, allocate, "
		"trim_after_s");
	check_refused(arena_text("\"memory\":{\"page_bytes\":5000}"),
		"arenas[0].memory.page_bytes: 5000 is not a power of two; allowed: the sizes of "
		"this machine's pages, as 4096 or 2097152");
	check_refused(arena_text("\"memory\":{\"page_bytes\":2048}"),
		"2048 is out of bounds; allowed: 4096 to 1073741824");
	check_refused(arena_text("\"memory\":{\"allocate\":\"never\"}"),
		"arenas[0].memory.allocate: \"never\" is none of the words at_start, on_use");
	check_refused(arena_text("\"memory\":{\"trim_after_s\":86401}"), "allowed: 0 to 86400");
	check_refused(
		arena_text("\"memory\":{\"trim_after_s\":5,\"page_bytes\":2097152}"),
		"arenas[0].memory.trim_after_s: huge pages are not given back; leave it out, or "
		"\"page_bytes\"");
}

Test(config, log_levels)
{
	static const struct {
		const char *text;
		int priority;
	} rows[] = {
		{ "\"log_level\":\"warning\"", LOG_WARNING },
		{ "\"log_level\":\"notice\"", LOG_NOTICE },
		{ "\"log_level\":\"debug\"", LOG_DEBUG },
	};
	struct config *config;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		config = read_text(top_text(rows[i].text));
		cr_assert_eq(config->log_level, rows[i].priority);
		free(config);
	}
	check_refused(top_text("\"log_level\":\"loud\""),
		"t:1:14: log_level: \"loud\" is none of the words warning, notice, debug");
	check_refused(top_text("\"log_level\":\"Debug\""), "is none of the words");
	check_refused(top_text("\"log_level\":7"),
		"log_level: is a number; must be one of the words warning, notice, debug");
	check_refused(top_text("\"log_level\":null"), "log_level: is null");
}

Test(config, connections_of_a_user)
{
	struct config *config = read_text(top_text("\"max_connections_per_user\":1"));

	cr_assert_eq(config->max_connections_per_user, 1);
	free(config);
	config = read_text(top_text("\"max_connections_per_user\":1048576"));
	cr_assert_eq(config->max_connections_per_user, 1048576);
	free(config);
	check_refused(top_text("\"max_connections_per_user\":0"),
		"t:1:29: max_connections_per_user: 0 is out of bounds; allowed: 1 to 1048576");
	check_refused(top_text("\"max_connections_per_user\":1048577"), "is out of bounds");
	check_refused(top_text("\"max_connections_per_user\":true"), "is true; must be a whole");
}

Test(config, admins)
{
	struct config *config =
		read_text(top_text("\"admins\":{\"users\":[\"root\",5],\"groups\":[77]}"));

	cr_assert_eq(config->admins.n_users, 2);
	cr_assert_eq(config->admins.users[1], 5);
	cr_assert_eq(config->admins.n_groups, 1);
	cr_assert_eq(config->admins.groups[0], 77);
	free(config);
	config = read_text(top_text("\"admins\":{}"));
	cr_assert_eq(config->admins.n_users + config->admins.n_groups, 0, "nobody else");
	free(config);
	check_refused(top_text("\"admins\":[]"), "admins: is an array; must be an object");
	check_refused(top_text("\"admins\":{\"user\":[]}"),
		"admins.user: no such field; allowed here: users, groups");
	check_refused(top_text("\"admins\":{\"groups\":[-1]}"), "admins.groups[0]: must be");
}

Test(config, users_and_groups)
{
	struct config *config =
		read_text(arena_text("\"allow\":{\"users\":[4294967294, \"root\", 0]}"));

	cr_assert_eq(config->arenas[0].access.n_users, 3);
	cr_assert_eq(config->arenas[0].access.users[0], 4294967294u);
	cr_assert_eq(config->arenas[0].access.users[1], 0);
	cr_assert_eq(config->arenas[0].access.n_groups, 0);
	free(config);
	/* An arena for nobody is legal: nothing is added to an empty list. */
	config = read_text(arena_text("\"allow\":{}"));
	cr_assert_eq(config->arenas[0].access.n_users, 0);
	cr_assert_eq(config->arenas[0].access.n_groups, 0);
	free(config);
	check_refused(arena_text("\"allow\":null"), "arenas[0].allow: is null; must be an object");
	check_refused(arena_text("\"allow\":{\"user\":[]}"), "allow.user: no such field");
	check_refused(arena_text("\"allow\":{\"users\":\"root\"}"), "names or numbers of users");
	check_refused(arena_text("\"allow\":{\"users\":[4294967295]}"), "from 0 to 4294967294");
	check_refused(arena_text("\"allow\":{\"users\":[-1]}"), "allow.users[0]: must be the name");
	check_refused(arena_text("\"allow\":{\"groups\":[0, true]}"),
		"allow.groups[1]: must be the name");
	check_refused(arena_text("\"allow\":{\"groups\":[\"no such group here\"]}"),
		"this machine has no group \"no such group here\"");
	check_refused(arena_text("\"allow\":{\"users\":[\"no such user here\"]}"),
		"this machine has no user");
}

Test(config, users_up_to_their_limit)
{
	char text[1024], *at;
	struct config *config;
	unsigned n, i;

	for (n = 64; n <= 65; n++) {
		at = stpcpy(text, "\"allow\":{\"groups\":[");
		for (i = 0; i < n; i++)
			at += sprintf(at, "%s%u", i ? "," : "", 100 + i);
		strcpy(at, "]}");
		if (n > 64) {
			check_refused(arena_text(text), "64 names or numbers of groups");
			continue;
		}
		config = read_text(arena_text(text));
		cr_assert_eq(config->arenas[0].access.n_groups, 64);
		for (i = 0; i < n; i++)
			cr_assert_eq(config->arenas[0].access.groups[i], 100 + i);
		free(config);
	}
}

/* Names and fields as long as anybody likes: the message is cut, never the stack. */
Test(config, overlong_names_are_cut_in_the_message)
{
	static char text[8192], name[4000];
	struct config_error error;
	struct config *config;

	memset(name, 'n', sizeof(name) - 1);
	snprintf(text, sizeof(text), "{\"arenas\":[{\"%s\":1}]}", name);
	check_refused(text, "no such field");
	snprintf(text, sizeof(text), "{\"arenas\":[{\"name\":\"%s\"}]}", name);
	check_refused(text, "must have 1 to 63");
	snprintf(text, sizeof(text), "\"allow\":{\"users\":[\"%s\"]}", name);
	check_refused(arena_text(text), "this machine has no user");
	cr_assert_eq(config_new_from_text(&config, name, "{", 1, &error), -EINVAL);
	cr_assert_lt(strlen(error.text), sizeof(error.text));
}

Test(config, any_text_is_answered)
{
	static const char right[] = "{\"arenas\":[{\"name\":\"a\",\"max_clients\":3,\"classes\":"
				    "[{\"slot_bytes\":64,\"slots\":1,\"align_bytes\":64}],"
				    "\"allow\":{\"users\":[0],\"groups\":[1]}}]}";
	struct dice d = { 112 };
	struct config_error error;
	unsigned round, i, good = 0;

	for (round = 0; round < 50000; round++) {
		size_t length = sizeof(right) - 1;
		char text[sizeof(right)];
		struct config *config;
		int r;

		memcpy(text, right, sizeof(right));
		for (i = (unsigned)dice_below(&d, 4); i > 0; i--)
			text[dice_below(&d, length)] = "{}[]\",:01 ae"[dice_below(&d, 12)];
		if (dice_one_in(&d, 8))
			length = dice_below(&d, length);
		error.text[0] = 0;
		r = config_new_from_text(&config, "t", text, length, &error);
		must(r == 0 || (r == -EINVAL && error.text[0]), "%d: %.*s", r, (int)length, text);
		if (r < 0)
			continue;
		must(thr_geometry_is_valid(&config->arenas[0].geometry), "no geometry: %s", text);
		free(config);
		good++;
	}
	cr_assert(good > 10000 && good < 45000);
}
