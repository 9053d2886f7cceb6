# SPDX-License-Identifier: MIT
"""docs/benchmarks.md: the whole of a run in tables, and what people wrote about it."""

import re

from report import reasons as why
from report import records
from report.result import FAMILIES, PARTS, number, text
from report.standing import ABSENT, ALONE, BEHIND, FIRST, TIED, count, flatness, goals, standings
from report.tables import code, short_list, table
from report.words import NARROW, count as counted, markdown, plain, seconds, times

NO_REASON = "no reason written yet"


def opening(result, command):
    machine = result.machine
    cores = machine.get("cores")
    facts = [("machine", machine.get("model")),
             ("cores", ", ".join(map(str, cores)) if isinstance(cores, list) else None),
             ("kernel", machine.get("kernel")), ("C library", machine.get("libc")),
             ("Thruster", result.bench.get("thruster")), ("begun", result.document.get("started")),
             ("took", seconds(number(result.document.get("seconds")))),
             ("samples of each workload", result.bench.get("repetitions"))]
    rows = [[name, markdown(text(value))] for name, value in facts if value not in (None, "")]
    quick = ("**This was a quick run. It shows that everything runs; its figures mean nothing.**\n\n"
             if result.is_quick else "")
    return f"""# Benchmarks

Generated: not to be edited. Made by `{command}`
from a run of `./bench/run` on the machine below. What people wrote of it is in
[bench/reasons.toml](../bench/reasons.toml) and [bench/tried.md](../bench/tried.md).

{quick}{table(["", ""], rows)}
An operation is one rent **and** one return; lower is better. Figures are medians of the samples of
one run, in which all take turns; how it is measured is told in
[bench/README.md](../bench/README.md).
"""


def repeat():
    return """## How to repeat it

On a Debian 12 machine, as root or with sudo, and otherwise idle:

    ./bench/run             # writes result.json and report.html in build-bench/results
    bench/verdict.py        # writes this page

`report.html` shows the same as plots.
"""


def goal_table(result):
    rows = []
    for goal in goals(result):
        misses = goal.worst(code)
        rows.append([markdown(goal.what), f"**{goal.verdict}**",
                     markdown(goal.found) + (f": {misses}" if misses else "")])
    flat = [[code(k.name), code(one.name), plain(k.median("pool")), plain(one.median("pool")),
             times(r)] for k, one, r in flatness(result)]
    more = "\nOn all cores, beside the same on one:\n\n" + \
        table(["all cores", "one core", ">ns on all", ">ns on one", ">ratio"], flat) if flat else ""
    return "## The goals\n\n" + table(["goal", "", "found"], rows) + more


def ns(standing, engine):
    """In nanoseconds without the unit: the median, and from the 10th to the 90th percentile."""
    figure = standing.kind.figures.get(engine)
    if figure is None or figure.median is None:
        return "–"
    if figure.low == figure.high:
        return plain(figure.median)
    return f"{plain(figure.median)} ({plain(figure.low)}–{plain(figure.high)})"


def variants(standing):
    return [plain(standing.kind.median(name)) for name in ("portable", "open")]


def comparison(standing, lead):
    """A row of the tables of where we are first and where not."""
    return [code(standing.kind.name), markdown(standing.kind.what),
            markdown(standing.kind.crosses),
            ns(standing, "pool"), markdown(standing.best.name), ns(standing, standing.best.name),
            lead, *variants(standing)]


def comparison_head(lead):
    return ["kind", "what", "crosses", ">ours, ns", "best other", ">its, ns", ">" + lead,
            ">portable", ">open"]


def first(found):
    these = [s for s in found if s.state in (FIRST, TIED)]
    these.sort(key=lambda s: s.ratio)
    compared = sum(s.state in (FIRST, TIED, BEHIND) for s in found)
    rows = [comparison(s, "tied" if s.state == TIED else times(1 / s.ratio)) for s in these]
    tied = count(found, TIED)
    more = f", and tied, within 2 %, in {tied} more" if tied else ""
    return f"""## Where we are first

In {count(found, FIRST)} of {counted(compared, "kind")} of workload{more}.
*Lead* is how many times our time the best of the others takes, whoever that is there; in
parentheses are the 10th and the 90th percentile. Beside it what Thruster costs without rseq
(*portable*) and where each claim is a compare-and-swap (*open*); these count neither as us nor as
others.

""" + table(comparison_head("lead"), rows)


