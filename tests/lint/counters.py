# SPDX-License-Identifier: MIT
"""
Every counter of the X-lists in shm/abi.h is told in docs/statistics.md and typed in the schema.
"""

import json
import re

from tap import Tap, differences, text

# X-list: heading in statistics.md, definition in the schema.
LISTS = {
    "THR_CLASS_FIGURES": ("A class", "class"),
    "THR_CORE_COUNTERS": ("A core of a class", "core"),
    "THR_SEAT_COUNTERS": ("A client", "client"),
}


def lists(path, prefix="THR_"):
    """Of each X-list of a header, its rows."""
    code = text(path).replace("\\\n", "\n")
    found = {}
    for name, body in re.findall(rf"#define ({prefix}\w+)\(X\)(.*?)\n\n", code, re.S):
        found[name] = re.findall(r"X\((\w+), (.*?)\)\s*$", body, re.M)
    return found


def section(title):
    m = re.search(rf"^### {title}\n(.*?)(?=^##|\Z)", text("docs/statistics.md"), re.S | re.M)
    return m.group(1) if m else ""


def rows(markdown):
    return set(re.findall(r"^\| `(\w+)`", markdown, re.M))


def main():
    tap = Tap()
    schema = json.loads(text("docs/stats.schema.json"))
    found = lists("shm/abi.h")
    tap.check("the lists of shm/abi.h are those that this test knows",
              differences("shm/abi.h", found, "the test", LISTS))
    for name, (title, definition) in LISTS.items():
        counters = [row[0] for row in found.get(name, [])]
        object_ = schema["$defs"][definition]
        tap.check(f"{name}: the list is not empty", len(counters) > 0)
        tap.check(f"{name}: docs/statistics.md tells each",
                  [f"{c} is missing under {title}" for c in counters
                   if c not in rows(section(title))])
        tap.check(f"{name}: docs/stats.schema.json requires each",
                  [f"{c} is missing in {definition}" for c in counters
                   if c not in object_["properties"] or c not in object_["required"]])
        tap.check(f"{title}: docs/statistics.md and the schema have the same fields",
                  differences("statistics.md", rows(section(title)),
                              "the schema", object_["properties"]))
    figures = [row[0] for row in found.get("THR_CLASS_FIGURES", [])]
    board = schema["$defs"]["class_on_board"]
    tap.check("THR_CLASS_FIGURES: a class on a board has each, all or none, and is told",
              [f"{c} is missing in class_on_board, or under When the daemon does not answer"
               for c in figures
               if c not in board["properties"] or c not in board["then"]["required"] or
               f"`{c}`" not in section("When the daemon does not answer")])
    rules = dict(re.findall(r'X\(\w+, "(\w+)", "(.*?)"\)', text("shm/judge.h")))
    told = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", text("docs/statistics.md"), re.M))
    tap.check("the judge's rules are told as the judge has them",
              [f"{rule}: {must}" for rule, must in rules.items() if told.get(rule) != must] or
              ([] if rules else ["no rules found"]))
    tap.check("the schema has the judge's rules",
              differences("shm/judge.h", rules, "the schema",
                          schema["$defs"]["verdict"]["properties"]["rule"]["enum"]))
    tap.done()


main()
