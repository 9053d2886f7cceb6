# SPDX-License-Identifier: MIT
"""
Statistics in which there is everything, also what a daemon says only if its kernel can trace: a
busy arena, a retired one of the same name, and labels that a client of bad faith would choose.
"""

import math

HOSTILE = 'a"b\\c\nd{e="f"} 1\n# EOF\n<script>document.title="pwned"</script></style>&amp;\'\u00e9'
SECOND = 1_000_000_000
NOW = 1_760_000_000 * SECOND + 123_456_789
CORES = 12
COUNTS = ("attaches_total", "waits_begun_total", "reclaims_total", "refills_total", "adoptions_total", "asks_total", "yields_total", "visits_total",
          "retries_total", "restarts_total", "exhausted_total", "waits_total",
          "wait_timeouts_total", "wakes_total")


def histogram(middle_ns, n, width=2.0):
    """Of log-normal shape around a middle: powers of two, only those that counted."""
    k0 = math.log2(middle_ns)
    buckets, total, weight = [], 0, 0
    for k in range(8, 41):
        count = round(n * math.exp(-((k - k0) / width) ** 2) / (width * math.sqrt(math.pi)))
        if count:
            buckets.append({"le": 2 ** k, "count": count})
            total += count
            weight += count * 3 * 2 ** (k - 2)
    return {"unit": "ns", "count": total, "sum": weight,
            "max": buckets[-1]["le"] - 7 if buckets else 0, "buckets": buckets}


def core(i, slots, leased):
    takeable = min(slots - leased, 20 + i)
    return {"core": i, "slots": slots, "leased": leased, "takeable": takeable,
            "rents_total": 1000 * (i + 1) ** 2, "local_returns_total": 700 * (i + 1) ** 2,
            "remote_returns_total": 290 * (i + 1) * (CORES - i), "refills_total": 37 * i,
            "adoptions_total": 3 + i, "visits_total": i // 3, "restarts_total": i % 4,
            "exhausted_total": 11 if i == 7 else 0, "retries_total": 0,
            "waits_total": 40 * i, "wait_timeouts_total": i, "waits": histogram(3e5, 40 * i)}


def class_(slot_bytes, slots, used, **more):
    held = slots // 64 // CORES * 64
    cores = [core(i, held if i % 5 != 4 else 0, 0) for i in range(CORES)]
    for i, c in enumerate(cores):
        c["leased"] = min(c["slots"], round(c["slots"] * used * (0.4 + 1.2 * i / CORES)))
        c["takeable"] = min(c["takeable"], c["slots"] - c["leased"])
    leased = sum(c["leased"] for c in cores)
    takeable = sum(c["takeable"] for c in cores)
    free = slots - leased
    exhausted = 48_211 if used > 0.9 else 0
    return {"slot_bytes": slot_bytes, "stride_bytes": more.pop("stride", slot_bytes),
            "align_bytes": 0, "claim": "core", "slots": slots, "pending": leased // 9,
            "free": free, "free_min": 0 if exhausted else free // 3, "leased": leased,
            "leased_peak": slots if exhausted else slots - free // 3,
            "rents_total": 9_876_543, "returns_total": 9_876_543 - leased - 12,
            "reclaimed_total": 12, "takeable": takeable,
            "unheld": slots - sum(c["slots"] for c in cores), "exhausted_total": exhausted,
            "retries_total": 5, "cores": cores, **more}


