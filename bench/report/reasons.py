# SPDX-License-Identifier: MIT
"""
What people wrote about the kinds of workload in which we are not first. The figures in it are the
run's: a text names them in braces, and typing them by hand is refused.
"""

import fnmatch
import re
import tomllib

from report.standing import ratio
from report.words import NARROW, time, times

FIELDS = {"kinds", "engine", "why", "needs", "tried"}
TYPED = re.compile(r"\d[\d.]*\s*(?:ns|us|µs|ms)\b|\d[\d.]*\s*times\b", re.I)
BRACES = re.compile(r"\{([^{}]*)\}")


class Fault(Exception):
    """The file is not as it should be; the message says where."""


class Reason:
    def __init__(self, row, place):
        if not isinstance(row, dict):
            raise Fault(f"{place} is no table")
        unknown = set(row) - FIELDS
        if unknown:
            raise Fault(f"{place} has {', '.join(sorted(unknown))}, which means nothing")
        self.place = place
        self.kinds = patterns(row.get("kinds"), f"{place}: kinds")
        self.engines = patterns(row.get("engine", "*"), f"{place}: engine")
        self.why = words(row, "why", place)
        self.needs = words(row, "needs", place)
        self.tried = words(row, "tried", place)
        if not self.why:
            raise Fault(f"{place} has no why")

    def is_for(self, kind, engine):
        return any(fnmatch.fnmatchcase(kind, p) for p in self.kinds) and \
            any(fnmatch.fnmatchcase(engine, p) for p in self.engines)

    def texts(self):
        return [t for t in (self.why, self.needs, self.tried) if t]


def patterns(value, place):
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found or \
            not all(isinstance(p, str) and p for p in found):
        raise Fault(f"{place}: a name, a pattern, or a list of them is wanted")
    return found


def words(row, field, place):
    value = row.get(field, "")
    if not isinstance(value, str):
        raise Fault(f"{place}: {field} is no text")
    value = " ".join(value.split())
    typed = TYPED.search(value)
    if typed:
        raise Fault(f"{place}: {field} has a figure typed by hand, {typed.group()}")
    return value


def parse(source):
    try:
        document = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise Fault(str(error)) from error
    rows = document.pop("reason", [])
    if document or not isinstance(rows, list):
        raise Fault("only [[reason]] is known")
    return [Reason(row, f"reason {i}") for i, row in enumerate(rows, 1)]


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read())
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(str(error)) from error
    except Fault as fault:
        raise Fault(f"{path}: {fault}") from None


def find(reasons, standing):
    """The first that is for this kind and the best of the others there, or None."""
    return next((r for r in reasons if r.is_for(standing.kind.name, standing.best.name)), None)


def workload(result, name):
    kind, _, engine = name.partition("/")
    known = engine in result.limits if kind == "limit" else \
        kind in result.kinds and engine in result.engines
    if not known:
        raise Fault(f"{{{name}}}: there is no such workload")
    return result.median(name)


def figure(result, name, standing):
    """What stands for the name in braces."""
    if standing:
        known = {"kind": standing.kind.name, "best": standing.best.name, "ns": time(standing.ours),
                 "best_ns": time(standing.best_ns), "ratio": times(standing.ratio),
                 "gap": time(standing.ours - standing.best_ns)}
        if name in known:
            return known[name]
    for mark, join in ((" : ", lambda a, b: times(ratio(a, b))),
                       (" - ", lambda a, b: time(a - b))):
        if mark in name:
            a, b = (workload(result, part.strip()) for part in name.split(mark, 1))
            return "(not measured)" if a is None or b is None else join(a, b)
    value = workload(result, name)
    return "(not measured)" if value is None else time(value)


def fill(result, source, standing=None):
    """The text with the run's figures. Braces around what is no name of a figure are a fault."""
    return BRACES.sub(lambda m: figure(result, m[1].strip(), standing).replace(NARROW, " "), source)
