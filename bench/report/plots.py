# SPDX-License-Identifier: MIT
"""
Plots as SVG without a size of their own: what lies along the room's width is in percent, so that
they fit any width while letters and marks keep their size. Colours are classes, for the page's
style to choose in light and dark.
"""

import re

from report import axis
from report.words import TIMES, escape, quantity, tick_time

# Each family has a shape too, for those who do not see colours apart. Drawn around 0, 0.
SHAPES = {
    "ours": "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z",
    "ancestry": "M-4 -4h8v8h-8z",
    "private": "M0 -5.4l5.2 9.4h-10.4z",
    "shared": "M0 -5.6l5.6 5.6l-5.6 5.6l-5.6 -5.6z",
}
ROW = 38  # height of a track; each family has its lane, so that few marks hide others
LANES = {"private": 8, "ours": 18, "ancestry": 26, "shared": 32}


def percent(value):
    return f"{value:.2f}%"


def mark(at, y, shape, classes, title=""):
    told = f"<title>{escape(title)}</title>" if title else ""
    return (f'<svg x="{percent(at)}" y="{y:g}" class="mark"><path class="{classes}" '
            f'd="{SHAPES[shape]}">{told}</path></svg>')


def line(x1, y1, x2, y2, classes):
    return (f'<line class="{classes}" x1="{percent(x1)}" y1="{y1:g}" x2="{percent(x2)}" '
            f'y2="{y2:g}"/>')


def label(at, y, words, classes="tick"):
    anchor = "start" if at < 4 else "end" if at > 96 else "middle"
    return (f'<text class="{classes}" x="{percent(at)}" y="{y:g}" text-anchor="{anchor}">'
            f'{escape(words)}</text>')


def picture(height, parts, name, classes=""):
    return (f'<svg class="plot {classes}" width="100%" height="{height:g}" role="img" '
            f'aria-label="{escape(name)}">{"".join(parts)}</svg>')


def grid(scale):
    """Past the track's edges: the row cuts them off where the next one's begin."""
    return "".join(line(scale.at(t), -99, scale.at(t), 99, "grid") for t in scale.ticks())


def scale_line(scale, unit):
    """The ticks of a column of tracks, in a picture of their own above them."""
    parts = [label(scale.at(t), 13, tick_words(t, unit)) for t in scale.ticks()]
    return picture(18, parts, "the scale")


def tick_words(value, unit):
    """Without digits that say nothing: 10 ns and 2.5 ns, not 10.0 ns; and 1 µs, not 1000 ns."""
    words = tick_time(value, unit) if unit in TIMES else quantity(value, unit) if unit else \
        short(value)
    return re.sub(r"(\.\d*?)0+(?!\d)", lambda m: m[1].rstrip("."), words)