def not_first(result, found, written):
    """The section, and how many kinds have no reason."""
    these = sorted((s for s in found if s.state == BEHIND), key=lambda s: -s.ratio)
    if not these:
        return "## Where we are not first\n\nNowhere.\n", 0
    rows = [comparison(s, times(s.ratio)) for s in these]
    told, silent = {}, []
    for s in these:
        reason = why.find(written, s)
        if reason is None:
            silent.append(s.kind.name)
        else:
            told.setdefault(reason_words(result, reason, s), []).append(s.kind.name)
    words = "".join(f"\n**{', '.join(map(code, names))}**: {words}\n"
                    for words, names in told.items())
    if silent:
        words += f"\n**{', '.join(map(code, silent))}**: {NO_REASON}.\n"
    number_words = (f"For {counted(len(silent), 'kind')} there is {NO_REASON}."
                    if silent else "Each has its reason below.")
    return f"""## Where we are not first

In {counted(len(these), "kind")}. *Ratio* is how many times the best of the others our time is.
{number_words}

""" + table(comparison_head("ratio"), rows) + words, len(silent)


def reason_words(result, reason, standing):
    parts = [reason.why, reason.needs and "*What it would take:* " + reason.needs,
             reason.tried and "*Tried:* " + reason.tried]
    try:
        return " ".join(why.fill(result, part, standing) for part in parts if part)
    except why.Fault as fault:
        raise why.Fault(f"{reason.place}: {fault}") from None


def not_compared(found):
    rows = []
    for s in found:
        if s.state == ALONE:
            rows.append([code(s.kind.name), markdown(s.kind.what), ns(s, "pool"),
                         "no other can do it", *variants(s)])
        elif s.state == ABSENT:
            figure = s.kind.figures.get("pool")
            rows.append([code(s.kind.name), markdown(s.kind.what), "–",
                         markdown(figure.absent if figure else "not in this run"),
                         *variants(s)])
    return "## Not compared\n\n" + table(["kind", "what", ">ours, ns", "why", ">portable",
                                          ">open"], rows) if rows else ""


def targets(result):
    rows = [[markdown(text(r.get("what"))), plain(number(r.get("measured"))),
             plain(number(r.get("at_most"))), markdown(text(r.get("unit"))),
             markdown(text(r.get("verdict")))]
            for r in result.bench.get("targets") or [] if isinstance(r, dict)]
    return "## The benchmark's own targets\n\n" + \
        table(["target", ">measured", ">at most", "unit", ""], rows) if rows else ""


def engines(result):
    rows = [[code(e.name), markdown(e.what), markdown(FAMILIES[e.family]), markdown(e.configured),
             "yes" if e.keeps else "no"] for e in result.engines.values()]
    return "## How each was configured\n\n" + \
        table(["engine", "what it is", "family", "how", "survives kills"], rows) if rows else ""


def absent(result):
    rows = [[PARTS[name], markdown(why_)] for name, why_ in result.absent_parts().items()]
    rows += [[code(e.name), markdown(e.absent)] for e in result.engines.values() if e.absent]
    rows += [[code("limit/" + name), markdown(f.absent)] for name, f in result.limits.items()
             if f.median is None]
    gaps = {}
    for kind in result.kinds.values():
        for name, figure in kind.figures.items():
            if figure.median is None and not result.engines[name].absent:
                gaps.setdefault((name, figure.absent), []).append(kind.name)
    alike = {}
    for (name, why_), kinds in gaps.items():
        alike.setdefault((why_, tuple(kinds)), []).append(name)
    more = [[", ".join(map(code, names)), markdown(why_), kinds_words(result, kinds)]
            for (why_, kinds), names in alike.items()]
    body = table(["", "why"], rows) or "Every part, every engine.\n"
    if more:
        body += "\nAnd what some cannot do:\n\n" + table(["engines", "why", "kinds"], more)
    return "## What was absent\n\n" + body


def kinds_words(result, names):
    return "all" if len(names) == len(result.kinds) else short_list(names, result.kinds)


def disturbed(result):
    found = result.disturbances()
    return "## What disturbed the run\n\n" + \
        ("".join(f"- {markdown(line)}\n" for line in found) or "Nothing that was noticed.\n")


def tried(result, source):
    source = re.sub(r"<!--.*?-->", "", source, flags=re.S).strip()
    if not source:
        return ""
    return "## What was tried\n\n" + why.fill(result, source) + "\n"


def document(result, written, tried_source, command):
    """The text, and in how many kinds we are behind without a reason."""
    found = standings(result)
    behind, silent = not_first(result, found, written)
    parts = [opening(result, command), repeat(), goal_table(result), first(found), behind,
             not_compared(found), records.deaths(result), records.stay(result),
             records.growth(result), records.limits(result), targets(result), engines(result),
             absent(result), disturbed(result), tried(result, tried_source)]
    return "\n".join(p.rstrip("\n") + "\n" for p in parts if p).replace(NARROW, " "), silent
