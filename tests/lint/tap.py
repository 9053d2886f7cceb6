# SPDX-License-Identifier: MIT
"""One line of TAP for each check, and what is wrong below it; and the files of the tree."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Tap:
    """Prints as it goes; done() prints the plan and ends the program."""

    def __init__(self):
        self.count = 0
        self.failed = False

    def check(self, what, faults):
        """ok if there are no faults. `faults` is a list of lines, or a bool that says ok."""
        if isinstance(faults, bool):
            faults = [] if faults else ["no"]
        faults = list(faults)
        self.count += 1
        print(f"{'not ok' if faults else 'ok'} {self.count} - {what}")
        for fault in faults:
            print(f"# {fault}")
        self.failed = self.failed or bool(faults)

    def skip(self, what, reason):
        self.count += 1
        print(f"ok {self.count} - {what} # SKIP {reason}")

    def done(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)


def is_build_directory(path):
    return os.path.exists(os.path.join(path, "meson-private")) or \
        os.path.basename(path) in (".git", "__pycache__")


def files(*ends, under=""):
    """All files of the tree with one of these endings, by their paths from the root."""
    found = []
    for directory, names, leaves in os.walk(os.path.join(ROOT, under)):
        names[:] = [n for n in names if not is_build_directory(os.path.join(directory, n))]
        for leaf in leaves:
            if leaf.endswith(ends or ("",)):
                found.append(os.path.relpath(os.path.join(directory, leaf), ROOT))
    return sorted(found)


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def differences(here, a, there, b):
    """What is in one of two collections only, in words."""
    a, b = set(a), set(b)
    return [f"{x}: in {here}, not in {there}" for x in sorted(a - b, key=str)] + \
        [f"{x}: in {there}, not in {here}" for x in sorted(b - a, key=str)]
