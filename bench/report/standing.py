# SPDX-License-Identifier: MIT
"""
Where we stand: in which kinds of workload our median is the lowest, and whether the goals are met.
Only the pool as it is counts as us; without rseq and with a CAS for each claim it is shown, but is
neither us nor a rival.
"""

from report.words import grouped, times

TIE = 1.02         # a lead of less is none
BESIDE_PRIVATE = 1.1
FLAT = 1.1
MISSES_TOLD = 8
OURS = "pool"

# What a kind of all cores is on one.
ON_ONE = {
    "threads": "nested-1", "threads-touched": "nested-1-touched",
    "processes": "nested-1", "processes-touched": "nested-1-touched",
    "parallel": "serial", "parallel-whole": "serial-whole", "parallel-processes": "serial",
}

FIRST, TIED, BEHIND, ALONE, ABSENT = "first", "tied", "behind", "alone", "absent"


class Standing:
    """We and the best of the others in one kind."""

    def __init__(self, result, kind):
        self.kind = kind
        self.ours = kind.median(OURS)
        rivals = [(f.median, name) for name, f in kind.measured().items()
                  if result.engines[name].is_rival]
        rivals.sort()
        self.best_ns, best = rivals[0] if rivals else (None, None)
        self.best = result.engines[best] if best else None
        self.ratio = ratio(self.ours, self.best_ns)
        self.state = self.judge()

    def judge(self):
        if self.ours is None:
            return ABSENT
        if self.best_ns is None:
            return ALONE
        if max(self.ours, self.best_ns) <= TIE * min(self.ours, self.best_ns):
            return TIED
        return FIRST if self.ours < self.best_ns else BEHIND

    @property
    def crosses(self):
        return self.kind.crosses in ("cores", "processes")


def ratio(a, b):
    return a / b if a is not None and b else None


def standings(result):
    return [Standing(result, kind) for kind in result.kinds.values()]


def count(found, state):
    return sum(s.state == state for s in found)


class Goal:
    """What was wanted, whether it is met (None: could not be told), and the words of what is."""

    def __init__(self, what, is_met, found, misses=()):
        self.what, self.is_met, self.found = what, is_met, found
        self.misses = sorted(misses, key=lambda miss: -miss[1])  # (kind, ratio), the worst first

    def worst(self, name_of):
        """The worst in words, and how many more there are."""
        more = len(self.misses) - MISSES_TOLD
        return ", ".join(f"{name_of(kind)} {times(r)}" for kind, r in self.misses[:MISSES_TOLD]) + \
            (f" and {more} more" if more > 0 else "")

    @property
    def verdict(self):
        return {True: "met", False: "missed", None: "not measured"}[self.is_met]


def goal_crossing(result):
    what = ("First in every workload that crosses processes or cores, among all that can do it "
            "(within 2 % is a tie)")
    found = [s for s in standings(result) if s.crosses and s.state not in (ALONE, ABSENT)]
    if not found:
        return Goal(what, None, "nothing to compare in this run")
    behind = [s for s in found if s.state == BEHIND]
    tied = count(found, TIED)
    words = f"first in {count(found, FIRST)} of {len(found)}"
    if tied:
        words += f", tied in {tied}"
    if behind:
        words += f", behind in {len(behind)}"
    return Goal(what, not behind, words, [(s.kind.name, s.ratio) for s in behind])


def best_private(result, kind):
    found = [(f.median, name) for name, f in kind.measured().items()
             if result.engines[name].family == "private"]
    return min(found) if found else (None, None)


def goal_private(result):
    what = (f"Within {BESIDE_PRIVATE} of the best allocator of one process, or ahead of it, on one "
            "thread")
    found = {k.name: ratio(k.median(OURS), best_private(result, k)[0])
             for k in result.kinds.values() if k.crosses == "nothing"}
    found = {name: r for name, r in found.items() if r is not None}
    if not found:
        return Goal(what, None, "nothing to compare in this run")
    misses = [(name, r) for name, r in found.items() if round(r, 2) > BESIDE_PRIVATE]
    worst = max(found.values())
    words = (f"in {len(found) - len(misses)} of {len(found)}; ahead in "
             f"{sum(r <= 1 for r in found.values())}; at worst {times(worst)} times")
    return Goal(what, not misses, words, misses)


def flatness(result):
    """(kind of all cores, kind of one, ratio) where both are measured."""
    found = []
    for kind in result.kinds.values():
        one = result.kinds.get(ON_ONE.get(kind.name))
        r = ratio(kind.median(OURS), one.median(OURS)) if one else None
        if r is not None:
            found.append((kind, one, r))
    return found


def goal_flat(result):
    cores = result.machine.get("cores")
    n = f"{len(cores)} cores" if isinstance(cores, list) and cores else "all cores"
    what = f"A rent on {n} at once costs what it costs on one: at most {FLAT} times"
    found = flatness(result)
    if not found:
        return Goal(what, None, "nothing to compare in this run")
    misses = [(kind.name, r) for kind, _, r in found if round(r, 2) > FLAT]
    ratios = [r for _, _, r in found]
    return Goal(what, not misses,
                f"in {len(found) - len(misses)} of {len(found)}; from {times(min(ratios))} to "
                f"{times(max(ratios))} times", misses)


def our_kills(result):
    return [k for k in kills(result) if is_ours(result, k.get("engine")) and "absent" not in k]


def is_ours(result, name):
    return name in ("pool", "portable", "open") or \
        (name in result.engines and not result.engines[name].is_rival)


def kills(result):
    found = result.deaths.get("kills")
    return [k for k in found if isinstance(k, dict)] if isinstance(found, list) else []


def goal_leaks(result):
    what = "Nothing leaked when processes are killed while they rent and return"
    found = our_kills(result)
    if not found:
        return Goal(what, None, "not measured in this run")
    done = sum(k.get("kills") or 0 for k in found)
    leaked = sum(k.get("leaked") or 0 for k in found)
    stuck = any(k.get("stuck") for k in found)
    whole = all((k.get("kills") or 0) >= (k.get("wanted") or 1) for k in found)
    words = f"{grouped(leaked)} buffers leaked in {grouped(done)} kills"
    if stuck:
        words += "; it got stuck"
    if not whole:
        words += "; not all that were wanted were done"
    return Goal(what, leaked == 0 and not stuck and whole, words)


def goals(result):
    return [goal(result) for goal in (goal_crossing, goal_private, goal_flat, goal_leaks)]