def open_class(slot_bytes, slots, leased, **more):
    cores = [core(i, slots // CORES, leased * (i + 1) // CORES - leased * i // CORES)
             for i in range(CORES)]
    for c in cores:
        c["takeable"] = 0
    return {"slot_bytes": slot_bytes, "stride_bytes": slot_bytes, "align_bytes": 4096,
            "claim": "open", "slots": slots, "pending": 0, "free": slots - leased,
            "free_min": slots - leased - 1, "leased": leased, "leased_peak": leased + 1,
            "rents_total": 4321, "returns_total": 4321 - leased, "reclaimed_total": 0,
            "takeable": 0, "unheld": 0, "exhausted_total": 0, "retries_total": 17,
            "cores": cores, **more}


def client(i, label, leased_bytes, **more):
    return {"id": 65537 + i, "pid": 4000 + i, "uid": 1000, "label": label,
            "attached_realtime_ns": NOW - (i + 1) * 4567 * SECOND, "leased": leased_bytes // 9000,
            "leased_peak": leased_bytes // 8000,
            "leased_bytes": leased_bytes, "over_quota": leased_bytes > 60_000_000,
            "exhausted_total": 13 * i, "waits_total": 1700 * i, "hand_overs_total": 12_000 * i,
            "accepts_total": 11_999, "refused_total": i // 4, "waiters": i % 3,
            "wait_ns_total": 1_500_000_001 * i, "wait_max_ns": 7_654_321 * i, **more}


def arena(name, id_, state, classes, clients):
    size = sum(c["slots"] * c["stride_bytes"] for c in classes) + 204_800
    return {"name": name, "size_bytes": size, "metadata_bytes": 204_800,
            "memory": {"page_bytes": 4096, "allocate": "on_use", "resident_bytes": size * 5 // 8,
                       "trim_after_s": 60, "trimming": False, "trims_total": 4,
                       "trimmed_bytes_total": 123_456_789},
            "id": id_, "state": state, "max_clients": 64, "quota_bytes": 60_000_000,
            "quota_leases": 0, "over_quota_total": 2, "snapshot_duration_ns": 432_100,
            "classes": classes, "clients": clients}


def counts(seed):
    return {name: (seed * (i + 3) ** 2) % 9973 for i, name in enumerate(COUNTS)}


def traced(of):
    return {"name": of["name"], "id": of["id"],
            "classes": [{"class": j, "slot_bytes": c["slot_bytes"],
                         "cores": [{"core": i, **counts(i + 7 * j + 1),
                                    "waits": histogram(2e5 * 4 ** j, 300 * (i + 1))}
                                   for i in range(0, CORES, 2)]}
                        for j, c in enumerate(of["classes"])],
            "clients": [{"id": c["id"], "pid": c["pid"], "label": c["label"],
                         **counts(c["id"] % 97), "waits": histogram(1e6, 500)}
                        for c in of["clients"]],
            "steals": [{"from": a, "to": b, "segments": (a * 37 + b * 91) % 211}
                       for a in range(8) for b in range(8)
                       if a != b and (a * 3 + b) % 4 and (a * 37 + b * 91) % 211] +
            [{"to": 2, "segments": 17}, {"from": 3, "segments": 5}]}


def ebpf():
    return {"state": "attached", "reason": "", "backend": "uprobe_multi",
            "since_realtime_ns": NOW - 86_399 * SECOND, "lost_events": 3, "lost_steals": 2,
            "strangers_total": 21, "untracked": 1, "exits_seen_total": 15, "exits_told_total": 14,
            "probes": [{"probe": probe, "file": "/usr/lib/x86_64-linux-gnu/libthruster-client.so.0",
                        "inode": 1_234_567, "offset": 4096 + i * 77}
                       for i, probe in enumerate(("refill", "adopt", "ask", "ask", "wake"))],
            "fast_reclaim": {"state": "unavailable", "reason": "no BTF: <kernel> is too old"}}


def events(of):
    """What the tracing saw last, the oldest first."""
    now, seen = 99 * SECOND, []
    for i in range(40):
        seen.append({"event": ("exhausted", "long_wait", "reclaim")[i % 3], "arena": of["name"],
                     "monotonic_ns": now - (40 - i) ** 2 * 30_000_000, "class": i % 4})
        seen[-1].update(({"client_id": 65538}, {"client_id": 65539, "wait_ns": 1_234_567_890},
                         {"leases": 1200})[i % 3])
    return seen


def stats():
    waits = {"waits_total": 48_000, "waiters": 3, "waiters_peak": 41, "wait_timeouts_total": 6}
    busy = arena("default", 7, "served", [
        class_(256, 16384, 0.35, waiters=0, waiters_peak=2, wait_timeouts_total=0,
               waits=histogram(4e3, 900)),
        class_(4096, 8192, 0.97, waits=histogram(3e6, 48_000, 3.2), **waits),
        class_(4096, 2048, 0.02, stride=8192, waiters=0, waiters_peak=0, wait_timeouts_total=0,
               waits=histogram(1e6, 0)),
        open_class(1 << 20, 48, 31, waiters=1, waiters_peak=5, wait_timeouts_total=44,
                   waits=histogram(8e8, 700, 1.3))],
        [client(0, "camera-0", 1_200_000), client(1, HOSTILE, 77_000_000),
         client(2, "relay/worker", 31_000_000), client(3, "", 0),
         client(4, "a-name-as-long-as-one-may-be-sixty-three-characters-and-no-more", 9_000_000)])
    old = arena("default", 3, "retired", [class_(4096, 1024, 0.1)], [client(9, "old", 40_960)])
    return {"schema": "thruster.stats", "schema_version": 1, "timestamp_realtime_ns": NOW,
            "timestamp_monotonic_ns": 99 * SECOND,
            "daemon": {"version": "0.1.0", "pid": 812, "state": "running", "runs_total": 3,
                       "started_realtime_ns": NOW - 277_000 * SECOND, "connections": 9,
                       "connections_refused_total": 0, "protocol_violations_total": 1,
                       "set_aside_total": 1,
                       "set_aside": [{"name": "lost", "id": 2, "reason": "its ledger is <torn>"}]},
            "arenas": [old, busy],
            "reclaim": {"clients_total": 14, "leases_total": 612, "duration_last_ns": 91_000,
                        "duration_max_ns": 2_400_000, "duration": histogram(1.2e5, 14, 1.5)},
            "integrity": {"audits_total": 3600, "audit_faults_total": 0,
                          "audit_last_ns": 765_432},
            "contention": {"ebpf": ebpf(), "arenas": [traced(old), traced(busy)],
                           "events": events(busy)}}


def leases(document):
    found = [{"arena": "default", "class": i % 3, "slot": 64 * i + i, "slots": 1,
              "size_bytes": 4096, "state": "pending" if i % 7 == 3 else "leased",
              "age_ns": 8 * 3600 * SECOND // (i + 1), "client_id": c["id"], "pid": c["pid"],
              "label": c["label"]}
             for i, c in enumerate(document["arenas"][1]["clients"] * 4)][:20]
    for key in ("client_id", "pid", "label"):
        del found[5][key]
    return {"schema": "thruster.leases", "schema_version": 1, "timestamp_realtime_ns": NOW,
            "timestamp_monotonic_ns": 1, "leases_total": 12_345, "leases": found}


def material():
    document = stats()
    return {"host": "edge-07 <b>.example", "stats": document, "leases": leases(document)}
