# SPDX-License-Identifier: MIT
"""
What a real daemon says is what docs/stats.schema.json promises, and the figures add up. Argument:
the program holder; thrusterd and thrusterctl come from the environment.
"""

import copy
import json
import os
import signal
import subprocess
import sys

from host import WAIT_S, Holder, Host
from tap import Tap, text

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP the Python module jsonschema is not there (Debian: python3-jsonschema)")
    sys.exit(0)

CONFIG = {"arenas": [
    {"name": "default", "max_clients": 8, "classes": [
        {"slot_bytes": 4096, "slots": 33, "align_bytes": 4096},
        {"slot_bytes": 256, "slots": 100}]},
    {"name": "other", "classes": [{"slot_bytes": 64, "slots": 1}]}]}


def validator(schema, definition=None):
    if definition:
        schema = {"$schema": schema["$schema"], "$ref": f"#/$defs/{definition}",
                  "$defs": schema["$defs"]}
    return jsonschema.Draft202012Validator(schema)


def complaints(schema, document):
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:150]}"
            for e in schema.iter_errors(document)]


def core_sums(c):
    """What the cores of a class must have together; threads may hold segments too."""
    slots, leased, takeable, rents, restarts = (
        sum(core[key] for core in c["cores"])
        for key in ("slots", "leased", "takeable", "rents_total", "restarts_total"))
    if c["claim"] == "open" and (slots, leased, takeable) != (c["slots"], c["leased"], 0):
        yield f"open, and the cores have {slots} slots, {leased} leased, {takeable} takeable"
    if slots > c["slots"] or leased > c["leased"] or takeable != c["takeable"]:
        yield f"the cores have {slots} slots, {leased} leased, {takeable} takeable"
    if c["takeable"] > slots - leased or slots - leased + c["unheld"] > c["free"] > c["slots"]:
        yield f"{c['takeable']} takeable, {c['unheld']} unheld, {c['free']} free"
    # One more for each client that was killed after it had counted.
    if not c["rents_total"] <= rents <= c["rents_total"] + restarts + 2:
        yield f"the cores begun {rents} leases, with {restarts} restarts, of {c['rents_total']}"


def sums(stats):
    """What must add up in a quiet arena."""
    faults = []

    def equal(where, what, a, b):
        if a != b:
            faults.append(f"{where}: {what}: {a} and {b}")

    for arena in stats["arenas"]:
        for i, c in enumerate(arena["classes"]):
            where = f"{arena['name']}, class {i}"
            equal(where, "free + leased, slots", c["free"] + c["leased"], c["slots"])
            leases = c["rents_total"] - c["returns_total"] - c["reclaimed_total"]
            if not leases <= c["leased"] <= 64 * leases:
                faults.append(f"{where}: {leases} leases, {c['leased']} slots")
            faults += [f"{where}: {fault}" for fault in core_sums(c)]
            for name in ("exhausted_total", "retries_total"):
                equal(where, f"{name} of cores", sum(x[name] for x in c["cores"]), c[name])
            if not (c["free_min"] <= c["free"] and c["leased"] <= c["leased_peak"] <= c["slots"]):
                faults.append(f"{where}: free_min or leased_peak")
        equal(arena["name"], "leases of classes and clients",
              sum(c["rents_total"] - c["returns_total"] - c["reclaimed_total"]
                  for c in arena["classes"]),
              sum(c["leased"] for c in arena["clients"]))
        equal(arena["name"], "leased_bytes of clients",
              sum(c["leased"] * c["stride_bytes"] for c in arena["classes"]),
              sum(c["leased_bytes"] for c in arena["clients"]))
    equal("reclaim", "leases_total", stats["reclaim"]["leases_total"],
          sum(c["reclaimed_total"] for a in stats["arenas"] for c in a["classes"]))
    return faults


def objects(document, path=()):
    """The paths of all objects in a document."""
    if isinstance(document, dict):
        yield path
        for key, value in document.items():
            yield from objects(value, path + (key,))
    elif isinstance(document, list):
        for i, value in enumerate(document):
            yield from objects(value, path + (i,))


