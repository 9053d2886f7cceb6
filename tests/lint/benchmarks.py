# SPDX-License-Identifier: MIT
"""
docs/benchmarks.md is of the workloads that there are, and what people wrote about them too. Figures
are not compared: they are the run's. Argument: thruster-bench.
"""

import fnmatch
import os
import re
import subprocess
import sys

from tap import ROOT, Tap, text

sys.path.insert(1, os.path.join(ROOT, "bench"))

from report import reasons, standing  # noqa: E402 (found by the line above)

DOCUMENT = "docs/benchmarks.md"
REASONS = "bench/reasons.toml"
TRIED = "bench/tried.md"
SECTIONS = ("How to repeat it", "The goals", "Where we are first", "Where we are not first",
            "How each was configured", "What was absent", "What disturbed the run")
NAMES = {"kind", "best", "ns", "best_ns", "ratio", "gap"}


def kinds(program):
    """The first word of each line; None if the program cannot tell."""
    run = subprocess.run((program, "--list-kinds"), capture_output=True, encoding="utf-8")
    if run.returncode != 0:
        return None
    return [line.split()[0] for line in run.stdout.splitlines() if line.strip()]


def figures(source):
    """The kinds whose figures a text names in braces, and whatever else is in braces."""
    named, unknown = [], []
    for inside in reasons.BRACES.findall(source):
        for name in re.split(r" [:-] ", inside):
            kind, slash, _ = name.strip().partition("/")
            if slash:
                named.append(kind)
            elif name.strip() not in NAMES:
                unknown.append(inside)
    return named, unknown


def check_written(tap, known):
    try:
        written = reasons.load(os.path.join(ROOT, REASONS))
    except reasons.Fault as fault:
        tap.check(f"{REASONS} can be read", [str(fault)])
        return
    tap.check(f"{REASONS} can be read", True)
    sources = [t for r in written for t in r.texts()]
    sources.append(re.sub(r"<!--.*?-->", "", text(TRIED), flags=re.S))
    tap.check("in braces are names of figures",
              [f"{{{name}}}" for s in sources for name in figures(s)[1]])
    what = "reasons and figures are of kinds that there are"
    if known is None:
        tap.skip(what, "this thruster-bench has no --list-kinds")
        return
    faults = [f"{r.place}: {p} matches no kind" for r in written for p in r.kinds
              if not fnmatch.filter(known, p)]
    faults += [f"{kind}: standing.py: no such kind" for pair in standing.ON_ONE.items()
               for kind in pair if kind not in known]
    tap.check(what, faults + [f"{{{kind}/...}}: no such kind" for s in sources
                              for kind in figures(s)[0] if kind not in (*known, "limit")])


def check_document(tap, known):
    what = f"{DOCUMENT} has every kind"
    if not os.path.exists(os.path.join(ROOT, DOCUMENT)):
        tap.skip(what, f"there is no {DOCUMENT} yet")
        return
    page = text(DOCUMENT)
    tap.check(f"{DOCUMENT} says how it was made",
              "Generated: not to be edited. Made by `bench/verdict.py" in page[:200])
    tap.check(f"{DOCUMENT} is not of a quick run", "**This was a quick run." not in page)
    tap.check(f"{DOCUMENT} has its sections", [f"{s} is missing" for s in SECTIONS
                                               if f"\n## {s}\n" not in page])
    tap.check(f"{DOCUMENT} has no names of figures left in braces",
              [f"{{{name}}}" for name in reasons.BRACES.findall(page)
               if name in NAMES or re.fullmatch(r"[\w-]+/[\w-]+", name)])
    if known is None:
        tap.skip(what, "this thruster-bench has no --list-kinds")
    else:
        tap.check(what, [f"{kind} is missing" for kind in known if f"`{kind}`" not in page])


def main():
    tap = Tap()
    known = kinds(sys.argv[1])
    tap.check("thruster-bench lists kinds, or says that it cannot", known is None or len(known) > 5)
    check_written(tap, known)
    check_document(tap, known)
    tap.done()


main()
