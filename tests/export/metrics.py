# SPDX-License-Identifier: MIT
"""
thrusterctl metrics is OpenMetrics by the word of a parser that is not ours, says what the
statistics say, and is what docs/metrics.md promises. Arguments: the programs page and holder.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile

from material import HOSTILE, stats as everything

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lint"))

from host import Holder, Host  # noqa: E402 (found by the line above)
from tap import Tap, differences, text  # noqa: E402

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    print("1..0 # SKIP the Python module prometheus_client is not there (Debian: "
          "python3-prometheus-client)")
    sys.exit(0)

PAGE, HOLDER = sys.argv[1:]
CONFIG = {"arenas": [
    {"name": "default", "max_clients": 8, "quota": {"leases": 500}, "classes": [
        {"slot_bytes": 4096, "slots": 33}, {"slot_bytes": 4096, "slots": 9, "align_bytes": 8192},
        {"slot_bytes": 256, "slots": 200}]},
    {"name": "other", "classes": [{"slot_bytes": 64, "slots": 1}]}]}
FORBIDDEN = {"type", "instance", "job", "env"}
BOUNDS = [2 ** k for k in range(10, 37)]
# Another value at each question.
RESTLESS = {"thruster_arena_snapshot_duration_seconds"}


def families():
    return json.loads(subprocess.run((PAGE, "families"), check=True, stdout=subprocess.PIPE).stdout)


def metrics_of(document, *choice):
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        return subprocess.run((PAGE, "metrics", file.name, *choice), check=True,
                              stdout=subprocess.PIPE, encoding="utf-8").stdout


# What should be printed, worked out anew from the table and the statistics.

def at(document, path):
    for key in path.split(".") if path else ():
        document = document.get(key) if isinstance(document, dict) else None
    return document


def label_list(labels, found, index):
    for pair in filter(None, labels.split(",")):
        name, path = pair.split("=")
        value = index if path == "#" else at(found, path)
        yield name, "" if value is None else str(value)


def objects(document, scope):
    """The objects of a scope, each with its labels."""
    found = [(at(document, scope["root"]), {})]
    for array, labels in scope["steps"]:
        found = [(inner, {**outer_labels, **dict(label_list(labels, inner, i))})
                 for outer, outer_labels in found if outer
                 for i, inner in enumerate(outer.get(array) or ())]
    return [(o, labels) for o, labels in found if o is not None]


def values_at(found, path):
    if "[]." in path:
        array, _, rest = path.partition("[].")
        array = at(found, array)
        return None if array is None else [at(x, rest) for x in array]
    return [at(found, path)]


def number(found, path):
    if path.endswith("#"):
        array = at(found, path[:-1])
        return None if array is None else len(array)
    if "=" in path:
        path, word = path.split("=")
        value = at(found, path)
        return None if value is None else int(value == word)
    values = values_at(found, path)
    if values is None or values == [None]:
        return None
    total = sum(v or 0 for v in values)
    return total / 1e9 if "_ns" in path else int(total)


def histogram_samples(name, labels, histograms):
    buckets = [b for h in histograms for b in h["buckets"]]
    count = sum(b["count"] for b in buckets)
    for bound in BOUNDS:
        yield name + "_bucket", {**labels, "le": repr(bound / 1e9)}, \
            sum(b["count"] for b in buckets if b["le"] <= bound)
    yield name + "_bucket", {**labels, "le": "+Inf"}, count
    yield name + "_sum", labels, sum(h["sum"] for h in histograms) / 1e9
    yield name + "_count", labels, count


def samples(document, family):
    name, scope = family["name"], family["scope"]
    for found, labels in objects(document, scope):
        if family["is_info"]:
            yield name, {**labels, **dict(label_list(family["path"], found, 0))}, 1
            continue
        if family["type"] == "histogram":
            histograms = [h for h in values_at(found, family["path"]) or () if h is not None]
            if not histograms:
                continue
            yield from histogram_samples(name, labels, histograms)
        else:
            value = number(found, family["path"])
            if value is None:
                continue
            yield name + ("_total" if family["type"] == "counter" else ""), labels, value
        created = scope.get("created")
        if created and family["type"] in ("counter", "histogram"):
            since = at(document, created[1:]) if created[0] == "/" else at(found, created)
            if since is not None:
                yield name + "_created", labels, since / 1e9


def expected(document, with_cores=True, with_clients=True):
    return {(name, tuple(sorted(labels.items()))): value
            for family in families()
            if (with_cores or not family["scope"]["cores"])
            and (with_clients or not family["scope"]["clients"])
            for name, labels, value in samples(document, family)}


def parse(printed):
    return list(text_string_to_metric_families(printed))


def series(parsed):
    return [((s.name, tuple(sorted(s.labels.items()))), s.value)
            for family in parsed for s in family.samples]


def rules(printed, parsed):
    """What a parser may let pass."""
    faults = []
    if not printed.endswith("\n# EOF\n") or printed.count("# EOF") != 1 + printed.count("\\n# EOF"):
        faults.append("does not end with # EOF")
    if "\r" in printed or "\n\n" in printed:
        faults.append("carriage returns, or empty lines")
    heads = re.findall(r"^# (TYPE|UNIT|HELP) (\S+)", printed, re.M)
    for family in parsed:
        order = [kind for kind, name in heads if name == family.name]
        if order != ["TYPE", "UNIT", "HELP"] and order != ["TYPE", "HELP"]:
            faults.append(f"{family.name}: its head is {order}")
        if family.type not in ("gauge", "counter", "histogram"):
            faults.append(f"{family.name}: {family.type} is nothing that older readers know")
        bounds = {}
        for s in family.samples:
            key = tuple(sorted((k, v) for k, v in s.labels.items() if k != "le"))
            if s.name.endswith("_bucket"):
                bounds.setdefault(key, []).append(s.labels["le"])
            faults += [f"{s.name}: a label {l}" for l in FORBIDDEN & set(s.labels)]
            if s.name == family.name + "_total" and family.type != "counter":
                faults.append(f"{s.name}: is no counter")
        if any(b != [repr(x / 1e9) for x in BOUNDS] + ["+Inf"] for b in bounds.values()):
            faults.append(f"{family.name}: the buckets are not those that they always are")
        if not re.fullmatch(r"[A-Z0-9].*\.", family.documentation):
            faults.append(f"{family.name}: its help is no sentence")
    keys = [key for key, _ in series(parsed)]
    faults += sorted({f"{key}: twice" for key in keys if keys.count(key) > 1}) \
        if len(keys) != len(set(keys)) else []
    return faults


def unlike(got, wanted):
    got, wanted = dict(got), dict(wanted)
    return differences("what is printed", got, "the statistics", wanted) + \
        [f"{key}: {got[key]}, must be {wanted[key]}" for key in got.keys() & wanted.keys()
         if abs(got[key] - wanted[key]) > 1e-9 * abs(wanted[key])]


def documented():
    """Of docs/metrics.md: heading, its labels, and the rows below it."""
    found, labels = set(), {}
    heading = None
    for line in text("docs/metrics.md").splitlines():
        if line.startswith("### "):
            heading = line[4:]
        elif line.startswith("Labels: "):
            labels[heading] = re.findall(r"`(\w+)`", line)
        m = re.fullmatch(r"\| `(\w+)` \| (\w+)(, info)? \| (\w*) \| `([^`]*)` \| (.*) \|", line)
        if m:
            found.add((heading, m[1], m[2], bool(m[3]), m[4], m[5], m[6]))
    return found, labels


def check_documentation(tap):
    table = {(f["scope"]["title"], f["name"], f["type"], f["is_info"], f.get("unit", ""),
              f["path"], f["help"]) for f in families()}
    rows, labels = documented()
    tap.check("there are families", len(table) > 100)
    tap.check("docs/metrics.md lists the families of the table",
              differences("docs/metrics.md", rows, "the table", table))
    tap.check("docs/metrics.md tells each scope's labels",
              [f"{f['scope']['title']}: {labels.get(f['scope']['title'])}" for f in families()
               if labels.get(f["scope"]["title"], []) !=
               [pair.split("=")[0] for _, l in f["scope"]["steps"] for pair in l.split(",")]])


def check_everything(tap):
    document = everything()
    printed = metrics_of(document, "cores", "clients")
    parsed = parse(printed)
    tap.check("statistics that have everything: a parser takes it", len(parsed) > 100)
    tap.check("every family of the table is printed, and none else",
              differences("what is printed", [f.name for f in parsed], "the table",
                          [f["name"] for f in families()]))
    tap.check("type, unit and help are those of the table",
              differences("what is printed", [(f.name, f.type, f.unit, f.documentation)
                                              for f in parsed],
                          "the table", [(f["name"], f["type"], f.get("unit", ""), f["help"])
                                        for f in families()]))
    tap.check("the rules that a parser may let pass are kept", rules(printed, parsed))
    tap.check("every series has the value of the statistics",
              unlike(series(parsed), expected(document)))
    labels = {s.labels.get("label") for f in parsed for s in f.samples}
    tap.check("a hostile label comes back as it was", HOSTILE in labels)
    arenas = {(s.labels["arena"], s.labels["arena_id"]) for f in parsed for s in f.samples
              if f.name == "thruster_arena_retired"}
    tap.check("two arenas of one name are told apart",
              arenas == {("default", "3"), ("default", "7")})
    classes = [s.labels["class_index"] for f in parsed for s in f.samples
               if f.name == "thruster_class_slots" and s.labels["arena_id"] == "7"
               and s.labels["class"] == "4096"]
    tap.check("two classes of one size are told apart", classes == ["1", "2"])
    tap.check("times since 1970 are exact to the nanosecond",
              "thruster_daemon_start_time_seconds 1759723000.123456789\n" in printed)
    tap.check("whole numbers have no point",
              re.findall(r"_(?:count|bucket|slots|leases)(?:\{.*\})? \d+\.\d+$", printed, re.M))


def check_choice(tap):
    document = everything()
    for choice in ((), ("cores",), ("clients",)):
        printed = metrics_of(document, *choice)
        tap.check(f"with {' '.join(choice) or 'nothing chosen'} there is what is chosen",
                  unlike(series(parse(printed)),
                         expected(document, "cores" in choice, "clients" in choice)))
        if "clients" not in choice:
            tap.check(f"with {' '.join(choice) or 'nothing chosen'} no client is named",
                      not re.search(r"label=|pid=|client=|camera", printed))


def check_gaps(tap):
    tap.check("of nothing there is nothing but the end", metrics_of({}) == "# EOF\n")
    document = everything()
    del document["contention"]["arenas"]
    document["contention"]["ebpf"] = {"state": "unavailable", "reason": 'no "BTF"\n'}
    parsed = parse(metrics_of(document, "cores", "clients"))
    tap.check("without tracing nothing is said to be traced",
              [f.name for f in parsed if "traced" in f.name])
    values = dict(series(parsed))
    tap.check("and why is told", values.get(("thruster_ebpf_attached", ())) == 0 and values.get(
        ("thruster_ebpf_info", (("backend", ""), ("reason", 'no "BTF"\n'),
                                ("state", "unavailable")))) == 1)
    # Longer than the last bound, and a bound that is no power of two.
    document = {"reclaim": {"duration": {"sum": 1, "buckets": [
        {"le": 1, "count": 2}, {"le": 1025, "count": 3}, {"le": 2 ** 40, "count": 5}]}}}
    got = {labels: value for (name, labels), value in series(parse(metrics_of(document)))
           if name.endswith("_bucket")}
    tap.check("what is longer than the last bucket is counted, and what lies between two",
              list(got.values())[:2] == [2, 5] and list(got.values())[-2:] == [5, 10])


def see_daemon(tap, host):
    first = Holder(HOLDER, host, 'a"b\\c\nd{e="f"} 1\n# EOF')
    second = Holder(HOLDER, host, "second")
    got = [first.do("rent 200 50"), first.do("rent 4000 30"), second.do("rent 200 20"),
           second.do("rent 4000 1000"), first.do("return 7"), first.do(f"hand {second.id}")]
    tap.check("two clients rent until nothing is left, return and hand over",
              got[:3] == [50, 30, 20] and got[3] >= 12 and got[4:] == [7, 0])
    before = host.ask("stats")
    run = host.ctl("metrics", "--cores", "--clients")
    after = host.ask("stats")
    parsed = parse(run.stdout)
    tap.check("a daemon's metrics: printed, without a complaint",
              (run.returncode, run.stderr) == (0, ""))
    tap.check("a daemon's metrics: the rules are kept", rules(run.stdout, parsed))
    low, high, values = expected(before), expected(after), dict(series(parsed))
    tap.check("a daemon's metrics: the series are those of stats --json",
              differences("metrics", values, "stats --json", high))
    tap.check("a daemon's metrics: the values are those of stats --json",
              [f"{key}: {value}, not {low.get(key)} to {high.get(key)}"
               for key, value in values.items()
               if key[0] not in RESTLESS and key in low and key in high and
               not min(low[key], high[key]) - 1e-3 <= value <= max(low[key], high[key]) + 1e-3])
    tap.check("they are not all 0", sum(v > 0 for v in values.values()) > 50)
    shown = {key: v for key, v in values.items() if key[0] == "thruster_client_leases"}
    tap.check("a hostile label stays within its quotes",
              sorted(shown.values()) == [got[2] + got[3] + 1, 72] and len(shown) == 2)
    few = host.ctl("metrics")
    tap.check("without --clients and --cores there are only sums",
              unlike({k: 0 for k in dict(series(parse(few.stdout)))},
                     {k: 0 for k in expected(after, False, False)}))
    tap.check("--json prints the statistics that metrics are made of",
              host.ask("metrics")["schema"] == "thruster.stats")
    full = host.ctl("metrics", preexec_fn=lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 1))
    tap.check("a full disk is an error", full.returncode == 1 and "No space left" in full.stderr)
    nobody = host.ctl("metrics", "--socket", "/nowhere")
    tap.check("no daemon: status 3, and not one line that could be taken for metrics",
              (nobody.returncode, nobody.stdout) == (3, "") and "no daemon" in nobody.stderr)
    tap.check("clients detach", [first.detach(), second.detach()] == [0, 0])


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tap = Tap()
    check_documentation(tap)
    check_everything(tap)
    check_choice(tap)
    check_gaps(tap)
    with Host(CONFIG) as host:
        see_daemon(tap, host)
    tap.check("the daemon ends well", host.daemon.returncode == 0)
    tap.done()


main()
