# SPDX-License-Identifier: MIT
"""
The page of thrusterctl report: whole HTML of which no label can become a part, that a real browser
shows in light and dark, on a wide screen and a narrow one; and the file it is written to.
Arguments: the programs page and holder.
"""

import glob
import json
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import time

import browser
from reader import Reader as AnyReader
from material import HOSTILE, material

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lint"))

from host import Holder, Host  # noqa: E402 (found by the line above)
from tap import Tap, differences  # noqa: E402

PAGE, HOLDER = sys.argv[1:]
CONFIG = {"arenas": [
    {"name": "default", "max_clients": 8, "classes": [
        {"slot_bytes": 256, "slots": 500}, {"slot_bytes": 4096, "slots": 128},
        {"slot_bytes": 65536, "slots": 16}]},
    {"name": "quiet", "classes": [{"slot_bytes": 1500, "slots": 100}]}]}
LABEL = "<script>alert(1)</script>"
TAGS = set("""html head meta title style body header p h1 h2 h3 b span main div section em small
    table thead tbody tr th td i u svg line text rect figure figcaption ul li details summary
    footer code br""".split())
ATTRIBUTES = set("""lang charset http-equiv content name class style title role aria-label scope
    x y x1 x2 y1 y2 width height open""".split())
VOID = {"meta", "br", "line"}
LIGHT, DARK = {"page": (244, 246, 248), "leased": (45, 104, 196)}, \
    {"page": (14, 19, 24), "leased": (93, 151, 240)}


class Reader(AnyReader):
    TAGS, ATTRIBUTES, VOID = TAGS, ATTRIBUTES, VOID
    SPACE = r"[ \n]+"  # narrow ones are part of a number


