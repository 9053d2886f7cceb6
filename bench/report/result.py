# SPDX-License-Identifier: MIT
"""
The file of a run, read. Any part of it may be missing, and any figure; what is not there is None or
an empty list, never an error, so that a run of which half failed can still be looked at.
"""

import json
import math

VERSION = 2  # of thruster-bench's part: the one that names its kinds and engines
GROUPS = ("one core", "all cores", "pipes", "sizes", "long leases", "ours only")
FAMILIES = {
    "ours": "Thruster",
    "ancestry": "its ancestors",
    "private": "allocators, memory of one process",
    "shared": "pools in shared memory",
}
PARTS = {"bench": "thruster-bench", "deaths": "thruster-deaths", "growth": "thruster-growth"}


class Unreadable(Exception):
    """The file is not one of a run, or of another version."""


def number(value):
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if math.isfinite(value) else None


def text(value):
    return value if isinstance(value, str) else "" if value is None else str(value)


def part(value, kind=dict):
    return value if isinstance(value, kind) else kind()


def rows(value, key):
    return [row for row in part(part(value).get(key), list) if isinstance(row, dict)]


class Figure:
    """A median and its spread, or why there is none. The unit is in the names of the fields."""

    def __init__(self, row, unit="ns"):
        end = "_" + unit if unit else ""
        self.median = number(row.get("median" + end))
        self.low = number(row.get("p10" + end))
        self.high = number(row.get("p90" + end))
        self.samples = [s for s in map(number, part(row.get("samples" + end), list))
                        if s is not None]
        self.row = row
        self.absent = None
        if self.median is None or self.median < 0:
            self.median, self.absent = None, text(row.get("absent")) or "no figure"
        if self.low is None:
            self.low = self.median
        if self.high is None:
            self.high = self.median


class Engine:
    def __init__(self, row):
        self.name = text(row.get("name"))
        self.what = text(row.get("what"))
        self.family = row.get("family") if row.get("family") in FAMILIES else "shared"
        self.configured = text(row.get("configured"))
        self.keeps = bool(row.get("keeps"))
        self.absent = text(row.get("absent")) or None
        self.is_us = self.name == "pool"
        self.is_rival = self.family != "ours"


class Kind:
    def __init__(self, row):
        self.name = text(row.get("name"))
        self.what = text(row.get("what"))
        self.group = text(row.get("group")) or "other"
        self.crosses = text(row.get("crosses")) or "nothing"
        self.figures = {}  # by the engine's name; some have none

    def median(self, engine):
        figure = self.figures.get(engine)
        return figure.median if figure else None

    def measured(self):
        return {name: f for name, f in self.figures.items() if f.median is not None}


class Result:
    def __init__(self, document):
        if isinstance(document, dict) and "workloads" in document:
            document = {"bench": document}  # of thruster-bench alone
        if not isinstance(document, dict) or not any(p in document for p in PARTS):
            raise Unreadable("not a result of ./bench/run")
        self.document = document
        self.bench = part(document.get("bench"))
        self.deaths = part(document.get("deaths"))
        self.growth = part(document.get("growth"))
        if self.bench and self.bench.get("version") != VERSION:
            raise Unreadable(f"thruster-bench wrote version {text(self.bench.get('version'))} of "
                             f"its JSON, and {VERSION} is wanted")
        self.is_quick = any(p.get("quick") is True
                            for p in (document, self.bench, self.deaths, self.growth))
        self.machine = part(self.bench.get("machine"))
        self.limits = {text(r.get("name")): Figure(r) for r in rows(self.bench, "limits")}
        self.engines = {e.name: e for e in map(Engine, rows(self.bench, "engines"))}
        self.kinds = {k.name: k for k in map(Kind, rows(self.bench, "kinds"))}
        self.read_workloads()

    def read_workloads(self):
        for row in rows(self.bench, "workloads"):
            kind, engine = text(row.get("kind")), text(row.get("engine"))
            if engine not in self.engines:
                self.engines[engine] = Engine({"name": engine, "what": engine})
            if kind not in self.kinds:
                self.kinds[kind] = Kind({"name": kind})
            figure = self.kinds[kind].figures[engine] = Figure(row)
            if figure.median == 0:
                figure.median, figure.absent = None, "it took no time, which cannot be"

    def groups(self):
        """The kinds of each group, groups in their order and kinds in that of the file."""
        names = list(dict.fromkeys(k.group for k in self.kinds.values()))
        names.sort(key=lambda g: GROUPS.index(g) if g in GROUPS else len(GROUPS))
        return {g: [k for k in self.kinds.values() if k.group == g] for g in names}

    def median(self, name):
        """Of a workload, KIND/ENGINE, or of limit/NAME; None if there is none."""
        kind, _, engine = name.partition("/")
        if kind == "limit":
            return self.limits[engine].median if engine in self.limits else None
        return self.kinds[kind].median(engine) if kind in self.kinds else None

    def absent_parts(self):
        told = part(self.document.get("parts"))
        return {name: text(told.get(name)) or "not in the file"
                for name in PARTS if not part(self.document.get(name))}

    def failed_parts(self):
        told = part(self.document.get("parts"))
        return {name: text(told[name]) for name in PARTS
                if part(self.document.get(name)) and text(told.get(name)) not in ("", "ran")}

    def disturbances(self):
        """What the run says against itself, in sentences."""
        found = []
        if self.is_quick:
            found.append("--quick: the figures only show that everything runs")
        for name, why in self.failed_parts().items():
            found.append(f"{PARTS[name]}: {why}")
        notes = [text(note) for note in part(self.machine.get("notes"), list) if note]
        found += notes
        steal = number(self.machine.get("steal_percent"))
        others = number(self.machine.get("others_percent_of_one_core"))
        if steal is not None and steal >= 0.05 and not any("hypervisor" in n for n in notes):
            found.append(f"the hypervisor took {steal:.1f} % of the processors' time (steal)")
        if others is not None and others >= 0.5 and not any("other programs" in n for n in notes):
            found.append(f"other programs used {others:.1f} % of one core")
        retaken = sum(number(f.row.get("retaken_samples")) or 0
                      for k in self.kinds.values() for f in k.measured().values())
        if retaken:
            found.append(f"{retaken:.0f} samples were taken again, because another program had a "
                         "worker's core")
        return found


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return Result(json.load(file))
    except (OSError, ValueError, RecursionError) as error:
        raise Unreadable(f"{path}: {error}") from error
    except Unreadable as error:
        raise Unreadable(f"{path}: {error}") from None
