# SPDX-License-Identifier: MIT
"""The page's sections on what is no rent and return: deaths, attaching, memory, growth."""

from report import axis, plots
from report.result import Figure, number, rows, text
from report.words import escape, grouped, size, time


def is_ours(result, name):
    return name in ("pool", "portable", "open")


def class_of(result, name):
    if name == "pool":
        return "us"
    if is_ours(result, name):
        return "us variant"
    engine = result.engines.get(name)
    return engine.family if engine else "shared"


def deaths(result):
    parts = [reclaims(result), kills(result)]
    parts = [p for p in parts if p]
    if not parts:
        return ""
    return f'<section class="card"><h2>When a process is killed</h2>{"".join(parts)}</section>'


def reclaims(result):
    found = [(row, Figure(row, "ms")) for row in rows(result.deaths, "reclaim")]
    shown = [(row, f) for row, f in found if f.median is not None]
    if not shown:
        return ""
    scale = axis.fit([v for _, f in shown for v in (f.low, f.high, f.median, *f.samples)])
    body = []
    for row, figure in shown:
        held, n = number(row.get("held")) or 0, number(row.get("n")) or len(figure.samples)
        words = f"{grouped(int(held))} held"
        title = (f"{words}: {time(figure.median, 'ms')}, from {time(figure.low, 'ms')} to "
                 f"{time(figure.high, 'ms')}")
        body.append(f'<div class="strip"><div class="name"><b>{escape(words)}</b> <span>{n:g} '
                    f'kills</span></div>{plots.ticks_of_samples(scale, figure, "us", title)}'
                    f'<div class="values"><p><b>{time(figure.median, "ms")}</b></p><p>'
                    f'<span class="soft">{time(figure.low, "ms")} to {time(figure.high, "ms")}'
                    '</span></p></div></div>')
    gaps = "".join(f"<li><b>{grouped(int(number(row.get('held')) or 0))} held</b> "
                   f"{escape(f.absent)}</li>" for row, f in found if f.median is None)
    gaps = f'<ul class="absent">{gaps}</ul>' if gaps else ""
    return f"""<h3>From SIGKILL until all that it held can be rented again</h3>
<div class="strips"><div class="strip head"><span></span>{plots.scale_line(scale, "ms")}
<span></span></div>{"".join(body)}</div>
<p class="note">Each stroke is one kill; the line goes from the 10th to the 90th percentile{
    ", on a log scale" if scale.is_log else ""}.</p>{gaps}"""


def kills(result):
    found = rows(result.deaths, "kills")
    if not found:
        return ""
    body = "".join(kill_row(result, row) for row in found)
    return f"""<h3>Processes killed while they rent and return: how much of the pool is lost</h3>
<div class="kills">{body}</div>"""


def kill_row(result, row):
    name = text(row.get("engine"))
    head = f'<b class="{"us" if name == "pool" else ""}">{escape(name)}</b>'
    if "absent" in row or number(row.get("kills")) is None:
        why = text(row.get("absent")) or "no figure"
        return f'{head}<p class="gap">{escape(why)}</p><p class="soft">not measured</p><p></p>'
    leaked, slots = number(row.get("leaked")) or 0, number(row.get("slots")) or 0
    is_stuck = bool(row.get("stuck"))
    share = 1 if is_stuck else leaked / slots if slots else 0
    title = (f"{name}: stuck, of {slots:g} slots none can be rented" if is_stuck else
             f"{name}: {leaked:g} of {slots:g} slots leaked in {number(row['kills']):g} kills")
    state = ('<em class="pill behind">stuck</em>' if is_stuck else
             '<em class="pill behind">leaks</em>' if leaked else
             '<em class="pill first">whole</em>')
    class_ = "lost" if leaked or is_stuck else "kept"
    lost = ("none" if is_stuck else grouped(int(leaked)),
            "can be rented" if is_stuck else "lost")
    wanted = number(row.get("wanted"))
    done = number(row["kills"])
    of = f" of {grouped(int(wanted))} wanted" if wanted and wanted > done else ""
    return (f'{head}{plots.bar(max(share, 0.004), class_, title)}'
            f'<p><b>{lost[0]}</b> of {grouped(int(slots))} {lost[1]} {state}</p>'
            f'<p class="soft">{grouped(int(done))} kills{of}: '
            f'{escape(text(row.get("outcome")))}</p>')


