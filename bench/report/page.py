# SPDX-License-Identifier: MIT
"""
The page: one file that needs no other, runs nothing and asks for nothing. Its policy names the one
style that it has by its hash, so not even a style could be smuggled in.
"""

import base64
import hashlib
import os

from report import alone, compared
from report.result import PARTS, number, text
from report.standing import BEHIND, FIRST, TIED, count, goals, our_kills, standings
from report.words import escape, grouped, plain, seconds, time, times

HERE = os.path.dirname(os.path.abspath(__file__))
VERDICTS = {"met": "first", "missed": "behind", "not measured": "absent"}


def style():
    with open(os.path.join(HERE, "page.css"), encoding="utf-8") as file:
        return "\n" + file.read()


def head(title, css):
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{digest}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{css}</style></head><body>
"""


def masthead(result):
    machine = result.machine
    cores = machine.get("cores")
    facts = [("machine", machine.get("model")),
             ("cores", ", ".join(map(str, cores)) if isinstance(cores, list) else None),
             ("kernel", machine.get("kernel")), ("C library", machine.get("libc")),
             ("started", result.document.get("started")),
             ("took", seconds(number(result.document.get("seconds")))
              if number(result.document.get("seconds")) is not None else None),
             ("samples of each", result.bench.get("repetitions"))]
    words = "".join(f"<span>{escape(name)} <b>{escape(text(value))}</b></span> "
                    for name, value in facts if value not in (None, ""))
    version = text(result.bench.get("thruster"))
    quick = ('<p class="banner">This was a quick run: it shows that everything runs, and its figures '
             'mean nothing.</p>' if result.is_quick else "")
    return f"""<header class="masthead"><p class="brand">Thruster {escape(version)}</p>
<h1>Beside its peers</h1><p class="facts">{words}</p>{quick}</header>
"""


def tile(name, figure, words, class_=""):
    return (f'<section class="tile {class_}"><h2>{escape(name)}</h2><p><b>{escape(figure)}</b>'
            f'<span>{escape(words)}</span></p></section>')


def tiles(result):
    all_ = standings(result)
    compared_ = [s for s in all_ if s.state in (FIRST, TIED, BEHIND)]
    crossing = [s for s in compared_ if s.crosses]
    local = [s for s in compared_ if not s.crosses]
    found = []
    for name, these in (("First across cores or processes", crossing), ("First on one core", local)):
        if these:
            n, tied = count(these, FIRST), count(these, TIED)
            more = f", tied in {tied}" if tied else ""
            found.append(tile(name, f"{n} of {len(these)}", f"kinds of workload{more}"))
    one, lock = result.median("nested-1/pool"), result.median("limit/lock-add")
    if one is not None:
        found.append(tile("A rent and return", time(one), f"a lock-prefixed add: {time(lock)}"
                          if lock else "one buffer, one thread"))
    kills = our_kills(result)
    if kills:
        n = sum(number(k.get("kills")) or 0 for k in kills)
        found.append(tile("Leaked", grouped(int(sum(number(k.get("leaked")) or 0 for k in kills))),
                          f"buffers, in {grouped(int(n))} kills"))
    return f'<div class="tiles">{"".join(found)}</div>' if found else ""


def goal_list(result):
    body = ""
    for goal in goals(result):
        misses = goal.worst(str)
        misses = f"<small>{escape(misses)}</small>" if misses else ""
        body += (f'<li><em class="pill {VERDICTS[goal.verdict]}">{goal.verdict}</em>'
                 f'<p><b>{escape(goal.what)}</b>{escape(goal.found)}{misses}</p></li>')
    return f'<section class="card"><h2>The goals</h2><ul class="goals">{body}</ul></section>'


def behind(result):
    found = [s for s in standings(result) if s.state == BEHIND]
    found.sort(key=lambda s: -s.ratio)
    if not found:
        return ""
    body = "".join(f'<tr><th scope="row">{escape(s.kind.name)}<small>'
                   f'{escape(s.kind.what)}</small></th><td>{time(s.ours)}</td><td>'
                   f'<small>{escape(s.best.name)}</small>{time(s.best_ns)}</td>'
                   f'<td><b>{times(s.ratio)}×</b></td></tr>' for s in found)
    return f"""<section class="card"><h2>Where we are not first</h2>
