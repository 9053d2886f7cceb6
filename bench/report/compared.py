# SPDX-License-Identifier: MIT
"""The page's sections on the workloads: at a glance, group by group, engine by engine."""

from report import axis, plots
from report.result import FAMILIES
from report.standing import ABSENT, ALONE, BEHIND, FIRST, TIED, standings
from report.words import count, escape, time, times

CUT = 8  # times the best: a longer bar is cut off
GROUP_WORDS = {
    "one core": "One thread on one core",
    "all cores": "All cores at once",
    "pipes": "From one to another: pipes",
    "sizes": "Many sizes",
    "long leases": "Long leases",
    "ours only": "What only we do",
}


def group_words(name):
    return GROUP_WORDS.get(name, name)


def classes(engine):
    return "us" if engine.is_us else engine.family


def legend(result, kinds):
    """Who is to be seen with these kinds."""
    seen = {name for kind in kinds for name in kind.measured()}
    marks = []
    for family in FAMILIES:
        names = ", ".join(e.name for e in result.engines.values()
                          if e.family == family and e.name in seen)
        if not names:
            continue
        marks.append(f'<span>{swatch(family, "us" if family == "ours" else family)}'
                     f'{escape(FAMILIES[family])} <small>{escape(names)}</small></span>')
    return f'<p class="legend">{"".join(marks)}</p>'


def swatch(family, class_):
    return (f'<svg class="swatch" width="14" height="14" aria-hidden="true"><svg x="7" y="7" '
            f'class="mark"><path class="point {class_}" d="{plots.SHAPES[family]}"/></svg></svg>')


def told(engine, figure):
    return (f"{engine.name}: {time(figure.median)}, from {time(figure.low)} to "
            f"{time(figure.high)}")


def glance(result):
    """One column a kind: how far ahead of the best of the others, or behind."""
    all_ = [s for s in standings(result) if s.ratio]
    if not all_:
        return ""
    groups = []
    for group in result.groups():
        these = [s for s in all_ if s.kind.group == group]
        if these:
            groups.append((group, sorted(these, key=lambda s: s.ratio)))
    columns = [[(1 / s.ratio, s.state, f"{s.kind.name}: {lead_words(s)}") for s in these]
               for _, these in groups]
    names = "".join(f'<li><b>{escape(group_words(g))}</b> {count_words(these)}</li>'
                    for g, these in groups)
    return f"""<section class="card" id="glance"><h2>At a glance</h2>
<p class="note">Each column is a kind of workload. Up: how many times faster we are than the best of
all others that can do it, whoever that is there. Down: slower. The numbers below are the groups';
point at a column for its name.</p>
{plots.leads(columns, "our lead in each kind")}
<p class="legend"><span><i class="first"></i>first</span><span><i class="tied"></i>tied, within
2&#8239;%</span><span><i class="behind"></i>behind</span></p>
<ol class="groups">{names}</ol></section>"""


def lead_words(standing):
    if standing.state == TIED:
        return f"tied with {standing.best.name}"
    if standing.ratio <= 1:
        return f"{times(1 / standing.ratio)} times as fast as {standing.best.name}"
    return f"{times(standing.ratio)} times what {standing.best.name} takes"


def count_words(these):
    n = {state: sum(s.state == state for s in these) for state in (FIRST, TIED, BEHIND)}
    return ", ".join(f"{state} in {n[state]}" for state in n if n[state])


def group_section(result, group, kinds):
    found = {s.kind.name: s for s in standings(result)}
    shown = [k for k in kinds if k.measured()]
    values = [v for k in shown for f in k.measured().values() for v in (f.low, f.high)]
    if not shown:
        return ""
    scale = axis.fit(values)
    body = "".join(strip(result, k, found[k.name], scale) for k in shown)
    cards = "".join(card(result, k) for k in kinds)
    return f"""<section class="card"><h2>{escape(group_words(group))}</h2>
<p class="note">Time of one rent and return; further left is faster{
    ", on a log scale" if scale.is_log else ""}. The line through a mark goes from the 10th to the
90th percentile of the samples.</p>
{legend(result, shown)}<div class="strips"><div class="strip head"><span></span>{
    plots.scale_line(scale, "ns")}<span></span></div>{body}</div>
<details><summary><h3>Engine by engine, and who is not there and why</h3></summary>
<div class="cards">{cards}</div></details></section>"""


