#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Make a page for a browser of what ./bench/run measured."""

import argparse
import sys

sys.dont_write_bytecode = True

from report import page, result, whole  # noqa: E402 (after the line above)


def main():
    parser = argparse.ArgumentParser(prog="report.py", description=__doc__)
    parser.add_argument("result", metavar="RESULT", help="the result.json of a run")
    parser.add_argument("-o", "--output", default="report.html", metavar="FILE",
                        help="the page (default: report.html); - is standard output")
    args = parser.parse_args()
    try:
        whole.write(args.output, page.page(result.load(args.result)))
    except (result.Unreadable, OSError) as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
