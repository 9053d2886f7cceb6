# SPDX-License-Identifier: MIT
"""How the sources look: what can be seen without understanding them."""

import os
import re
import shutil
import subprocess

from tap import ROOT, Tap, files, text

COLUMNS = 100
LINES = 400
SPDX = "/* SPDX-License-Identifier: MIT */"


def lines(paths):
    for path in paths:
        for number, line in enumerate(text(path).split("\n"), 1):
            yield path, number, line


def shell_scripts():
    found = files(".sh")
    for path in files():
        if "." in os.path.basename(path) or not os.path.isfile(os.path.join(ROOT, path)):
            continue
        with open(os.path.join(ROOT, path), "rb") as file:
            if re.match(rb"#!\s*/(usr/)?bin/(env )?(ba|da)?sh\b", file.readline(64)):
                found.append(path)
    return sorted(found)


def main():
    tap = Tap()
    sources = files(".c", ".h")
    tap.check("there are sources", len(sources) > 50)
    tap.check("no line ends with white space",
              [f"{p}:{n}" for p, n, l in lines(sources) if l != l.rstrip()])
    tap.check(f"no line is longer than {COLUMNS} columns",
              [f"{p}:{n}: {len(l.expandtabs(8))}" for p, n, l in lines(sources)
               if len(l.expandtabs(8)) > COLUMNS])
    tap.check("every source begins with its license",
              [p for p in sources if text(p).partition("\n")[0] != SPDX])
    tap.check("every source ends with a newline",
              [p for p in sources if not text(p).endswith("\n") or text(p).endswith("\n\n")])
    tap.check(f"no file of shm, client and daemon has more than {LINES} lines",
              [f"{p}: {text(p).count(chr(10))}" for p in sources
               if re.match(r"(shm|client|daemon)/", p) and text(p).count("\n") > LINES])
    scripts = shell_scripts()
    if not scripts:
        tap.skip("shellcheck finds nothing", "there are no shell scripts")
    elif not shutil.which("shellcheck"):
        tap.skip("shellcheck finds nothing", "shellcheck is not installed")
    else:
        r = subprocess.run(("shellcheck", "-f", "gcc", *scripts), cwd=ROOT, capture_output=True,
                           encoding="utf-8")
        tap.check("shellcheck finds nothing", (r.stdout + r.stderr).splitlines())
    tap.done()


main()
