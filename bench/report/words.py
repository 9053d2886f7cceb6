# SPDX-License-Identifier: MIT
"""Figures in words, and words that cannot become anything else in a page or a table."""

import html
import re

NARROW = "\u202f"  # the space between a number and its unit


def escape(value):
    """For HTML, between tags and in quoted attributes. What is no character is made visible."""
    value = re.sub(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010fffd]",
                   "\ufffd", str(value))
    return html.escape(value, quote=True)


def markdown(value):
    """For a cell of a table or a line of Markdown: plain words, whatever is in them."""
    value = re.sub(r"\s+", " ", re.sub(r"[^\s\x20-\x7e\xa0-\U0010fffd]", "\ufffd", str(value)))
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    value = re.sub(r"([\\`*\[\]|])|(?<!\w)(_)|(_)(?!\w)", r"\\\1\2\3", value)
    return re.sub(r"(https?):", r"\1&#58;", value).strip()


def plain(value):
    """Three digits, or all of them before the point."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 999.5:
        return grouped(round(value))
    for digits, limit in ((0, 99.95), (1, 9.995), (2, 0.0995), (3, 0.00995)):
        if abs(value) >= limit:
            return f"{value:.{digits}f}"
    return f"{value:.1e}"


def grouped(value):
    whole = f"{value:,d}"
    return whole.replace(",", NARROW) if abs(value) >= 10000 else whole.replace(",", "")


def scaled(value, units):
    """By the first of (least, factor, unit) of which it is the least or more; or the last."""
    for least, factor, unit in units:
        if abs(value) >= least * 0.9995:
            break
    value /= factor
    return (f"{value:g}" if value < 1000 and value == round(value) else plain(value)) + NARROW + unit


TIMES = {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}
TIME_UNITS = ((1e9, 1e9, "s"), (1e6, 1e6, "ms"), (1e4, 1e3, "µs"), (0, 1, "ns"))
SIZE_UNITS = ((1 << 30, 1 << 30, "GiB"), (1 << 20, 1 << 20, "MiB"), (1 << 10, 1 << 10, "KiB"),
              (0, 1, "B"))


def time(value, unit="ns"):
    return "–" if value is None else scaled(value * TIMES[unit], TIME_UNITS)


def tick_time(value, unit):
    return scaled(value * TIMES[unit], (*TIME_UNITS[:2], (1e3, 1e3, "µs"), TIME_UNITS[-1]))


def quantity(value, unit):
    """A figure of any unit; times and bytes scaled to what is read best."""
    if value is None:
        return "–"
    if unit in TIMES:
        return time(value, unit)
    if unit in ("bytes", "B"):
        return size(value)
    return plain(value) + (NARROW + unit if unit else "")


def size(value):
    return "–" if value is None else scaled(value, SIZE_UNITS)


def times(ratio):
    """How many times; what is printed as 1.00 is meant so."""
    if ratio is None:
        return "–"
    return f"{ratio:.2f}" if ratio < 9.995 else plain(ratio)


def seconds(value):
    if value is None:
        return "–"
    value = round(value)
    if value < 60:
        return f"{value}{NARROW}s"
    return f"{value // 60}{NARROW}min {value % 60:02d}{NARROW}s" if value < 3600 else \
        f"{value // 3600}{NARROW}h {value % 3600 // 60:02d}{NARROW}min"


def count(n, one, many=None):
    return f"{n} {one if n == 1 else many or one + 's'}"