def page_of(document, host):
    path = host.path("material.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)
    return subprocess.run((PAGE, "report", path), check=True, stdout=subprocess.PIPE,
                          encoding="utf-8", env=dict(os.environ, TZ="UTC")).stdout


def requests(page):
    """Whatever could make a browser ask for something."""
    return re.findall(r"(?i)https?:|\s(?:src|href|action)\s*=|url\(|@import|<link|<script", page)


def check_everything(tap, host):
    """Material in which there is everything that a daemon may say."""
    page = page_of(material(), host)
    reader = Reader(page)
    tap.check("everything: only our elements, all closed", reader.faults)
    tap.check("everything: no label becomes an element",
              reader.texts[re.sub(r"\s+", " ", HOSTILE)] >= 3)
    tap.check("everything: nothing is asked for", requests(page))
    tap.check("everything: the figures are there", reader.missing([
        "edge-07 <b>.example", "2025-10-09 08:53:20 UTC", "48\u202f211", "4\u202fKiB every 8\u202fKiB",
        "over quota", "retired", "nobody there", "no label", "its ledger is <torn>", "uprobe_multi", "from threads", "to threads",
        "no BTF: <kernel> is too old", "waits that timed out", "210", "from 7", "to 7", "core 11",
        "/usr/lib/x86_64-linux-gnu/libthruster-client.so.0", "8\u202fh 00\u202fmin",
        "a long wait", "reclaimed", "What the tracing saw last"]))
    tap.check("everything: a histogram for each class that has waits, and for reclaims",
              page.count("<svg class=histogram") == 3 + 1 + 1)
    bars = [sum(b["count"] > 0 for b in h["buckets"])
            for h in (c["waits"] for c in material()["stats"]["arenas"][1]["classes"])]
    served = page[page.index("<em class=\"pill good\">served"):page.index("pill warn\">retired")]
    tap.check("everything: a bar for each bucket", served.count("<rect ") == sum(bars))
    tap.check("everything: nothing is said to be not traced", len(reader.missing(["not traced"])) == 1)
    tap.check("everything: no bar is longer than its room",
              [w for w in re.findall(r"(?:width|left):([\d.]+)%", page) if float(w) > 100.001])
    shades = re.findall(r"--v:([\d.]+)", page)
    tap.check("everything: shades go from 0 to 1",
              len(shades) > 100 and "1.000" in shades and max(map(float, shades)) <= 1)


def check_gaps(tap, host):
    """What there is not must be said, and not drawn."""
    reader = Reader(page_of({}, host))
    tap.check("of nothing there is still a page",
              reader.faults + reader.missing(["Nothing is leased", "Nothing stands out"]))
    document = material()
    contention = document["stats"]["contention"]
    del contention["arenas"], contention["events"], document["stats"]["integrity"], document["stats"]["reclaim"]["duration"]
    contention["ebpf"] = {"state": "unavailable", "reason": "it is <forbidden>"}
    for arena in document["stats"]["arenas"]:
        for c in arena["classes"]:
            c.pop("waits", None)
        for client in arena["clients"]:
            del client["wait_max_ns"]
    page = page_of(document, host)
    reader = Reader(page)
    tap.check("without tracing the page is whole", reader.faults)
    tap.check("and says why, where a picture would be",
              reader.texts["not traced: it is <forbidden>"] == 4 and "<svg" not in page)


def many_cores(document, n):
    for arena in document["stats"]["arenas"]:
        for c in arena["classes"]:
            c["cores"] = [dict(c["cores"][i % 12], core=i) for i in range(n)]
    traced = document["stats"]["contention"]["arenas"][1]
    traced["steals"] = [{"from": i, "to": (i * 7 + 1) % n, "segments": i + 1} for i in range(n)]
    clients = document["stats"]["arenas"][1]["clients"]
    clients += [dict(clients[0], id=70000 + i, label=f"c{i}") for i in range(300)]
    return document


def check_many(tap, host):
    page = page_of(many_cores(material(), 300), host)
    reader = Reader(page)
    tap.check("300 cores and clients: the page is whole, and says what it leaves out",
              reader.faults + reader.missing(["The 50 with the most bytes, of 305",
                                               "Only 256 cores are shown"]))


def save(host, name, content):
    path = host.path(name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
    return path


def look_at(tap, host, eyes, name, page):
    path = save(host, "look.html", page)
    for width, height, is_dark in ((1280, 2400, False), (1280, 2400, True), (420, 2400, False)):
        size, first, colours = eyes.picture(path, width, height, is_dark)
        wanted = DARK if is_dark else LIGHT
        what = f"{name}, {width} pixels wide, {'dark' if is_dark else 'light'}"
        tap.check(f"{what}: a picture of that size", size == (width, height))
        tap.check(f"{what}: it is not blank", len(colours) > 100)
        tap.check(f"{what}: in the colours of the scheme",
                  first == wanted["page"] and colours.get(wanted["leased"], 0) > 300)


def check_in_browser(tap, host, page):
    missing = browser.missing()
    if missing:
        tap.skip("a browser shows the page", missing)
        return
    eyes = browser.Browser(host.directory)
    everything = page_of(material(), host)
    look_at(tap, host, eyes, "a daemon's page", page)
    look_at(tap, host, eyes, "everything", everything)
    loaded = Reader(eyes.text(save(host, "look.html", page)))
    tap.check("a browser reads the page as it was meant",
              [f for f in loaded.faults if not f.startswith("</")])
    tap.check("a browser reads the label as text", loaded.texts[LABEL] >= 2)
    tap.check("nothing ran", loaded.texts["Thruster on " + os.uname().nodename] == 1)
    # Nor would it if the page did not forbid it.
    bare = re.sub(r"<meta http-equiv=Content-Security-Policy[^>]*>", "", everything)
    loaded = Reader(eyes.text(save(host, "look.html", bare)))
    tap.check("nothing runs even where the page does not forbid it",
              bare != everything and loaded.texts["Thruster on edge-07 <b>.example"] == 1)


def make_things_happen(host):
    first, second = Holder(HOLDER, host, LABEL), Holder(HOLDER, host, "relay worker")
    return first, second, [first.do("rent 200 120"), first.do("rent 4000 50"),
                           second.do("rent 60000 3"), second.do("rent 4000 1000"),
                           first.do("return 10"), first.do(f"hand {second.id}")]


def see_daemon(tap, host):
    first, second, got = make_things_happen(host)
    tap.check("two clients rent until nothing is left, return and hand over",
              got[:3] == [120, 50, 3] and got[3] > 12 and got[4:] == [10, 0])
    run = host.ctl("report", "--output", "-")
    reader = Reader(run.stdout)
    stats = host.ask("stats")
    tap.check("a page on standard output, without a complaint",
              (run.returncode, run.stderr) == (0, ""))
    tap.check("only our elements, all closed", reader.faults)
    tap.check("nothing is asked for", requests(run.stdout))
    tap.check("the label is text", reader.texts[LABEL] >= 2)
    large = stats["arenas"][0]["classes"][1]
    tap.check("what happened is there", reader.missing([
        os.uname().nodename, "thrusterd", stats["daemon"]["version"], "default", "quiet", "256\u202fB",
        "4\u202fKiB", "relay_worker", "rents that found none free", str(large["leased"]),
        "handed over, not yet accepted", "The oldest 20 of"]))
    tap.check("what is not traced is said to be so",
              stats["contention"]["ebpf"]["state"] == "attached" or
              reader.texts["not traced: " + stats["contention"]["ebpf"]["reason"]] >= 2)
    material_ = host.ask("report")
    tap.check("--json prints what the page is made of",
              material_["stats"]["schema"] == "thruster.stats" and
              len(material_["leases"]["leases"]) == 20)
    check_files(tap, host)
    check_in_browser(tap, host, run.stdout)
    tap.check("clients detach", [first.detach(), second.detach()] == [0, 0])


def limited():
    """No file of more than 1000 bytes, as on a full disk. Python ignores SIGXFSZ."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


def check_files(tap, host):
    here = host.path("here")
    os.mkdir(here)

    def report(*arguments, **more):
        return host.ctl("report", *arguments, cwd=here, **more)

    def listing():
        return sorted(os.listdir(here))

    run = report()
    names = listing()
    tap.check("without --output the file has the time in its name, and the name is printed",
              len(names) == 1 and run.stdout == names[0] + "\n" and
              bool(re.fullmatch(r"thruster-report-\d{8}-\d{6}\.html", names[0])))
    tap.check("it is a whole page",
              open(os.path.join(here, names[0]), encoding="utf-8").read().endswith("</html>\n"))
    os.unlink(os.path.join(here, names[0]))
    for i in range(60):
        name = time.strftime("thruster-report-%Y%m%d-%H%M%S.html", time.localtime(time.time() + i))
        open(os.path.join(here, name), "w", encoding="utf-8").close()
    run = report()
    tap.check("what is there and was not named is not replaced",
              run.returncode == 1 and "File exists; name another with --output" in run.stderr and
              not any(os.path.getsize(p) for p in glob.glob(here + "/*")) and len(listing()) == 60)
    for path in glob.glob(here + "/*"):
        os.unlink(path)

    target = os.path.join(here, "target")
    with open(target, "w", encoding="utf-8") as file:
        file.write("old")
    os.symlink("target", os.path.join(here, "link"))
    run = report("--output", "link", preexec_fn=limited, restore_signals=False)
    tap.check("a full disk is an error that leaves no half page, and the one before",
              run.returncode == 1 and "cannot write link: File too large" in run.stderr and
              listing() == ["link", "target"] and open(target, encoding="utf-8").read() == "old")
    run = report("-o", "link", preexec_fn=lambda: os.umask(0o027))
    tap.check("what --output names is replaced, through a link",
              run.returncode == 0 and listing() == ["link", "target"] and
              os.path.islink(os.path.join(here, "link")) and os.path.getsize(target) > 10000)
    tap.check("who may read it is for the umask to say",
              stat.S_IMODE(os.stat(target).st_mode) == 0o640)
    run = report("--output", "/dev/full")
    tap.check("a device is written to and stays one",
              run.returncode == 1 and "No space left" in run.stderr and
              stat.S_ISCHR(os.stat("/dev/full").st_mode))
    run = report("--output", "-", stdin=subprocess.DEVNULL,
                 preexec_fn=lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 1))
    tap.check("standard output that is full is an error",
              run.returncode == 1 and "No space left" in run.stderr)
    for output, words in ((".", "Is a directory"), ("no/such", "No such file or directory")):
        run = report("--output", output)
        tap.check(f"--output {output}: an error that says what",
                  run.returncode == 1 and f"cannot write {output}: {words}" in run.stderr)
    tap.check("nothing else was written", differences("here", listing(), "it", ["link", "target"]))
    nobody = report("--socket", "/nowhere")
    tap.check("no daemon: status 3 and no page",
              nobody.returncode == 3 and listing() == ["link", "target"])


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    tap = Tap()
    with Host(CONFIG) as host:
        check_everything(tap, host)
        check_gaps(tap, host)
        check_many(tap, host)
        see_daemon(tap, host)
    tap.check("the daemon ends well", host.daemon.returncode == 0)
    tap.done()


main()
