/* SPDX-License-Identifier: MIT */
/*
 * Configurations with one mistake each. A person who is to mend the file must be told where the
 * mistake is, which field it is about and what is allowed there; so the whole line that the daemon
 * prints is compared, and nothing else may be printed.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/harness/harness.h"

#define CLASS "{ \"slot_bytes\": 64, \"slots\": 1 }"
#define CLASSES "\"classes\": [ " CLASS " ]"
#define NAME "\"name\": \"a\", "

/* An arena whose fields begin at column 17. */
#define ARENA(fields) "{ \"arenas\": [ { " fields " } ] }"

/* An arena of one class, whose fields begin at column 43. */
#define IN_CLASS(fields) ARENA(NAME "\"classes\": [ { " fields " } ]")

/* An arena that is right but for its field at column 28. */
#define BESIDE(field) ARENA(NAME field ", " CLASSES)

struct mistake {
	const char *text, *at, *says;
};

static const struct mistake mistakes[] = {
#include "tests/daemon/config-mistakes.h"
};

static char path[64], output[8192];

static void set_up(void)
{
	strcpy(path, "/tmp/thruster-config-XXXXXX");
	cr_assert(close(mkstemp(path)) == 0);
	unsetenv("JOURNAL_STREAM");
}

static void clean_up(void)
{
	unlink(path);
}

TestSuite(config, .init = set_up, .fini = clean_up, .timeout = 120);

static int check_file(const char *file)
{
	char command[512];

	snprintf(command, sizeof(command), "%s --check-config --config %s", getenv("THRUSTERD"),
		file);
	return shell(command, output, sizeof(output));
}

static int check_text(const char *text, size_t length)
{
	FILE *file = fopen(path, "we");

	cr_assert(fwrite(text, 1, length, file) == length && fclose(file) == 0);
	return check_file(path);
}

static void must_say(const char *at, const char *says)
{
	char expected[1024];

	snprintf(expected, sizeof(expected), "thrusterd: %s%s%s: %s\n", path, *at ? ":" : "", at,
		says);
	cr_expect_str_eq(output, expected);
}

Test(config, each_mistake_is_told_with_its_place)
{
	size_t i;

	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		cr_expect_eq(check_text(mistakes[i].text, strlen(mistakes[i].text)), 1, "%s",
			mistakes[i].text);
		must_say(mistakes[i].at, mistakes[i].says);
	}
}

/* A list of `n` things, the i-th made by a format with one number. */
static char *list_of(const char *before, const char *format, unsigned n, const char *after)
{
	size_t room = strlen(before) + strlen(after) + n * (strlen(format) + 16) + 1;
	char *text = malloc(room), *at = text;
	unsigned i;

	cr_assert(text);
	at += sprintf(at, "%s", before);
	for (i = 0; i < n; i++) {
		at += sprintf(at, "%s", i ? "," : "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		at += sprintf(at, format, i);
#pragma GCC diagnostic pop
	}
	sprintf(at, "%s", after);
	return text;
}

Test(config, too_many_are_refused_and_as_many_as_may_be_are_not)
{
	char *text;

	text = list_of("{\"arenas\":[", "{\"name\":\"a%u\"," CLASSES "}", 64, "]}");
	cr_expect_eq(check_text(text, strlen(text)), 0, "%s", output);
	free(text);
	text = list_of("{\"arenas\":[", "{\"name\":\"a%u\"," CLASSES "}", 65, "]}");
	cr_expect_eq(check_text(text, strlen(text)), 1);
	must_say("1:11", "arenas: has 65 elements; must be an array of 1 to 64 arenas");
	free(text);

	text = list_of("{\"arenas\":[{\"name\":\"a\",\"classes\":[",
		"{\"slot_bytes\":1%u000,\"slots\":1}", 16, "]}]}");
	cr_expect_eq(check_text(text, strlen(text)), 0, "%s", output);
	free(text);
	text = list_of("{\"arenas\":[{\"name\":\"a\",\"classes\":[",
		"{\"slot_bytes\":1%u000,\"slots\":1}", 17, "]}]}");
	cr_expect_eq(check_text(text, strlen(text)), 1);
	must_say("1:34", "arenas[0].classes: has 17 elements; must be an array of 1 to 16 classes");
	free(text);

	text = list_of("{\"arenas\":[{\"name\":\"a\"," CLASSES ",\"allow\":{\"users\":[", "%u", 65,
		"]}}]}");
	cr_expect_eq(check_text(text, strlen(text)), 1);
	cr_expect(strstr(output,
			  ": arenas[0].allow.users: has 65 elements; must be an array of 0 to 64 "
			  "names or numbers of users\n"),
		"%s", output);
	free(text);
}

Test(config, a_file_that_cannot_be_read_is_named)
{
	size_t size = 2 << 20;
	char *large = malloc(size);

	cr_assert(large);
	memset(large, ' ', size);
	cr_expect_eq(check_text(large, size), 1);
	must_say("", "larger than 1048576 bytes");
	free(large);
	cr_expect_eq(check_file("/tmp"), 1);
	cr_expect_str_eq(output, "thrusterd: /tmp: cannot be read: Is a directory\n");
	cr_expect_eq(check_file("/tmp/no/such/file"), 1);
	cr_expect_str_eq(output,
		"thrusterd: /tmp/no/such/file: cannot be read: No such file or directory\n");
}

Test(config, binary_files_are_refused)
{
	static const char elf[] = "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0";
	static const char nul[] = "{ \"arenas\": \0 }";
	char noise[4096];
	unsigned i, round;

	cr_expect_eq(check_text(elf, sizeof(elf)), 1);
	cr_expect(strstr(output, ": not JSON: "), "%s", output);
	cr_expect_eq(check_text(nul, sizeof(nul)), 1);
	cr_expect(strstr(output, ": not JSON: "), "%s", output);
	srand(1);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < sizeof(noise); i++)
			noise[i] = (char)rand();
		cr_expect_eq(check_text(noise, sizeof(noise)), 1);
		cr_expect(strstr(output, ": not JSON: "), "%s", output);
	}
}

