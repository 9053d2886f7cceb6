# SPDX-License-Identifier: MIT
"""
What is made of a run: the page, whole HTML in which no word of a result becomes more than a word,
light and dark, wide and narrow; and the document. Of made-up results with every shape there may be.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

from markup import Reader, policy_faults, requests
from material import HOSTILE, KINDS, material, variants

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "lint"), os.path.join(HERE, "..", "export")]

import browser  # noqa: E402 (found by the line above)
from tap import ROOT, Tap  # noqa: E402

LIGHT, DARK = {"page": (244, 246, 248), "us": (21, 86, 214)}, \
    {"page": (14, 19, 24), "us": (102, 160, 255)}
REASONS = '''
[[reason]]
kinds = "pipe-*"
engine = "queue"
why = """The {best} does less: {best_ns}, not {ns},
 which is {ratio} times; a lock add is {limit/lock-add}."""
needs = "About {gap}, {nested-1/pool : nested-1/queue}, {serial/pool - nested-1/pool}, {limit/rseq}."
tried = "Nothing."
'''
TRIED = "<!-- only for those who read the source -->\n### First\n\nIt took {serial/pool}.\n"


class Tools:
    """The programs, as one would run them, in a directory that is thrown away."""

    def __init__(self, directory):
        self.directory = directory

    def save(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def run(self, program, *arguments):
        return subprocess.run(("/usr/bin/python3", os.path.join(ROOT, "bench", program), *arguments),
                              capture_output=True, encoding="utf-8")

    def page(self, document):
        return self.run("report.py", self.save("result.json", document), "-o", "-")

    def document(self, document, reasons=REASONS, tried=TRIED):
        return self.run("verdict.py", self.save("result.json", document), "-o", "-", "--reasons",
                        self.save("reasons.toml", reasons), "--tried", self.save("tried.md", tried))


def unspaced(text):
    return text.replace("\u202f", " ")


def check_page(tap, tools):
    run = tools.page(material())
    reader = Reader(unspaced(run.stdout))
    tap.check("a page on standard output, without a complaint",
              (run.returncode, run.stderr) == (0, ""))
    tap.check("only our elements, all closed", reader.faults)
    tap.check("nothing is asked for", requests(run.stdout))
    tap.check("its policy allows its own style and nothing else", policy_faults(run.stdout))
    words = re.sub(r"\s+", " ", HOSTILE.replace("\x1b", "\ufffd"))
    tap.check("hostile words are words",
              sum(n for text, n in reader.texts.items() if words in text) >= 12)
    tap.check("control characters are gone", "\x1b" not in run.stdout)
    tap.check("what there is to see", reader.missing([
        "2 of 3", "1 of 3", "6.20 ns", "a lock-prefixed add: 5 ns", "10 000 kills", "1.51×",
        "1.29×", "tied", "All cores at once", "a group of tomorrow",
        "more in the ring than there are slots", "stuck", "leaks", "whole",
        "37 kills of 2000 wanted", "100 000 held", "140 µs", "64 MiB",
        "By design: flat", "too little memory", "other programs used 31.0 % of one core",
        "thruster-deaths: failed: its exit status was 1", "no rseq <here>", "nobody else does it"]))
    found = {kind for kind, _, _ in KINDS} - set(reader.texts)
    tap.check("every kind is there", [f"{kind} is missing" for kind in found])


def check_odd(tap, tools):
    for name, document in variants():
        run = tools.page(document)
        reader = Reader(run.stdout) if run.returncode == 0 else None
        tap.check(f"{name}: the page is whole",
                  reader.faults + requests(run.stdout) if reader else run.stderr.splitlines()[-3:])
        run = tools.document(document, "", "")
        tap.check(f"{name}: the document is whole", run.stderr.splitlines()[-3:]
                  if run.returncode else table_faults(run.stdout))
    run = tools.page(material()["bench"])
    tap.check("thruster-bench's own JSON makes a page, too", run.returncode == 0 and
              Reader(unspaced(run.stdout)).missing(["2 of 3"]) == [])
    for name, content in (("no JSON", "{"), ("no result", {"a": 1}), ("a list", [1]),
                          ("an older version", {"bench": {"version": 1}}),
                          ("an old one", {"workloads": []})):
        run = tools.page(content)
        tap.check(f"{name}: is refused in one line",
                  run.returncode == 1 and run.stderr.count("\n") == 1 and run.stdout == "")


def table_faults(words):
    """Rows with more or fewer columns than the head of their table."""
    faults, columns = [], 0
    for line in words.split("\n"):
        if not line.startswith("|"):
            columns = 0
            continue
        n = len(re.findall(r"(?<!\\)\|", line))
        columns = columns or n
        if n != columns:
            faults.append(f"{n - 1} columns, not {columns - 1}: {line[:60]}")
    return faults


def check_document(tap, tools):
    run = tools.document(material())
    tap.check("a document on standard output, and how many kinds have no reason",
              run.returncode == 0 and
              run.stderr == "verdict.py: 1 kinds have no reason written yet\n")
    tap.check("its tables are tables", table_faults(run.stdout))
    tap.check("it says that it is generated, and by what",
              "not to be edited. Made by `bench/verdict.py" in run.stdout[:200])
    bare = re.sub(r"`[^`\n]*`", "", run.stdout)
    tap.check("hostile words are no markup and no link",
              re.findall(r"<(?!br>)\w*|[^\\]\]\(http|https?:", bare))
    tap.check("every kind is there", [f"{kind} is missing" for kind, _, _ in KINDS
                                      if f"`{kind}`" not in run.stdout])
    tap.check("figures of the run are filled in", [w for w in (
        "The queue does less: 31 ns, not 40 ns, which is 1.29 times; a lock add is 5 ns.",
        "About 9 ns, 0.44, -0.20 ns, (not measured).", "It took 6 ns.", "**missed**", "**met**",
        "In 3 of 6 kinds of workload, and tied, within 2 %, in 1 more.", "| tied |")
        if w not in run.stdout])
    tap.check("comments of the section by hand are left out", "only for those" not in run.stdout)
    for what, reasons, word in (
            ("a figure typed by hand", 'why = "It takes 3 ns."', "3 ns"),
            ("a figure of nothing", 'why = "{nested-1/nobody}"', "nested-1/nobody"),
            ("a field that means nothing", 'why = "a"\nwhat = "b"', "what"),
            ("no why", 'needs = "a"', "no why"), ("no TOML", '"', "")):
        run = tools.document(material(), f'[[reason]]\nkinds = "*"\n{reasons}\n')
        tap.check(f"{what}: is refused in one line", run.returncode == 1 and word in run.stderr and
                  run.stderr.count("\n") == 1)
    run = tools.document(material(), '[[reason]]\nkinds = "serial"\nwhy = "a"\n')
    tap.check("a reason that is not needed is told", "is not needed" in run.stderr)


def check_in_browser(tap, tools):
    missing = browser.missing()
    if missing:
        tap.skip("a browser shows the page", missing)
        return
    eyes = browser.Browser(tools.directory)
    page = tools.page(material()).stdout
    path = tools.save("look.html", page)
    for width, height, is_dark in ((1280, 2400, False), (1280, 2400, True), (420, 2400, False)):
        size, corner, colours = eyes.picture(path, width, height, is_dark)
        wanted = DARK if is_dark else LIGHT
        what = f"{width} pixels wide, {'dark' if is_dark else 'light'}"
        tap.check(f"{what}: a picture of that size", size == (width, height))
        tap.check(f"{what}: it is not blank", len(colours) > 100)
        tap.check(f"{what}: in the colours of the scheme, ours among them",
                  corner == wanted["page"] and colours.get(wanted["us"], 0) > 300)
    # Even where nothing forbids it.
    bare = re.sub(r"<meta http-equiv=[^>]*>", "", page)
    loaded = eyes.text(tools.save("look.html", bare))
    tap.check("a browser reads hostile words as words", "<script" not in loaded and
              loaded.count("&lt;script&gt;alert(1)") > 8 and bare != page)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="thruster-bench-report-") as directory:
        tools = Tools(directory)
        check_page(tap, tools)
        check_odd(tap, tools)
        check_document(tap, tools)
        check_in_browser(tap, tools)
    tap.done()


main()
