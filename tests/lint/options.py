# SPDX-License-Identifier: MIT
"""
Options and commands are the same in --help, in the man page and in the source. Arguments:
thrusterd, thrusterctl.
"""

import re
import subprocess
import sys

from tap import ROOT, Tap, differences, text

ALWAYS = {("?", "help", None), (None, "usage", None)}
VERSION = {("V", "version", None)}


def show(options):
    return {f"{'-' + s if s else '  '}, --{l}{'=' + a if a else ''}" for s, l, a in options}


def read_options(lines):
    """Of lines like "  -c, --config=FILE   what it does"."""
    found = set()
    for line in lines:
        m = re.match(r"\s*(?:-(\S), )?--([a-z-]+)(?:=(\w+))?(?:\s|$)", line)
        if m:
            found.add(m.groups())
    return found


def of_help(program):
    out = subprocess.run((program, "--help"), check=True, capture_output=True, encoding="utf-8",
                         env={"PATH": "/usr/bin:/bin", "ARGP_HELP_FMT": "", "COLUMNS": "80"}).stdout
    return out, read_options(l for l in out.splitlines() if re.match(r"\s{1,8}-", l))


def section(page, title):
    m = re.search(rf"^{title}\n=+\n(.*?)(?=^[A-Z ,]+\n=+$|\Z)", text(page), re.S | re.M)
    return m.group(1) if m else ""


def of_source(path):
    source = text(path)
    table = re.search(r"argp_option options\[\] = \{(.*?)\n\};", source, re.S).group(1)
    found = set(re.findall(r'\{ "([\w-]+)", (?:\'(.)\'|\w+), (?:"(\w+)"|NULL),', table))
    found = {(short or None, long, argument or None) for long, short, argument in found}
    has_version = "argp_program_version" in source
    return found | ALWAYS | (VERSION if has_version else set())


def check_program(tap, name, program, source, page):
    _, by_help = of_help(program)
    by_page = read_options(l for l in section(page, "OPTIONS").splitlines() if l.startswith("-"))
    by_source = of_source(source)
    tap.check(f"{name}: the source has options", len(by_source - ALWAYS - VERSION) >= 3)
    tap.check(f"{name}: --help lists the options of the source",
              differences("--help", show(by_help), source, show(by_source)))
    tap.check(f"{name}: the man page lists the options of the source",
              differences(page, show(by_page), source, show(by_source)))
    synopsis = re.sub(r"[\\*]", "", section(page, "SYNOPSIS"))
    letters = set(re.findall(r"\[-(\w+)", synopsis))
    letters = {c for group in letters for c in group}
    tap.check(f"{name}: the man page's synopsis has the short options",
              differences(page, letters, source,
                          {s for s, _, _ in by_source - ALWAYS - VERSION if s}))


def completed(script, name, word):
    """What bash completes `word` to, as the first argument of the program."""
    run = f'source {ROOT}/{script}; COMP_WORDS=({name} "{word}"); COMP_CWORD=1; _{name}; ' \
          'echo "${COMPREPLY[@]}"'
    return set(subprocess.run(("bash", "-c", run), check=True, capture_output=True,
                              encoding="utf-8").stdout.split())


def check_completion(tap, name, script, source):
    options = {f"--{long}" for _, long, _ in of_source(source)}
    tap.check(f"{name}: bash completes the options of the source",
              differences(script, completed(script, name, "--"), source, options))


def check_commands(tap, program):
    out, _ = of_help(program)
    source = text("client/thrusterctl/main.c")
    table = re.search(r"\} commands\[\] = \{(.*?)\n\};", source, re.S).group(1)
    by_source = set(re.findall(r'\{ "(\w+)", command_\w+ \}', table))
    by_help = re.search(r"^Commands:\n(.*?)\n\n", out, re.S | re.M)
    by_help = set(re.findall(r"^  (\w+) ", by_help.group(1), re.M)) if by_help else set()
    by_page = set(re.findall(r"^\*\*(\w+)\*\*$", section("docs/man/thrusterctl.1.rst", "COMMANDS"),
                             re.M))
    tap.check("thrusterctl: the source has commands", len(by_source) >= 4)
    tap.check("thrusterctl: --help lists the commands of the source",
              differences("--help", by_help, "the source", by_source))
    tap.check("thrusterctl: the man page lists the commands of the source",
              differences("the man page", by_page, "the source", by_source))
    tap.check("thrusterctl: bash completes the commands of the source",
              differences("the completion",
                          completed("client/thrusterctl/thrusterctl.bash", "thrusterctl", ""),
                          "the source", by_source))
    faults = []
    for line in (l for l in source.splitlines() if re.search(r"\bThere are|there are", l)):
        said = re.search(r"[Tt]here are ([\w, ]+)", line).group(1)
        faults += differences("an error message", re.split(r", | and ", said),
                              "the source", by_source)
    tap.check("thrusterctl: error messages name the commands of the source", faults)


def main():
    tap = Tap()
    check_program(tap, "thrusterd", sys.argv[1], "daemon/main.c", "docs/man/thrusterd.8.rst")
    check_program(tap, "thrusterctl", sys.argv[2], "client/thrusterctl/main.c",
                  "docs/man/thrusterctl.1.rst")
    check_completion(tap, "thrusterd", "daemon/thrusterd.bash", "daemon/main.c")
    check_completion(tap, "thrusterctl", "client/thrusterctl/thrusterctl.bash",
                     "client/thrusterctl/main.c")
    check_commands(tap, sys.argv[2])
    tap.done()


main()
