# SPDX-License-Identifier: MIT
"""
A result as no machine made it: small, with each shape that there may be, and with words that would
like to be something else. The figures mean nothing.
"""

HOSTILE = "<script>alert(1)</script> | `x` \"'&amp; </style> ](http://evil.example) {ratio} \x1b[31m"

ENGINES = [
    ("pool", "ours"), ("portable", "ours"), ("open", "ours"), ("queue", "ancestry"),
    ("tcmalloc", "private"), ("dpdk", "shared"), ("boost", "shared")]

# (kind, group, crosses): the medians of pool, queue, tcmalloc, boost; None is absent
KINDS = {
    ("nested-1", "one core", "nothing"): (6.2, 14.0, 4.1, 110.0),
    ("serial", "one core", "nothing"): (6.0, 14.0, 6.05, 120.0),
    ("threads", "all cores", "cores"): (6.4, 80.0, 9.0, 900.0),
    ("processes", "all cores", "processes"): (6.3, 85.0, None, 950.0),
    ("pipe-processes-128-depth-8", "pipes", "processes"): (40.0, 31.0, None, 1300.0),
    ("pipe-processes-128-depth-1024", "pipes", "processes"): (None, None, None, None),
    ("flip", "ours only", "cores"): (9.0, None, None, None),
    ("odd", "a group of tomorrow", "worlds"): (5.0, 6.0, 7.0, 8.0),
}


def workload(kind, engine, ns, why="private memory"):
    row = {"name": f"{kind}/{engine}", "kind": kind, "engine": engine}
    if ns is None:
        return dict(row, absent=why)
    return dict(row, median_ns=ns, p10_ns=ns * 0.97, p90_ns=ns * 1.06,
                samples_ns=[ns * 0.97, ns, ns * 1.06], retaken_samples=1, disturbed_samples=0)


def bench():
    engines = [{"name": n, "what": f"{n}, made up", "family": f, "configured": f"{n}: as it is",
                "keeps": f == "ours"} for n, f in ENGINES]
    engines[5]["absent"] = HOSTILE
    engines[6]["configured"] = HOSTILE
    workloads = []
    for (kind, _, _), (pool, queue, tcmalloc, boost) in KINDS.items():
        twice = pool and 2 * pool
        workloads += [workload(kind, "pool", pool, "more in the ring than there are slots"),
                      workload(kind, "portable", twice), workload(kind, "open", twice),
                      workload(kind, "queue", queue, HOSTILE), workload(kind, "tcmalloc", tcmalloc),
                      workload(kind, "dpdk", None, HOSTILE), workload(kind, "boost", boost)]
    return {
        "version": 2, "thruster": "0.0.0", "repetitions": 3, "sample_ms": 1.0, "quick": False,
        "seconds": 1.0, "engines": engines, "workloads": workloads,
        "machine": {"model": HOSTILE, "kernel": "0.0", "libc": "0.0", "cores": [0, 1],
                    "steal_percent": 2.5, "others_percent_of_one_core": 31.0,
                    "notes": ["another program ran: " + HOSTILE]},
        "limits": [{"name": "lock-add", "what": "a lock-prefixed add", "median_ns": 5.0,
                    "p10_ns": 4.9, "p90_ns": 5.2, "samples_ns": [4.9, 5.0, 5.2]},
                   {"name": "rseq", "what": HOSTILE, "absent": "no rseq <here>"}],
        "kinds": [{"name": k, "what": HOSTILE if k == "nested-1" else f"{k}, made up", "group": g,
                   "crosses": c} for k, g, c in KINDS],
        "targets": [{"what": "as a target", "workload": "nested-1/pool", "against": None,
                     "unit": "ns", "at_most": 5.0, "measured": 6.2, "verdict": "missed"},
                    {"what": HOSTILE, "workload": "x", "against": "y", "unit": "ratio",
                     "at_most": 1.0, "measured": None, "verdict": "absent"}]}