def attach(result):
    figures = []
    for row in rows(result.deaths, "attach"):
        for key, words in (("attach_us", "attach"), ("detach_us", "detach")):
            figure = Figure(row[key], "") if isinstance(row.get(key), dict) else None
            if figure and figure.median is not None:
                figures.append((text(row.get("engine")), words, figure))
    absent = [f'<li><b>{escape(text(r.get("engine")))}</b> {escape(text(r.get("absent")))}</li>'
              for r in rows(result.deaths, "attach") if "absent" in r]
    if not figures:
        return ""
    scale = axis.fit([v for _, _, f in figures for v in (f.low, f.high)])
    body = []
    for name, words, f in figures:
        engine = result.engines.get(name)
        family = engine.family if engine else "ours" if is_ours(result, name) else "shared"
        title = f"{name}, {words}: {time(f.median, 'us')}"
        track = plots.track(scale, [(f, family, class_of(result, name), title)])
        body.append(f'<div class="strip"><div class="name"><b>{escape(name)}</b> <span>{words}'
                    f'</span></div>{track}'
                    f'<div class="values"><p><b>{time(f.median, "us")}</b></p></div></div>')
    absent = f'<ul class="absent">{"".join(absent)}</ul>' if absent else ""
    return f"""<section class="card half"><h2>To come and to go</h2>
<div class="strips"><div class="strip head"><span></span>{plots.scale_line(scale, "us")}
<span></span></div>{"".join(body)}</div>{absent}</section>"""


def memory(result):
    found = {}
    for row in rows(result.deaths, "memory"):
        if number(row.get("bytes")) is not None:
            found.setdefault(text(row.get("what")), []).append(row)
    if not found:
        return ""
    body = []
    for what, these in found.items():
        most = max(number(r["bytes"]) for r in these) or 1
        bars = "".join(memory_row(result, what, most, row) for row in these)
        body.append(f'<h3>{escape(what)}</h3><div class="bars">{bars}</div>')
    return f'<section class="card half"><h2>Memory beside the buffers</h2>{"".join(body)}</section>'


def memory_row(result, what, most, row):
    name, found = text(row.get("engine")), number(row["bytes"])
    return (f'<span class="{"us" if name == "pool" else ""}">{escape(name)}</span>'
            f'{plots.bar(found / most, class_of(result, name), what)}<b>{size(found)}</b>')


def growth(result):
    figures = "".join(growth_figure(curve) for curve in rows(result.growth, "curves"))
    if not figures:
        return ""
    return f"""<section class="card"><h2>What grows with what</h2>
<p class="note">Medians; the band goes from the 10th to the 90th percentile.</p>
<div class="cards wide">{figures}</div></section>"""


def points_of(series):
    found = [(number(p.get("x")), Figure(p, ""), p) for p in rows(series, "points")]
    return [(x, f) for x, f, _ in found if x is not None and f.median is not None], \
        [(p.get("x"), f.absent) for _, f, p in found if f.median is None]


def growth_figure(curve):
    series, absent = [], []
    for one in rows(curve, "series"):
        points, gaps = points_of(one)
        series.append((text(one.get("name")), points))
        absent += [f"{text(one.get('name'))}, {plots.short(number(x) or 0)}: {why}"
                   for x, why in gaps]
    unit = text(curve.get("y"))
    drawn = [s for s in series if s[1]]
    if drawn:
        keys = "".join(f'<span><i class="c{i % 6}"></i>{escape(name)}</span>'
                       for i, (name, _) in enumerate(drawn))
        picture = plots.curves(drawn, bool(curve.get("x_is_log")), unit, text(curve.get("what")))
        picture += (f'<p class="across">{escape(text(curve.get("x")))}</p>'
                    f'<p class="legend">{keys}</p>')
    else:
        picture = '<p class="gap">nothing was measured</p>'
    design = text(curve.get("design"))
    design = f'<p class="soft">By design: {escape(design)}.</p>' if design else ""
    gaps = "".join(f"<li>{escape(w)}</li>" for w in absent)
    gaps = f'<ul class="absent">{gaps}</ul>' if gaps else ""
    return (f'<figure><figcaption><b>{escape(text(curve.get("what")) or text(curve.get("name")))}'
            f'</b> {"" if not unit else "time" if unit in ("ns", "us", "ms", "s") else escape(unit)}'
            f'</figcaption>{picture}{design}{gaps}</figure>')