def at(document, path):
    for key in path:
        document = document[key]
    return document


def let_pass(schema, document, spoil):
    """Spoil each object of a document in turn; those that the schema does not refuse."""
    passed = []
    for path in objects(document):
        for spoiled, what in spoil(document, path):
            if schema.is_valid(spoiled):
                passed.append(f"{'/'.join(map(str, path)) or 'the top'}: {what}")
    return passed


def without_a_key(document, path):
    for key in at(document, path):
        spoiled = copy.deepcopy(document)
        del at(spoiled, path)[key]
        yield spoiled, f"without {key}"


def with_a_key(document, path):
    spoiled = copy.deepcopy(document)
    at(spoiled, path)["surprise"] = 1
    yield spoiled, "with a surprise"


def of_another_type(document, path):
    for key, value in at(document, path).items():
        for wrong in (None, -1, 1.5, [1], {"x": 1}, "\x07" if isinstance(value, str) else "1"):
            spoiled = copy.deepcopy(document)
            at(spoiled, path)[key] = wrong
            if not (key in ("version", "reason") and isinstance(wrong, str)):
                yield spoiled, f"{key}: {wrong!r}"


def look_at_documents(tap, schema, host):
    for command, definition in (("stats", None), ("clients", "clients_document"),
                                ("leases", "leases_document"),
                                ("check", "check_document")):
        v = validator(schema, definition)
        document = host.ask(command)
        tap.check(f"{command}: the document is as the schema says", complaints(v, document))
        tap.check(f"{command}: one without one of its keys is refused",
                  let_pass(v, document, without_a_key))
        tap.check(f"{command}: one with a key too many is refused",
                  let_pass(v, document, with_a_key))
        tap.check(f"{command}: one with a value of another type is refused",
                  let_pass(v, document, of_another_type))
    document = host.ask("leases", "--by", "client")
    tap.check("leases --by client: the document is as the schema says",
              complaints(validator(schema, "leases_document"), document) or
              len(document["by_client"]) == 2)


def verdicts(tap, schema):
    v = validator(schema, "verdict")
    sound = {"arena": "default", "ok": True, "slots_seen": 133}
    broken = dict(sound, ok=False, rule="owner", must_hold="x", slot=3, record="0x" + "0" * 16)
    broken["class"] = 0
    tap.check("a verdict of a broken rule is as the schema says", complaints(v, broken))
    tap.check("a verdict that is not ok must say why", not v.is_valid(dict(sound, ok=False)))
    tap.check("a verdict that is ok has no rule", not v.is_valid(dict(broken, ok=True)))


def suspects(tap, schema):
    v = validator(schema, "lease")
    young = {"arena": "default", "slot": 0, "slots": 1, "size_bytes": 64, "state": "leased",
             "age_ns": 0, "suspect": False}
    young["class"] = 0
    old = dict(young, suspect=True, why="old: it is 70 s old, and so on")
    tap.check("a suspect is as the schema says", complaints(v, old))
    tap.check("a suspect must say why", not v.is_valid(dict(young, suspect=True)))
    tap.check("what is no suspect has no reason", not v.is_valid(dict(old, suspect=False)))


def look_at_boards(tap, schema, host):
    """A daemon that is stopped; the test must be its user, or root, and is."""
    running = host.ask("stats")
    host.daemon.send_signal(signal.SIGSTOP)
    out = subprocess.run((os.environ["THRUSTERCTL"], "stats", "--json", "--timeout", "1"),
                         env=host.environment, check=False, capture_output=True, encoding="utf-8",
                         timeout=WAIT_S)
    host.daemon.send_signal(signal.SIGCONT)
    tap.check("a daemon that hangs is no daemon that answers", out.returncode == 3)
    v, boards = validator(schema), json.loads(out.stdout)
    tap.check("what the boards say is as the schema says", complaints(v, boards))
    tap.check("boards: a document without one of its keys is refused",
              let_pass(v, boards, without_a_key))
    tap.check("boards: one with a key too many is refused", let_pass(v, boards, with_a_key))
    tap.check("boards: one with a value of another type is refused",
              let_pass(v, boards, of_another_type))
    tap.check("a daemon that answers may not leave out what boards have not",
              not v.is_valid(dict(boards, daemon=running["daemon"])) and
              not v.is_valid(dict(running, daemon=boards["daemon"])))