def deaths():
    return {
        "version": 1, "quick": False, "seconds": 1.0,
        "reclaim": [{"held": 0, "n": 3, "median_ms": 0.3, "p10_ms": 0.2, "p90_ms": 0.5,
                     "samples_ms": [0.2, 0.3, 0.5]},
                    {"held": 100000, "n": 1, "median_ms": 2.7, "p10_ms": 2.7, "p90_ms": 2.7,
                     "samples_ms": [2.7]},
                    {"held": 5, "absent": "not now"}],
        "kills": [{"engine": "pool", "kills": 10000, "wanted": 10000, "slots": 4096, "leaked": 0,
                   "stuck": False, "outcome": "all came back", "seconds": 1.0},
                  {"engine": "queue", "kills": 2000, "wanted": 2000, "slots": 4096, "leaked": 1700,
                   "stuck": False, "outcome": HOSTILE, "seconds": 1.0},
                  {"engine": "boost", "kills": 37, "wanted": 2000, "slots": 4096, "leaked": 3,
                   "stuck": True, "outcome": "the lock stayed locked", "seconds": 1.0},
                  {"engine": "tcmalloc", "absent": HOSTILE}],
        "attach": [{"engine": "pool", "attach_us": {"median": 140, "p10": 120, "p90": 190},
                    "detach_us": {"median": 60, "p10": 55, "p90": 70}},
                   {"engine": "boost", "attach_us": {"median": 90000, "p10": 80000, "p90": 99000}},
                   {"engine": HOSTILE, "absent": HOSTILE}],
        "memory": [{"what": "per slot", "bytes": 8.3, "engine": "pool"},
                   {"what": "per slot", "bytes": 64, "engine": "boost"},
                   {"what": HOSTILE, "bytes": 67108864, "engine": "dpdk"},
                   {"what": "nothing", "bytes": 0, "engine": "pool"}]}


def growth():
    def points(*medians):
        return [{"x": 4 ** i, "median": m, "p10": m * 0.9, "p90": m * 1.2, "n": 3}
                for i, m in enumerate(medians)]
    return {"version": 1, "quick": False, "seconds": 1.0, "curves": [
        {"name": "flat", "what": "a rent by slots", "x": "slots", "y": "ns", "x_is_log": True,
         "design": "flat", "series": [
             {"name": "one", "points": points(7, 7.1, 7.2) + [{"x": 99999, "absent": HOSTILE}]},
             {"name": HOSTILE, "points": points(8)}]},
        {"name": "steep", "what": HOSTILE, "x": HOSTILE, "y": "us", "x_is_log": False,
         "design": HOSTILE, "series": [{"name": "it", "points": points(1, 30, 4000)}]},
        {"name": "from-zero", "what": "from zero", "x": "held", "y": "bytes", "x_is_log": True,
         "series": [{"name": "it", "points": [{"x": 0, "median": 0}, {"x": 8, "median": 4096}]}]},
        {"name": "none", "what": "nothing", "x": "x", "y": "ns", "x_is_log": True,
         "series": [{"name": "it", "points": [{"x": 1, "absent": "too little memory"}]}]}]}


def material():
    return {"version": 1, "quick": False, "seconds": 3.0, "started": "2026-01-02T03:04:05Z",
            "parts": {"bench": "ran", "deaths": "failed: its exit status was 1", "growth": "ran"},
            "bench": bench(), "deaths": deaths(), "growth": growth()}


def variants():
    """Of each what is missing or odd, and the document."""
    whole = material()
    for part in ("bench", "deaths", "growth"):
        yield f"without {part}", {k: v for k, v in whole.items() if k != part}
        yield f"only {part}", {part: whole[part]}
        yield f"{part} without anything in it", dict(whole, **{
            part: {"version": whole[part]["version"]}})
    yield "a quick run", dict(whole, quick=True)
    yield "other types than agreed", {
        "bench": {"version": 2, "machine": [], "engines": {"a": 1}, "kinds": [None, 1, {}],
                  "limits": "none", "targets": {}, "workloads": [[], {"kind": 1, "engine": 2},
                                                                {"median_ns": "fast"}]},
        "deaths": {"reclaim": [{}], "kills": [{}], "attach": [{}], "memory": [{}, 1]},
        "growth": {"curves": [{}, {"series": [{}]}, {"series": [{"points": [{}, 1]}]}]}}
    nothing = material()
    for row in nothing["bench"]["workloads"]:
        row.pop("median_ns", None)
    yield "every workload absent", nothing
    zeros = material()
    for row in zeros["bench"]["workloads"]:
        row.update(median_ns=0, p10_ns=0, p90_ns=0)
    yield "every figure zero", zeros
