# SPDX-License-Identifier: MIT
"""
Options and commands are the same in --help, in the man page, in the completions of bash and zsh and
in the source. Arguments: thrusterd, thrusterctl; and thruster-probes, if it is built.
"""

import os
import re
import shutil
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


def of_help(program, *command):
    out = subprocess.run((program, *command, "--help"), check=True, capture_output=True, encoding="utf-8",
                         env={"PATH": "/usr/bin:/bin", "ARGP_HELP_FMT": "", "COLUMNS": "80"}).stdout
    return out, read_options(l for l in out.splitlines() if re.match(r"\s{1,8}-", l))


def section(page, title):
    m = re.search(rf"^{title}\n=+\n(.*?)(?=^[A-Z ,]+\n=+$|\Z)", text(page), re.S | re.M)
    return m.group(1) if m else ""


def of_source(path):
    source = text(path)
    table = re.search(r"argp_option options\[\] = \{(.*?)\n\};", source, re.S)
    table = table.group(1) if table else ""
    found = set(re.findall(r'\{ "([\w-]+)", (?:\'(.)\'|\w+), (?:"(\w+)"|NULL),', table))
    found = {(short or None, long, argument or None) for long, short, argument in found}
    has_version = "argp_program_version" in source
    return found | ALWAYS | (VERSION if has_version else set())


def check_program(tap, name, program, source, page):
    _, by_help = of_help(program)
    by_page = read_options(l for l in section(page, "OPTIONS").splitlines() if l.startswith("-"))
    by_source = of_source(source)
    tap.check(f"{name}: the source has options", len(by_source - ALWAYS - VERSION) >= 2)
    tap.check(f"{name}: --help lists the options of the source",
              differences("--help", show(by_help), source, show(by_source)))
    tap.check(f"{name}: the man page lists the options of the source",
              differences(page, show(by_page), source, show(by_source)))
    synopsis = re.sub(r"[\\*]", "", section(page, "SYNOPSIS"))
    letters = set(re.findall(r"(?<!\w)-(\w+)", synopsis))
    letters = {c for group in letters for c in group}
    tap.check(f"{name}: the man page's synopsis has the short options",
              differences(page, letters, source,
                          {s for s, _, _ in by_source - ALWAYS - VERSION if s}))


def completed(script, name, *words):
    """What bash completes the last of the words behind the program's name to."""
    line = " ".join(f'"{w}"' for w in (name, *words))
    run = f'source {ROOT}/{script}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _{name}; ' \
          'echo "${COMPREPLY[@]}"'
    return set(subprocess.run(("bash", "-c", run), check=True, capture_output=True,
                              encoding="utf-8").stdout.split())


def zsh_completed(script, line):
    """What a real zsh completes the line to."""
    out = subprocess.run(("zsh", "-f", f"{ROOT}/tests/lint/complete.zsh",
                          os.path.dirname(f"{ROOT}/{script}"), line), check=True,
                         stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
                         timeout=60).stdout
    return {word.rstrip("=") for word in out.split()}


def check_zsh(tap, what, script, line, source, expected):
    if not shutil.which("zsh"):
        tap.skip(f"{what} (zsh)", "zsh is not installed (Debian: zsh)")
    else:
        tap.check(f"{what} (zsh)",
                  differences(script, zsh_completed(script, line), source, expected))


def check_completion(tap, name, directory, source):
    options = {f"--{long}" for _, long, _ in of_source(source)}
    script = f"{directory}/{name}.bash"
    tap.check(f"{name}: bash completes the options of the source",
              differences(script, completed(script, name, "--"), source, options))
    check_zsh(tap, f"{name}: the options of the source are completed", f"{directory}/_{name}",
              f"{name} --", source, options)


