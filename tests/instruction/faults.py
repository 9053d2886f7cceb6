# SPDX-License-Identifier: MIT
"""Does the harness bite? Build the library with one fault at a time, and have `instructions` find it.

    faults.py INSTRUCTIONS COMPILER...

Each fault is an exact text of the sources, white space aside, that must be there once, and what is
put in its place. A source that has changed so far that the text is not there fails the test: then the
fault has to be written anew.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lint"))

from tap import Tap  # noqa: E402 (found by the line above)

SECTIONS = "shm/section-x86_64.h"
FLAGS = ("-shared", "-fPIC", "-O2", "-g", "-std=gnu11", "-D_GNU_SOURCE", "-fvisibility=hidden",
         '-DTHRUSTER_VERSION="fault"', "-I.", "-Iclient/include",
         "-Wl,-soname,libthruster-client.so.0", "-Wl,--version-script=client/libthruster-client.map")


class Fault:
    def __init__(self, name, only, kinds, *changes):
        self.name = name
        self.only = only        # scenarios
        self.kinds = kinds      # of verdict.h: what it may be found by
        self.changes = changes  # (file, text, what is put in its place)


FAULTS = [
    Fault("a rent leases the slot before it leaves the mask", "rent, the first time", "lost|rule mask",
          (SECTIONS, r'''"andq %[t], %[record]\n\t"
                         "movq %[record], (%[at])\n\t" /* the slot leaves the mask */''',
           r'''"andq %[record], %[t]\n\t"'''),
          (SECTIONS, r'''"movq %[record], %c[records](%[at], %[bit], 8)" /* commit */''',
           r'''"movq %[record], %c[records](%[at], %[bit], 8)\n\t"
               "movq %[t], (%[at])"''')),
    Fault("a return makes the slot takeable before it is free", "return a large one", "second owner|rule mask",
          (SECTIONS, r'''"movq %[value], %c[records](%[segment], %[slot], 8)\n\t" /* it has ended */''',
           ""),
          (SECTIONS, r'''"btsq %[slot], %[t]\n\t" "movq %[t], (%[segment])" /* commit */''',
           r'''"btsq %[slot], %[t]\n\t" "movq %[t], (%[segment])\n\t"
               "movq %[value], %c[records](%[segment], %[slot], 8)"''')),
    Fault("a walk ignores what runs cover", "runs until", "second owner|rule mask|rule overlap",
          ("shm/segment.c", "return runs ? cover_of(record, slots).takeable : takeable;",
           "return runs ? takeable : takeable;")),
    Fault("a segment is adopted without a compare-and-swap", "rent, the first time",
          "rule current|rule mask|second owner|rule unheld",
          ("shm/segment.c", "return cas_holder(&segment->holder, seen, holder_next(seen, who));",
           "return store_release(&segment->holder, holder_next(seen, who)), true;")),
    Fault("an open claim without a compare-and-swap", "rent from an open class", "second owner",
          ("shm/transition.c", "if (!cas_acquire(word, record, leased)) {",
           "if (store_release(word, leased), false) {")),
]


def change(directory, file, old, new):
    path = os.path.join(directory, file)
    with open(path, encoding="utf-8") as source:
        text = source.read()
    pattern = r"\s+".join(re.escape(word) for word in old.split())
    found = re.findall(pattern, text)
    if len(found) != 1:
        return [f"{file}: {len(found)} times, not once: {' '.join(old.split())}"]
    with open(path, "w", encoding="utf-8") as target:
        target.write(re.sub(pattern, lambda _: new, text))
    return []


def build(fault, directory, compiler):
    """The library's path, and what went wrong."""
    for floor in ("shm", "client"):
        shutil.copytree(os.path.join(ROOT, floor), os.path.join(directory, floor))
    wrong = [line for one in fault.changes for line in change(directory, *one)]
    library = os.path.join(directory, "libthruster-client.so.0")
    if wrong:
        return library, wrong
    sources = sorted(glob.glob("shm/*.c", root_dir=directory) +
                     glob.glob("client/*.c", root_dir=directory))
    r = subprocess.run((*compiler, *FLAGS, "-o", library, *sources), cwd=directory,
                       capture_output=True, encoding="utf-8", check=False)
    return library, [] if r.returncode == 0 else r.stderr.splitlines()


def is_found(fault, library, program):
    """(faults of the test, how the harness found it)."""
    env = dict(os.environ, LD_PRELOAD=library)
    r = subprocess.run((program, "--first", "--only", fault.only), env=env, capture_output=True,
                       encoding="utf-8", check=False)
    if r.stdout.startswith("1..0 # SKIP"):
        return None, r.stdout.strip()
    match = re.search(rf"^# (\w.*: (?:{fault.kinds}): .*)$", r.stdout, re.MULTILINE)
    if r.returncode != 0 and match:
        return [], match[1]
    return [f"status {r.returncode}, looked for: {fault.kinds}"] + r.stdout.splitlines()[-8:] + \
        r.stderr.splitlines()[-8:], ""


def main():
    program, compiler, tap = sys.argv[1], sys.argv[2:], Tap()
    for fault in FAULTS:
        with tempfile.TemporaryDirectory(prefix="thruster-fault-") as directory:
            library, wrong = build(fault, directory, compiler)
            how = ""
            if not wrong:
                wrong, how = is_found(fault, library, program)
        if wrong is None:
            tap.skip(fault.name, how)
            continue
        tap.check(f"found: {fault.name}", wrong)
        if how:
            print(f"#   {how}", flush=True)
    tap.done()


main()
