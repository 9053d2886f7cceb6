# SPDX-License-Identifier: MIT
"""
The numbers of docs/abi.md are those of the code. Argument: the program that prints the worked
example's rows.
"""

import re
import subprocess
import sys

from tap import Tap, text


def offsets_in_header():
    """The offsets that shm/abi.h asserts, as (struct, field, offset)."""
    return re.findall(r"__builtin_offsetof\(struct (\w+), (\w+)\) == (\d+)", text("shm/abi.h"))


def table_after(page, struct):
    m = re.search(rf"`struct {struct}`(.*?)(?=`struct |^## |\Z)", page, re.S | re.M)
    return m.group(1) if m else ""


def main():
    tap = Tap()
    page = text("docs/abi.md")
    printed = subprocess.run(sys.argv[1:2], check=True, stdout=subprocess.PIPE,
                             encoding="utf-8").stdout
    example, _, rest = printed.partition("---\n")
    tap.check("the example has rows", example.count("\n") >= 17)
    tap.check("docs/abi.md has the example's numbers",
              [row for row in example.splitlines() if row + "\n" not in page])
    tap.check("docs/abi.md has the sizes and offsets of the structs",
              [f"{what} {value}" for what, value in
               (line.rsplit(" ", 1) for line in rest.splitlines())
               if not re.search(what.replace("VALUE", value), page)])
    asserted = offsets_in_header()
    tap.check("docs/abi.md has the offsets that shm/abi.h asserts",
              [f"{struct}.{field} at {offset}" for struct, field, offset in asserted
               if not re.search(rf"^\| {offset} \|[^|]*\| `{field}` \|",
                                table_after(page, struct), re.M)]
              or ([] if asserted else ["none found"]))
    magics = re.findall(r"MAGIC (0x[0-9a-f]+)ull", text("shm/abi.h"))
    tap.check("docs/abi.md has the magic numbers",
              [m for m in magics if m not in page] or ([] if magics else ["none found"]))
    tap.done()


main()