/* Text cut short at every place is refused, never read beyond its end. */
Test(config, every_beginning_of_a_file_is_refused)
{
	static const char text[] =
		BESIDE("\"allow\": { \"users\": [ \"root\" ], \"groups\": [ 1 ] }");
	size_t length;

	for (length = 0; length < sizeof(text) - 1; length += 1 + length % 3)
		cr_expect_eq(check_text(text, length), 1, "%zu bytes", length);
	cr_expect_eq(check_text(text, sizeof(text) - 1), 0, "%s", output);
}

Test(config, a_right_file_is_told_to_be_right)
{
	static const char text[] =
		"{ \"arenas\": [ { \"name\": \"A-z_0.9\", \"max_clients\": 65535, "
		"\"undelivered_grace_ms\": 86400000,\n"
		" \"allow\": { \"users\": [ \"root\", 65534, 4294967294 ], \"groups\": [ \"root\", "
		"0 ] },\n"
		" \"classes\": [ { \"slot_bytes\": 4096, \"slots\": 3, \"align_bytes\": 2097152 "
		"},\n"
		"  { \"slot_bytes\": 64, \"slots\": 1, \"align_bytes\": 64 } ] } ] }";
	static const char nobody[] = BESIDE("\"allow\": { }");
	char expected[128];

	cr_expect_eq(check_text(text, sizeof(text) - 1), 0, "%s", output);
	snprintf(expected, sizeof(expected),
		"%s: right\narena A-z_0.9: 2 classes, at most 65535 clients, ", path);
	cr_expect_eq(strncmp(output, expected, strlen(expected)), 0, "%s", output);
	cr_expect_eq(check_text(nobody, sizeof(nobody) - 1), 0, "%s", output);
}

/* What --check-config refuses is not served either. */
Test(config, a_daemon_does_not_start_with_a_wrong_file)
{
	char command[512];

	check_text("{}", 2);
	snprintf(command, sizeof(command), "timeout 20 %s --socket %s.s --config %s",
		getenv("THRUSTERD"), path, path);
	cr_expect_eq(shell(command, output, sizeof(output)), 1);
	must_say("1:1", "arenas: is missing; must be an array of 1 to 64 arenas");
}

Test(config, wrong_usage_is_status_2_with_a_hint)
{
	static const char *const wrong[] = {
		"THRUSTERD --nonsense",
		"THRUSTERD -x",
		"THRUSTERD argument",
		"THRUSTERD --config",
		"THRUSTERD --socket",
		"THRUSTERD --check-config=yes",
		"THRUSTERCTL",
		"THRUSTERCTL nonsense",
		"THRUSTERCTL --nonsense",
		"THRUSTERCTL stats clients",
		"THRUSTERCTL leases --limit",
		"THRUSTERCTL leases --limit=-1",
		"THRUSTERCTL leases --limit=",
		"THRUSTERCTL leases --limit=1x",
		"THRUSTERCTL leases --limit=4294967296",
		"THRUSTERCTL leases --limit=99999999999999999999",
		"THRUSTERCTL --json",
	};
	char command[256];
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(command, sizeof(command), "timeout 20 $%s", wrong[i]);
		cr_expect_eq(shell(command, output, sizeof(output)), 2, "%s", wrong[i]);
		cr_expect(strstr(output, "--help"), "%s: %s", wrong[i], output);
	}
}

Test(config, help_and_version_are_told)
{
	cr_expect_eq(shell("$THRUSTERD --help && $THRUSTERCTL --help", output, sizeof(output)), 0);
	cr_expect(strstr(output, "thrusterd.json(5)") && strstr(output, "thrusterctl(1)"));
	cr_expect_eq(
		shell("$THRUSTERD --version && $THRUSTERCTL --version", output, sizeof(output)), 0);
	cr_expect(strstr(output, "thrusterd ") && strstr(output, "thrusterctl "));
}