def strip(result, kind, standing, scale):
    order = sorted(kind.measured().items(), key=lambda p: -p[1].median)
    order.sort(key=lambda p: (not result.engines[p[0]].is_rival, p[0] == "pool"))
    points = [(f, result.engines[n].family, classes(result.engines[n]) +
               ("" if result.engines[n].is_rival or n == "pool" else " variant"),
               told(result.engines[n], f)) for n, f in order]
    ours = kind.figures.get("pool")
    if standing.state == ABSENT:
        words = f'<span class="soft">not ours: {escape(ours.absent if ours else "no figure")}</span>'
    else:
        words = f"<b>{time(standing.ours)}</b> {pill(standing)}"
    best = (f'<span class="soft">{escape(standing.best.name)} {time(standing.best_ns)}</span>'
            if standing.best else '<span class="soft">nobody else does it</span>')
    return (f'<div class="strip"><div class="name"><b>{escape(kind.name)}</b> '
            f'<span>{escape(kind.what)}</span></div>{plots.track(scale, points)}'
            f'<div class="values"><p>{words}</p><p>{best}</p></div></div>')


def pill(standing):
    words = {FIRST: "first", TIED: "tied", ALONE: "alone",
             BEHIND: times(standing.ratio) + "×"}.get(standing.state, standing.state)
    return f'<em class="pill {standing.state}">{words}</em>'


def card(result, kind):
    measured = sorted(kind.measured().items(), key=lambda p: p[1].median)
    body = "".join(bar_row(result.engines[n], f, measured) for n, f in measured)
    gaps = {}
    for name, figure in kind.figures.items():
        if figure.median is None:
            gaps.setdefault(figure.absent, []).append(name)
    absent = "".join(f"<li><b>{escape(', '.join(names))}</b> {escape(why)}</li>"
                     for why, names in gaps.items())
    absent = f'<ul class="absent">{absent}</ul>' if absent else ""
    return (f'<figure><figcaption><b>{escape(kind.name)}</b> {escape(kind.what)}</figcaption>'
            f'<div class="bars">{body}</div>{absent}</figure>')


def bar_row(engine, figure, measured):
    longest = measured[-1][1].high
    room = min(longest, CUT * measured[0][1].median) or 1
    drawn = plots.bar(figure.median / room, classes(engine) +
                      ("" if engine.is_rival or engine.is_us else " variant"),
                      told(engine, figure), figure.low / room, figure.high / room,
                      figure.median > room * 1.001)
    return (f'<span class="{"us" if engine.is_us else ""}">{escape(engine.name)}</span>{drawn}'
            f'<b>{time(figure.median)}</b>')


def matrix(result):
    """Every figure: kinds down, engines across, shaded by how near it is to the best."""
    engines = [e for e in result.engines.values()
               if any(k.median(e.name) is not None for k in result.kinds.values())]
    if not engines:
        return ""
    head = "".join(f'<th scope="col"><span class="{"us" if e.is_us else ""}">'
                   f'{escape(e.name)}</span></th>' for e in engines)
    body = []
    for group, kinds in result.groups().items():
        body.append(f'<tr class="group"><th scope="colgroup" colspan="{len(engines) + 1}">'
                    f'{escape(group_words(group))}</th></tr>')
        body += [matrix_row(k, engines) for k in kinds]
    return f"""<section class="card"><h2>Every figure</h2>
<p class="note">Medians in nanoseconds. The nearer to the best of its row, the stronger its
colour; a hatched field is one that cannot be measured: point at it for the reason, or open the
lists above. {count(len(result.kinds), "kind")}, {count(len(engines), "engine")}.</p>
<div class="scroll"><table class="matrix"><thead><tr><th></th>{head}</tr></thead>
<tbody>{"".join(body)}</tbody></table></div></section>"""


def matrix_row(kind, engines):
    measured = [f.median for name, f in kind.measured().items()]
    best = min(measured) if measured else None
    cells = []
    for engine in engines:
        figure = kind.figures.get(engine.name)
        if figure is None or figure.median is None:
            why = figure.absent if figure else "not in this run"
            cells.append(f'<td class="gap" title="{escape(engine.name + ": " + why)}"></td>')
            continue
        r = figure.median / best if best else 1
        title = f"{kind.name}, {told(engine, figure)}; {times(r)} times the best"
        cells.append(f'<td class="{shade(r)}" title="{escape(title)}">'
                     f'{escape(brief(figure.median))}</td>')
    return f'<tr><th scope="row">{escape(kind.name)}</th>{"".join(cells)}</tr>'


def brief(ns):
    return f"{ns:.1f}" if ns < 9.95 else f"{ns:.0f}" if ns < 9999.5 else f"{ns / 1000:.0f}k"


def shade(r):
    """s0 is the best or a tie; s6 is 32 times and more."""
    for i, limit in enumerate((1.02, 1.25, 2, 4, 8, 32)):
        if r <= limit:
            return f"s{i}"
    return "s6"
