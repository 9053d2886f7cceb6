#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write docs/benchmarks.md from what ./bench/run measured and from what people wrote about it."""

import argparse
import os
import shlex
import sys

sys.dont_write_bytecode = True

from report import document, reasons, result, standing, whole  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
RESULT = os.path.join(ROOT, "build-bench", "results", "result.json")
DOCUMENT = os.path.join(ROOT, "docs", "benchmarks.md")


def arguments():
    parser = argparse.ArgumentParser(prog="bench/verdict.py", description=__doc__)
    parser.add_argument("result", metavar="RESULT", nargs="?", default=RESULT,
                        help="the result.json of a run (default: that of the last ./bench/run)")
    parser.add_argument("-o", "--output", default=DOCUMENT, metavar="FILE",
                        help="the document (default: docs/benchmarks.md); - is standard output")
    parser.add_argument("--reasons", default=os.path.join(HERE, "reasons.toml"), metavar="FILE",
                        help="why we are not first (default: bench/reasons.toml)")
    parser.add_argument("--tried", default=os.path.join(HERE, "tried.md"), metavar="FILE",
                        help="what was tried (default: bench/tried.md)")
    return parser.parse_args()


def command(args):
    """As it would be typed in the root of the tree."""
    words = ["bench/verdict.py"]
    if os.path.abspath(args.result) != RESULT:
        words.append(os.path.basename(args.result))
    return shlex.join(words)


def tell_unused(found, written):
    behind = [s for s in standing.standings(found) if s.state == standing.BEHIND]
    used = {id(reasons.find(written, s)) for s in behind}
    for reason in written:
        if id(reason) not in used:
            print(f"verdict.py: {reason.place}, for {', '.join(reason.kinds)}, is not needed by this "
                  "run", file=sys.stderr)


def main():
    args = arguments()
    try:
        found = result.load(args.result)
        written = reasons.load(args.reasons)
        with open(args.tried, encoding="utf-8") as file:
            source = file.read()
        words, silent = document.document(found, written, source, command(args))
        whole.write(args.output, words)
    except (result.Unreadable, reasons.Fault, OSError) as error:
        print(f"verdict.py: {error}", file=sys.stderr)
        return 1
    tell_unused(found, written)
    if silent:
        print(f"verdict.py: {silent} kinds have {document.NO_REASON}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
