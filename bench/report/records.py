# SPDX-License-Identifier: MIT
"""docs/benchmarks.md, of what is no workload: deaths, memory, growth, the machine's limits."""

from report.alone import points_of
from report.plots import short
from report.result import Figure, number, rows, text
from report.tables import code, table
from report.words import grouped, markdown, quantity, size, time


def spread(figure, unit):
    return f"{quantity(figure.median, unit)} ({quantity(figure.low, unit)} to " \
           f"{quantity(figure.high, unit)})"


def whole(value):
    value = number(value)
    return "–" if value is None else grouped(int(value))


def deaths(result):
    reclaims, kills = [], []
    for row in rows(result.deaths, "reclaim"):
        figure = Figure(row, "ms")
        kills_n = whole(row.get("n"))
        reclaims.append([whole(row.get("held")), kills_n, spread(figure, "ms")
                         if figure.median is not None else markdown(figure.absent)])
    for row in rows(result.deaths, "kills"):
        name = code(text(row.get("engine")))
        if "absent" in row:
            kills.append([name, "–", "–", "–", "not measured: " + markdown(text(row["absent"]))])
            continue
        wanted = number(row.get("wanted")) or 0
        done = whole(row.get("kills"))
        if wanted > (number(row.get("kills")) or 0):
            done += f" of {whole(wanted)}"
        outcome = markdown(text(row.get("outcome")))
        kills.append([name, done, whole(row.get("leaked")), whole(row.get("slots")),
                      "**stuck**: " + outcome if row.get("stuck") else outcome])
    if not reclaims and not kills:
        return ""
    words = "## What only we do: deaths\n"
    if kills:
        words += "\nProcesses killed with SIGKILL while they rent and return, and how much of the " \
                 "pool that lost:\n\n" + \
            table(["engine", ">kills", ">lost", ">slots", "outcome"], kills)
    if reclaims:
        words += "\nFrom SIGKILL until all that the dead held can be rented again; median, and 10th " \
                 "to 90th percentile:\n\n" + table([">held", ">kills", ">time"], reclaims)
    return words


def stay(result):
    come = []
    for row in rows(result.deaths, "attach"):
        name = code(text(row.get("engine")))
        if "absent" in row:
            come.append([name, markdown(text(row["absent"])), ""])
            continue
        cells = []
        for key in ("attach_us", "detach_us"):
            figure = Figure(row[key], "") if isinstance(row.get(key), dict) else None
            cells.append(spread(figure, "us") if figure and figure.median is not None else "–")
        come.append([name, *cells])
    memory = [[markdown(text(r.get("what"))), code(text(r.get("engine"))),
               size(number(r.get("bytes")))] for r in rows(result.deaths, "memory")]
    words = "## To come, to go, and what it takes\n" if come or memory else ""
    if come:
        words += "\n" + table(["engine", ">attach", ">detach"], come)
    if memory:
        words += "\nMemory beside the buffers themselves:\n\n" + \
            table(["what", "engine", ">bytes"], memory)
    return words


def growth(result):
    found = [curve_table(curve) for curve in rows(result.growth, "curves")]
    return "## Cost as work grows\n\nMedian, and 10th to 90th percentile.\n" + "".join(found) \
        if found else ""


def curve_table(curve):
    unit = text(curve.get("y"))
    series = [(text(s.get("name")), *points_of(s)) for s in rows(curve, "series")]
    xs = sorted({x for _, points, gaps in series for x in
                 [x for x, _ in points] + [x for x, _ in gaps if number(x) is not None]})
    body = []
    for x in xs:
        cells = []
        for _, points, gaps in series:
            figure, reason = dict(points).get(x), dict(gaps).get(x)
            cells.append(spread(figure, unit) if figure else markdown(reason or "–"))
        body.append([grouped(x) if isinstance(x, int) else short(x), *cells])
    design = text(curve.get("design"))
    return f"\n### {markdown(text(curve.get('what')) or text(curve.get('name')))}\n\n" + \
        (f"By design: {markdown(design)}.\n\n" if design else "") + \
        (table([">" + markdown(text(curve.get("x"))), *(">" + markdown(n) for n, _, _ in series)],
               body) or "Nothing was measured.\n")


def limits(result):
    body = [[code(name), markdown(text(f.row.get("what"))),
             time(f.median) if f.median is not None else markdown(f.absent)]
            for name, f in result.limits.items()]
    return "## What this machine can do at all\n\n" + table(["", "what", ">time"], body) \
        if body else ""