def look(tap, schema, host):
    stats_schema = validator(schema)
    empty = host.ask("stats")
    tap.check("an idle daemon's statistics are as the schema says", complaints(stats_schema, empty))
    tap.check("an idle daemon's figures add up", sums(empty))
    tap.check("nothing is leased, nobody is there",
              all(c["leased"] == c["rents_total"] == 0 and c["free_min"] == c["slots"]
                  for a in empty["arenas"] for c in a["classes"]) and
              not any(a["clients"] for a in empty["arenas"]))

    first, second = Holder(sys.argv[1], host, "first one"), Holder(sys.argv[1], host, "second")
    got = [first.do("rent 200 5"), first.do("rent 4000 3"), second.do("rent 200 2"),
           first.do(f"hand {second.id}")]
    tap.check("two clients rent and hand over", got == [5, 3, 2, 0])
    stats = host.ask("stats")
    small, large = stats["arenas"][0]["classes"]
    clients = {c["id"]: c for c in stats["arenas"][0]["clients"]}
    tap.check("the figures add up while leases are held", sums(stats))
    tap.check("classes are in ascending order",
              [small["slot_bytes"], large["slot_bytes"]] == [256, 4096])
    tap.check("the classes' figures are what was done",
              [small["leased"], small["rents_total"], large["leased"], large["pending"]]
              == [7, 7, 3, 1])
    tap.check("the clients' figures are what was done",
              [clients[first.id]["leased"], clients[first.id]["hand_overs_total"],
               clients[second.id]["leased"], clients[first.id]["label"]]
              == [7, 1, 3, "first_one"])
    tap.check("a lease on its way is said to be pending, and the receiver's",
              [l["client_id"] for l in host.ask("leases")["leases"] if l["state"] == "pending"]
              == [second.id])
    look_at_documents(tap, schema, host)

    look_at_boards(tap, schema, host)

    second.process.kill()
    stats = host.await_stats(lambda s: s["reclaim"]["clients_total"] == 1)
    tap.check("a killed client is reclaimed, with what was on its way to it",
              [stats["reclaim"]["clients_total"], stats["reclaim"]["leases_total"]] == [1, 3])
    tap.check("the figures add up after a reclaim", sums(stats))
    tap.check("the statistics after a reclaim are as the schema says",
              complaints(stats_schema, stats))

    got = [first.do("return 2"), first.do("rent 4000 1000")]
    stats = host.ask("stats")
    small, large = stats["arenas"][0]["classes"]
    # The last of them are runs of small ones, where cores hold these.
    tap.check("a class is exhausted", got[0] == 2 and got[1] >= 33 and large["free"] == 0)
    tap.check("exhaustion is counted where the size would have fitted",
              small["exhausted_total"] == 0 < large["exhausted_total"] and
              large["leased_peak"] == 33)
    tap.check("the figures add up when a class is exhausted", sums(stats))

    tap.check("a client detaches", first.detach() == 0)
    stats = host.ask("stats")
    tap.check("the figures add up when all have left", sums(stats))
    tap.check("all is free again",
              all(c["leased"] == 0 for a in stats["arenas"] for c in a["classes"]))
    tap.check("leaving is no reclaim", stats["reclaim"]["clients_total"] == 1)
    tap.check("the last statistics are as the schema says", complaints(stats_schema, stats))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tap = Tap()
    schema = json.loads(text("docs/stats.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    verdicts(tap, schema)
    suspects(tap, schema)
    with Host(CONFIG) as host:
        look(tap, schema, host)
    tap.check("the daemon ends well", host.daemon.returncode == 0)
    tap.done()


main()