<p class="note">{len(found)} of {count_compared(result)} kinds. The best of the others need not do what
we do: an allocator of one process shares nothing, and a free list forgets who had what.</p>
<div class="scroll"><table class="list"><thead><tr><th></th><th>ours</th><th>best
other</th><th>ratio</th></tr></thead><tbody>{body}</tbody></table></div></section>"""


def count_compared(result):
    return sum(s.state in (FIRST, TIED, BEHIND) for s in standings(result))


def limits(result):
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}<small>{escape(text(f.row.get("what")))}</small>'
        f'</th><td>{time(f.median) if f.median is not None else escape(f.absent)}</td></tr>'
        for name, f in result.limits.items())
    if not rows:
        return ""
    return f"""<section class="card half"><h2>What this machine can do at all</h2>
<div class="scroll"><table class="list">{rows}</table></div></section>"""


def disturbances(result):
    found = result.disturbances()
    body = "".join(f"<li>{escape(n)}</li>" for n in found) or "<li>Nothing that was noticed.</li>"
    return ('<section class="card half"><h2>What disturbed the run</h2>'
            f'<ul class="notes">{body}</ul></section>')


def absences(result):
    found = [(PARTS[name], why) for name, why in result.absent_parts().items()]
    found += [(e.name, e.absent) for e in result.engines.values() if e.absent]
    found += [(s.kind.name, s.kind.figures["pool"].absent) for s in standings(result)
              if "pool" in s.kind.figures and s.ours is None]
    found += [("limit " + name, f.absent) for name, f in result.limits.items() if f.median is None]
    if not found:
        return ""
    body = "".join(f"<li><b>{escape(name)}</b> {escape(why)}</li>" for name, why in found)
    return ('<section class="card half"><h2>What was absent, and why</h2>'
            f'<ul class="absent">{body}</ul></section>')


def configurations(result):
    body = "".join(
        f'<tr><th scope="row">{compared.swatch(e.family, "us" if e.is_us else e.family)} '
        f'{escape(e.name)}</th><td class="word">{escape(e.what)}</td>'
        f'<td class="word">{escape(e.configured)}</td>'
        f'<td class="word">{"yes" if e.keeps else "no"}</td></tr>' for e in result.engines.values())
    if not body:
        return ""
    return f"""<section class="card"><h2>How each was configured</h2><div class="scroll">
<table class="list words"><thead><tr><th></th><th class="word">what it is</th><th class="word">how</th>
<th class="word">survives kills</th></tr></thead><tbody>{body}</tbody></table></div></section>"""


def targets(result):
    rows = result.bench.get("targets")
    body = ""
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict):
            continue
        measured, most = number(row.get("measured")), number(row.get("at_most"))
        unit = " ns" if row.get("unit") == "ns" else ""
        state = VERDICTS.get(text(row.get("verdict")), "absent")
        body += (f'<tr><th scope="row">{escape(text(row.get("what")))}</th>'
                 f'<td>{escape(plain(measured) + unit)}</td><td>{escape(plain(most) + unit)}</td>'
                 f'<td class="word"><em class="pill {state}">{escape(text(row.get("verdict")))}</em>'
                 '</td></tr>')
    if not body:
        return ""
    return f"""<section class="card"><details><summary><h2>The benchmark's own targets</h2></summary>
<div class="scroll"><table class="list"><thead><tr><th></th><th>measured</th><th>at most</th><th></th>
</tr></thead><tbody>{body}</tbody></table></div></details></section>"""


def page(result):
    parts = [tiles(result), compared.glance(result), goal_list(result), behind(result)]
    parts += [compared.group_section(result, group, kinds)
              for group, kinds in result.groups().items()]
    parts += [alone.growth(result), alone.deaths(result),
              halves(alone.attach(result), alone.memory(result)), compared.matrix(result),
              halves(limits(result), disturbances(result), absences(result)),
              configurations(result), targets(result)]
    body = "\n".join(p for p in parts if p)
    return (head("Thruster beside its peers", style()) + masthead(result) +
            f"<main>\n{body}\n</main>\n<footer>An operation is one rent and one return; lower is "
            "better. Made by <code>./bench/run</code>; <code>bench/README.md</code> says how it "
            "measures.</footer></body></html>\n")


def halves(*sections):
    found = [s for s in sections if s]
    return f'<div class="halves">{"".join(found)}</div>' if found else ""