def short(value):
    """1000000 as 1 M."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g}\u202f{letter}"
    return f"{value:.3g}"


def track(scale, points):
    """One row: (figure, family, classes, title) each a mark with its spread. The last on top."""
    parts = [grid(scale)]
    lanes = LANES if len(points) > 1 else dict.fromkeys(LANES, ROW / 2)
    for figure, family, classes, _ in points:
        if figure.high > figure.low:
            parts.append(line(scale.at(figure.low), lanes[family], scale.at(figure.high),
                              lanes[family], "spread " + classes))
    for figure, family, classes, title in points:
        parts.append(mark(scale.at(figure.median), lanes[family], family, "point " + classes,
                          title))
    return picture(ROW, parts, "; ".join(p[3] for p in points))


def ticks_of_samples(scale, figure, classes, title):
    """One row: each sample a stroke, the median a mark."""
    parts = [grid(scale)]
    parts += [line(scale.at(s), 9, scale.at(s), ROW - 9, "sample " + classes)
              for s in figure.samples]
    parts.append(line(scale.at(figure.low), ROW / 2, scale.at(figure.high), ROW / 2,
                      "spread " + classes))
    parts.append(mark(scale.at(figure.median), ROW / 2, "ours", "point " + classes, title))
    return picture(ROW, parts, title)


def bar(share, classes, title, low=None, high=None, is_cut=False):
    """A bar from zero, a share of the room; cut, if it is longer than that."""
    height = 14
    shown = min(max(share, 0), 1) * 100
    parts = [f'<rect class="bar {classes}" x="0" y="1" width="{percent(shown)}" height="12" '
             f'rx="2"><title>{escape(title)}</title></rect>']
    if is_cut:
        parts.append(f'<svg x="86%" y="0" class="mark"><path class="cut" d="M-1 15l5 -16h5l-5 16z"/>'
                     '</svg>')
    elif low is not None and high is not None and high > low:
        parts.append(line(min(low, 1) * 100, 7, min(high, 1) * 100, 7, "whisker"))
    return picture(height, parts, title)


TOP, BOTTOM, HEIGHT = 10, 24, 210


def height_of(up, value):
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - up.at(value) / 100)


def curves(series, x_is_log, unit, name):
    """Lines over an x axis, the spread a band. series: (name, [(x, figure)]) by their colour."""
    points = [(x, f) for _, line_ in series for x, f in line_]
    across = axis.Filled([x for x, _ in points], x_is_log)
    up = axis.fit([v for _, f in points for v in (f.low, f.high, f.median)],
                  is_binary=unit in ("bytes", "B"))
    room = [line(0, height_of(up, t), 100, height_of(up, t), "grid") for t in up.ticks()]
    room += [band(across, up, line_, f"c{i % 6}") for i, (_, line_) in enumerate(series)]
    for i, (title, line_) in enumerate(series):
        room += one_curve(across, up, line_, f"c{i % 6}", title, unit)
    room += [label(across.at(t), HEIGHT - 6, short(t)) for t in across.ticks()]
    ticks = [f'<text class="tick" x="46" y="{height_of(up, t) + 4:g}" text-anchor="end">'
             f'{escape(tick_words(t, unit))}</text>' for t in up.ticks()]
    return (f'<div class="curves"><svg class="plot" width="54" height="{HEIGHT}" '
            f'aria-hidden="true">{"".join(ticks)}</svg>{picture(HEIGHT, room, name)}</div>')


def one_curve(across, up, line_, colour, title, unit):
    at = [(across.at(x), height_of(up, f.median)) for x, f in line_]
    parts = [line(*a, *b, "curve " + colour) for a, b in zip(at, at[1:])]
    for (x, f), (left, y) in zip(line_, at):
        parts.append(mark(left, y, "ours", "dot " + colour,
                          f"{title}, {short(x)}: {quantity(f.median, unit)} "
                          f"({quantity(f.low, unit)} to {quantity(f.high, unit)})"))
    return parts


def band(across, up, line_, colour):
    """From the 10th to the 90th percentile, in a room that is stretched to the plot's."""
    if len(line_) < 2:
        return ""
    high = [f"{across.at(x):.2f},{100 - up.at(f.high):.2f}" for x, f in line_]
    low = [f"{across.at(x):.2f},{100 - up.at(f.low):.2f}" for x, f in reversed(line_)]
    return (f'<svg x="0" y="{TOP}" width="100%" height="{HEIGHT - TOP - BOTTOM}" '
            f'viewBox="0 0 100 100" preserveAspectRatio="none">'
            f'<polygon class="band {colour}" points="{" ".join(high + low)}"/></svg>')


LEAD_HEIGHT, LEAD_EDGE = 250, 16


def leads(groups, name):
    """
    One column for each (lead, classes, title): up from 1 where it is more, down where it is less,
    on a log axis. Between groups is a gap; below each its number.
    """
    columns = [c for group in groups for c in [*group, (None, "", "")]][:-1]
    values = [v for v, _, _ in columns if v] + [1]
    up = axis.Log(min(min(values) / 1.1, 0.5), max(max(values), 2))

    def y(value):
        return LEAD_EDGE + (LEAD_HEIGHT - 2 * LEAD_EDGE) * (1 - up.at(value) / 100)

    parts = [line(0, y(t), 100, y(t), "grid" if t != 1 else "one") for t in up.ticks()]
    wide = 100 / max(len(columns), 1)
    for i, (value, classes, title) in enumerate(columns):
        if value:
            top, end = sorted((y(value), y(1)))
            parts.append(f'<rect class="lead {classes}" x="{percent(wide * (i + .12))}" '
                         f'y="{top:.1f}" width="{percent(wide * .76)}" '
                         f'height="{max(end - top, 1.5):.1f}" rx="1.5">'
                         f'<title>{escape(title)}</title></rect>')
    start = 0
    for i, group in enumerate(groups, 1):
        parts.append(f'<text class="tick ordinal" x="{percent(wide * (start + len(group) / 2))}" '
                     f'y="{LEAD_HEIGHT}" text-anchor="middle">{i}</text>')
        start += len(group) + 1
    ticks = [f'<text class="tick" x="40" y="{y(t) + 4:g}" text-anchor="end">{t:g}×</text>'
             for t in up.ticks()]
    return (f'<div class="curves"><svg class="plot" width="48" height="{LEAD_HEIGHT}" '
            f'aria-hidden="true">{"".join(ticks)}</svg>{picture(LEAD_HEIGHT, parts, name)}</div>')