def verbs():
    """The commands: name, and the file that has it, in a folder of its own if it needs several."""
    room = "client/thrusterctl"
    listed = re.search(r"verbs\[\] = \{(.*?)\n\};", text(f"{room}/main.c"), re.S).group(1)
    return {name: f"{room}/{name}/{name}.c" if os.path.isdir(os.path.join(ROOT, room, name))
            else f"{room}/{name}.c" for name in re.findall(r"&verb_(\w+)", listed)}


def check_commands(tap, program):
    out, common = of_help(program)
    by_source = set(verbs())
    by_help = re.search(r"^Commands:\n(.*?)\n\n", out, re.S | re.M)
    by_help = set(re.findall(r"^  (\w+) ", by_help.group(1), re.M)) if by_help else set()
    page = section("docs/man/thrusterctl.1.rst", "COMMANDS")
    by_page = set(re.findall(r"^\*\*(\w+)\*\*$", page, re.M))
    script = "client/thrusterctl/thrusterctl.bash"
    tap.check("thrusterctl: the source has commands", len(by_source) >= 4)
    tap.check("thrusterctl: --help lists the commands of the source",
              differences("--help", by_help, "the source", by_source))
    tap.check("thrusterctl: no command's summary is too long for a line",
              [line for line in out.splitlines() if re.match(r"\w+$", line)])
    tap.check("thrusterctl: the man page lists the commands of the source",
              differences("the man page", by_page, "the source", by_source))
    tap.check("thrusterctl: bash completes the commands of the source",
              differences("the completion", completed(script, "thrusterctl", ""),
                          "the source", by_source))
    zsh_script = "client/thrusterctl/_thrusterctl"
    check_zsh(tap, "thrusterctl: the commands of the source are completed", zsh_script,
              "thrusterctl ", "the source", by_source)
    summaries = dict(re.findall(r"^  (\w+) +(.*)$", out, re.M))
    tap.check("thrusterctl: zsh describes the commands as --help does",
              differences(zsh_script, re.findall(r"^\t\t'(\w+:.*)'$", text(zsh_script), re.M),
                          "--help", [f"{name}:{summaries.get(name)}" for name in by_source]))
    for name, path in verbs().items():
        own = of_source(path) - ALWAYS
        _, by_help = of_help(program, name)
        told = re.search(rf"^\*\*{name}\*\*\n(.*?)(?=^\*\*|\Z)", page, re.S | re.M)
        told = read_options(l for l in (told.group(1) if told else "").splitlines()
                            if re.match(r"    -", l))
        tap.check(f"thrusterctl {name}: --help lists the options of the source",
                  differences("--help", show(by_help - common), path, show(own)))
        tap.check(f"thrusterctl {name}: the man page lists the options of the source",
                  differences("the man page", show(told), path, show(own)))
        tap.check(f"thrusterctl {name}: bash completes the options of the source",
                  differences(script, completed(script, "thrusterctl", name, "--"), path,
                              {f"--{long}" for _, long, _ in own | common}))
        check_zsh(tap, f"thrusterctl {name}: the options of the source are completed", zsh_script,
                  f"thrusterctl {name} --", path, {f"--{long}" for _, long, _ in own | common})


def main():
    tap = Tap()
    check_program(tap, "thrusterd", sys.argv[1], "daemon/main.c", "docs/man/thrusterd.8.rst")
    check_program(tap, "thrusterctl", sys.argv[2], "client/thrusterctl/main.c",
                  "docs/man/thrusterctl.1.rst")
    if len(sys.argv) > 3:
        check_program(tap, "thruster-probes", sys.argv[3], "client/thruster-probes/main.c",
                      "docs/man/thruster-probes.8.rst")
    else:
        tap.skip("thruster-probes: --help lists the options of the source",
                 "this build has no thruster-probes")
    check_completion(tap, "thrusterd", "daemon", "daemon/main.c")
    check_completion(tap, "thruster-probes", "client/thruster-probes",
                     "client/thruster-probes/main.c")
    check_completion(tap, "thrusterctl", "client/thrusterctl", "client/thrusterctl/main.c")
    check_commands(tap, sys.argv[2])
    tap.done()


main()
