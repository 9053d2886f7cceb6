# SPDX-License-Identifier: MIT
"""
An axis: where a value lies, in percent of the room, and which values are written at it. Bytes have
powers of two where all else has 1, 2 and 5.
"""

import math


class Linear:
    is_log = False

    def __init__(self, low, high, is_binary=False):
        span = (high - low) or abs(high) or 1
        step = 2 ** math.ceil(math.log2(span / 4)) if is_binary else nice_step(span)
        self.low = math.floor(low / step + 1e-9) * step
        self.high = max(math.ceil(high / step - 1e-9) * step, self.low + step)
        self.step = step

    def at(self, value):
        return 100 * (value - self.low) / (self.high - self.low)

    def ticks(self):
        n = round((self.high - self.low) / self.step)
        return [round(self.low + i * self.step, 10) for i in range(n + 1)]


class Log:
    is_log = True

    def __init__(self, low, high, is_binary=False):
        self.is_binary = is_binary
        self.low, self.high = below(low), above(high)
        if is_binary:
            self.low, self.high = 2.0 ** math.floor(math.log2(low)), 2.0 ** math.ceil(math.log2(high))
        if self.low == self.high:
            self.high = self.low * 10

    def at(self, value):
        value = min(max(value, self.low), self.high)
        return 100 * math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self):
        if self.is_binary:
            found = [2.0 ** e for e in range(math.ceil(math.log2(self.low)),
                                             math.floor(math.log2(self.high)) + 1)]
        else:
            decades = math.log10(self.high / self.low)
            marks = (1, 2, 5) if decades < 2.3 else (1, 3) if decades < 3.2 else (1,)
            found = [m * 10 ** e for e in exponents(self.low, self.high) for m in marks]
            found = [t for t in found if self.low * 0.999 <= t <= self.high * 1.001]
        return thinned(found, 9)


def thinned(ticks, most):
    return ticks[::math.ceil(len(ticks) / most)] if ticks else []


def exponents(low, high):
    return range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)


def nice_step(span):
    raw = span / 4
    power = 10 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if raw <= m * power * 1.001)


def below(value):
    power = 10 ** math.floor(math.log10(value))
    return max(m * power for m in (1, 2, 5) if m * power <= value * 1.001)


def above(value):
    power = 10 ** math.floor(math.log10(value))
    return min(m * power for m in (1, 2, 5, 10) if m * power >= value * 0.999)


def fit(values, is_binary=False):
    """From zero; or, if the range demands it, a log axis."""
    values = [v for v in values if v is not None]
    if values and min(values) > 0 and max(values) > 12 * min(values):
        return Log(min(values), max(values), is_binary)
    return Linear(0, max(values, default=1) or 1, is_binary)


class Filled:
    """An x axis that the points fill, edge to edge. On a log one, 0 has its place on the left."""

    def __init__(self, values, is_log):
        positive = [v for v in values if v > 0]
        self.has_zero = is_log and len(positive) < len(values)
        if not is_log or not positive:
            self.inner = Linear(min(values), max(values))
            return
        self.inner = inner = Log(min(positive), max(positive))
        inner.low, inner.high = min(positive), max(positive)
        if inner.low == inner.high:
            inner.high = inner.low * 10
        if self.has_zero:
            inner.low /= (inner.high / inner.low) ** 0.15

    def at(self, value):
        return self.inner.at(value)

    def ticks(self):
        found = self.inner.ticks()
        if self.has_zero:
            found = [0] + [t for t in found if self.at(t) > 12]
        return found[:1] + thinned(found[1:], 5) if self.has_zero else thinned(found, 6)
