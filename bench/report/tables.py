# SPDX-License-Identifier: MIT
"""Markdown's tables, and names in them."""

import re


def table(head, rows):
    """Columns whose head begins with > are figures."""
    if not rows:
        return ""
    lines = ["| " + " | ".join(h.lstrip(">") for h in head) + " |",
             "| " + " | ".join("--:" if h.startswith(">") else "---" for h in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def code(name):
    return "`" + re.sub(r"[`|\n]", "?", name) + "`"


def short_list(names, all_names):
    """The names in code; where all that begin alike are among them, only how they begin."""
    told, found = set(), []
    for name in names:
        parts = name.split("-")
        starts = ["-".join(parts[:i]) + "-" for i in range(1, len(parts))]
        start = next((s for s in starts if is_whole(s, names, all_names)), None)
        words = start + "*" if start else name
        if words not in told:
            told.add(words)
            found.append(code(words))
    return ", ".join(found)


def is_whole(start, names, all_names):
    alike = [n for n in all_names if n.startswith(start)]
    return len(alike) > 1 and set(alike) <= set(names)
