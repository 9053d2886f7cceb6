# SPDX-License-Identifier: MIT
"""Every link from one page to another, or to a heading, leads somewhere."""

import os
import re

from tap import ROOT, Tap, files, text


def prose(path):
    """A page without its code, where brackets mean something else."""
    kept = re.sub(r"^```.*?^```", "", text(path), flags=re.S | re.M)
    kept = re.sub(r"^    .*$", "", kept, flags=re.M)
    return re.sub(r"`[^`\n]*`", "", kept)


def anchors(path):
    """Headings as GitHub and GitLab turn them into anchors."""
    found = set()
    for heading in re.findall(r"^#+ +(.*?) *$", text(path), re.M):
        heading = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(heading.replace(" ", "-"))
    return found


def faults_of(path):
    faults = []
    for target in re.findall(r"\]\(\s*<?([^)\s>]+)", prose(path)) + \
            re.findall(r"^\[[^\]]+\]:\s*(\S+)", prose(path), re.M):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        to = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        if to.startswith("..") or not os.path.exists(os.path.join(ROOT, to)):
            faults.append(f"{path}: {target}: no such file")
        elif anchor and to.endswith(".md") and anchor not in anchors(to):
            faults.append(f"{path}: {target}: no such heading")
    return faults


def main():
    tap = Tap()
    pages = files(".md")
    tap.check("there are pages", len(pages) >= 4)
    for path in pages:
        tap.check(f"{path}: its links lead somewhere", faults_of(path))
    tap.done()


main()
