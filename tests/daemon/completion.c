/* SPDX-License-Identifier: MIT */
/*
 * Names of arenas are completed from the daemon that the line names, by bash and by zsh. They give
 * a daemon that is slow no time, so they are asked until it was quick enough.
 */

#include <criterion/criterion.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/harness/harness.h"

static const char config[] =
	"{ \"arenas\": ["
	" { \"name\": \"default\", \"classes\": [ { \"slot_bytes\": 64, \"slots\": 1 } ] },"
	" { \"name\": \"video-1\", \"classes\": [ { \"slot_bytes\": 64, \"slots\": 1 } ] },"
	" { \"name\": \"view\", \"classes\": [ { \"slot_bytes\": 64, \"slots\": 1 } ] } ] }";

#define TRIES 50

static struct host host;
static char output[4096], command[1024];

static void set_up(void)
{
	char path[4096], program[1024];

	host_start(&host, config);
	snprintf(program, sizeof(program), "%s", getenv("THRUSTERCTL"));
	snprintf(path, sizeof(path), "%s:%s", dirname(program), getenv("PATH"));
	setenv("PATH", path, 1);
	setenv("THRUSTER_SOCKET", "/nowhere", 1);
}

static void clean_up(void)
{
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(completion, .init = set_up, .fini = clean_up, .timeout = 100);

static void must_have(const char *program, const char *shell_command, const char *expected)
{
	unsigned tries = 0;

	if (shell(program, output, sizeof(output)) != 0)
		cr_skip_test("%s is not there", program + strlen("command -v "));
	do {
		cr_assert_eq(shell(shell_command, output, sizeof(output)), 0, "%s", output);
		tries++;
	} while (strcmp(output, expected) != 0 && tries < TRIES);
	cr_expect_str_eq(output, expected, "%s", shell_command);
}

/* `words` as bash would take the line to pieces, each in quotes, without the program. */
static void bash_must_have(const char *words, const char *expected)
{
	snprintf(command, sizeof(command),
		"bash -c 'source " COMPLETIONS "/client/thrusterctl/thrusterctl.bash;"
		" COMP_WORDS=(thrusterctl %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1));"
		" _thrusterctl; echo \"${COMPREPLY[@]}\"'", words);
	must_have("command -v bash", command, expected);
}

static void zsh_must_have(const char *line, const char *expected)
{
	snprintf(command, sizeof(command),
		"zsh -f " COMPLETIONS "/tests/lint/complete.zsh " COMPLETIONS
		"/client/thrusterctl '%s' | tr '\\n' ' '", line);
	must_have("command -v zsh", command, expected);
}

Test(completion, by_bash)
{
	char words[256];

	snprintf(words, sizeof(words), "-s %s trim \"\"", host.socket);
	bash_must_have(words, "default video-1 view\n");
	snprintf(words, sizeof(words), "--timeout 3 --socket %s trim vi", host.socket);
	bash_must_have(words, "video-1 view\n");
	snprintf(words, sizeof(words), "leases --socket = %s --arena de", host.socket);
	bash_must_have(words, "default\n");
	snprintf(words, sizeof(words), "--socket %s advise --arena = vid", host.socket);
	bash_must_have(words, "video-1\n");
	snprintf(words, sizeof(words), "--socket %s advise --arena =", host.socket);
	bash_must_have(words, "default video-1 view\n");
	setenv("THRUSTER_SOCKET", host.socket, 1);
	bash_must_have("trim \"\"", "default video-1 view\n");
	bash_must_have("check \"\"", "\n");
}

Test(completion, by_zsh)
{
	char line[256];

	snprintf(line, sizeof(line), "thrusterctl -s %s trim ", host.socket);
	zsh_must_have(line, "default video-1 view ");
	snprintf(line, sizeof(line), "thrusterctl --timeout 3 --socket=%s trim vi", host.socket);
	zsh_must_have(line, "video-1 view ");
	snprintf(line, sizeof(line), "thrusterctl leases --socket %s --arena de", host.socket);
	zsh_must_have(line, "default ");
	snprintf(line, sizeof(line), "thrusterctl -s %s advise --arena=", host.socket);
	zsh_must_have(line, "--arena=default --arena=video-1 --arena=view ");
	setenv("THRUSTER_SOCKET", host.socket, 1);
	zsh_must_have("thrusterctl trim ", "default video-1 view ");
}

/* Nobody waits for names while the daemon hangs. */
Test(completion, a_daemon_that_hangs_has_no_names)
{
	setenv("THRUSTER_SOCKET", host.socket, 1);
	cr_assert_eq(kill(host.pid, SIGSTOP), 0);
	bash_must_have("trim \"\"", "\n");
	cr_assert_eq(kill(host.pid, SIGCONT), 0);
}
