# SPDX-License-Identifier: MIT
"""
`thrusterctl top` as its user sees it: on a terminal, over a real daemon with real clients. Argument:
the program holder; thrusterd and thrusterctl come from the environment.
"""

import os
import re
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(1, os.path.join(ROOT, "tests", "lint"))

from host import WAIT_S, Holder, Host  # noqa: E402 (found by the line above)
from tap import Tap  # noqa: E402

try:
    from terminal import Terminal
except ImportError:
    print("1..0 # SKIP the Python module pyte is not there (Debian: python3-pyte)")
    sys.exit(0)

CONFIG = {"arenas": [
    {"name": "default", "max_clients": 8, "classes": [
        {"slot_bytes": 1024, "slots": 1000},
        {"slot_bytes": 4096, "slots": 256},
        {"slot_bytes": 65536, "slots": 64}]},
    {"name": "capture", "max_clients": 8, "classes": [{"slot_bytes": 1000000, "slots": 4}]}]}

SIZES = {1024: "1.0K", 4096: "4.0K", 65536: "64K", 1000000: "977K"}
HALF, FULL = "\u258c", "\u2588"
BODY = 4  # the first line below the titles


def environment(host, **more):
    inherited = {k: v for k, v in host.environment.items() if k not in ("NO_COLOR", "LC_ALL")}
    return dict(inherited, TERM="xterm-256color", LANG="C.UTF-8", **more)


def top(host, *options, size=(80, 24), **more):
    return Terminal((os.environ["THRUSTERCTL"], "top", *options), environment(host, **more), *size)


def run(host, *options, **more):
    return subprocess.run((os.environ["THRUSTERCTL"], "top", *options), env=environment(host, **more),
                          stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
                          timeout=WAIT_S)


def body(lines):
    return [line for line in lines[BODY:-1] if line]


def row(lines, start):
    """The words of the first line below the titles whose first words are these."""
    start = start.split()
    for line in body(lines):
        if line.split()[:len(start)] == start:
            return line.split()
    return []


def bar_ends(bar, leased, slots):
    """Is a bar right? By halves of a cell; something is seen of whatever is not 0."""
    halves = leased * 2 * len(bar) // slots
    if leased and not halves:
        halves = 1
    return bar.count(FULL) * 2 + bar.count(HALF) == halves


def wrong_classes(lines, stats):
    """What the screen says of the classes, against the statistics."""
    for arena in stats["arenas"]:
        for c in arena["classes"]:
            seen = row(lines, SIZES[c["slot_bytes"]])
            numbers = [str(c[k]) for k in ("slots", "free", "free_min", "leased_peak")]
            if len(seen) != 11 or seen[2:7] != [f"{100 * c['leased'] // c['slots']}%"] + numbers:
                yield f"{seen}, but {c['leased']} leased, and {numbers}"
            elif not bar_ends(seen[1], c["leased"], c["slots"]):
                yield f"the bar {seen[1]} of {c['leased']} leased of {c['slots']}"


def labels(lines):
    return [(line.split() + 4 * [""])[3] for line in body(lines)]


def marked(lines):
    """The title that is sorted by, and which way."""
    found = re.search("([\u25b2\u25bc])(\\S+)", lines[BODY - 1])
    return found and (found.group(2), "down" if found.group(1) == "\u25bc" else "up")


def look_at_classes(tap, host, screen, clients):
    tap.check("the classes come first, and rates when there are two answers",
              screen.await_(lambda lines: row(lines, "1.0K")[7:9] == ["0", "0"]))
    stats = host.ask("stats")
    tap.check("something is leased", stats["arenas"][0]["classes"][0]["leased"] >= 140)
    screen.await_(lambda lines: not list(wrong_classes(lines, stats)))
    tap.check("the classes' bars and numbers are those of the statistics",
              wrong_classes(screen.lines, stats))
    tap.check("each arena is named, with its clients",
              screen.await_(lambda lines: [re.sub(",.*,", "", l) for l in body(lines) if ":" in l] ==
                            [" default: 6.1M 3 of 8 clients", " capture: 3.8M 0 of 8 clients"]))

    def rents(lines):
        clients[0].do("rent 1000 1")
        clients[0].do("return 1")
        return row(lines, "1.0K")[7] not in ("0", "-")

    tap.check("rents are seen as a rate", screen.await_(rents))
    tap.check("and when they end there is none",
              screen.await_(lambda lines: row(lines, "1.0K")[7] == "0"))


def look_at_views(tap, host, screen, clients):
    stats = host.ask("stats")
    cores = stats["arenas"][0]["classes"][0]["cores"]
    leased = sum(core["leased"] for c in stats["arenas"][0]["classes"] for core in c["cores"])
    screen.press("2")

    def has_cores(lines):
        rows = [line.split() for line in body(lines)[1:1 + len(cores)]]
        return [r[0] for r in rows] == [str(core["core"]) for core in cores] and \
            sum(int(r[1]) for r in rows if r[1:] and r[1].isdigit()) == leased

    tap.check("2 shows the cores", screen.await_text("TAKEABLE"))
    tap.check("each core once, and they have what is leased", screen.await_(has_cores))
    screen.press("c")
    tap.check("c shows them class by class", screen.await_text("CORE CLASS"))
    tap.check("each core once for each class",
              screen.await_(lambda lines: [len([l for l in body(lines) if f" {size} " in l])
                                           for size in SIZES.values()]
                            == [len(cores)] * len(SIZES)))
    screen.press("3")
    tap.check("3 shows the clients", screen.await_text("LABEL"))
    for client, (label, leases) in zip(clients, (("alpha", "100"), ("bravo", "30"),
                                                 ("charlie", "40"))):
        seen = ["default", str(client.id), str(client.process.pid), label, leases]
        tap.check(f"client {label}: who it is and what it holds",
                  screen.await_(lambda lines, s=seen: row(lines, " ".join(s))))
    screen.press("4")
    ebpf = stats["contention"]["ebpf"]
    tap.check("4 shows the state of eBPF in a line",
              screen.await_(lambda lines: any(l.startswith(f" eBPF: {ebpf['state']}") for l in lines)))
    tap.check("and why it is not attached",
              ebpf["state"] == "attached" or screen.await_text(ebpf["reason"][:40]))
    screen.press("\t")
    tap.check("Tab goes on to the next view", screen.await_text("CLASS LEASED"))
    screen.press("\x1b[Z")
    tap.check("and back", screen.await_text("eBPF:"))
    screen.press("h")
    tap.check("h shows the keys and the columns", screen.await_text("Help:"))
    tap.check("with a word on each",
              screen.await_(lambda lines: all(word in "".join(lines) for word in
                                              ("quit", "sort", "scroll", "REFILL", "ASKS"))))
    screen.press("x1")
    tap.check("any key leaves the help", screen.await_text("CLASS LEASED"))


def look_at_order(tap, screen):
    def sorted_by(column, way, *order):
        return screen.await_(lambda lines: marked(lines) == (column, way) and
                             labels(lines) == list(order))

    screen.press("3")
    tap.check("clients are sorted by bytes at first, the largest first",
              sorted_by("BYTES", "down", "bravo", "alpha", "charlie"))
    screen.press("r")
    tap.check("r reverses", sorted_by("BYTES", "up", "charlie", "alpha", "bravo"))
    screen.press("S")
    tap.check("S sorts by the column before",
              sorted_by("LEASES", "down", "alpha", "charlie", "bravo"))
    screen.press("S")
    tap.check("names in their order", sorted_by("LABEL", "up", "alpha", "bravo", "charlie"))
    screen.press("s")
    tap.check("s sorts by the next column",
              sorted_by("LEASES", "down", "alpha", "charlie", "bravo"))


def look_at_filter(tap, screen, clients):
    screen.press("/AL")
    tap.check("a filter is shown while it is typed", screen.await_text("filter: AL_"))
    tap.check("and narrows at once", screen.await_(lambda lines: labels(lines) == ["alpha"]))
    screen.press("q\x7f\x7f\x7f\r")
    tap.check("it can be typed away", screen.await_(lambda lines: len(body(lines)) == 3))
    screen.press(f"/{clients[1].process.pid}\r")
    tap.check("a pid is found", screen.await_(lambda lines: labels(lines) == ["bravo"]))
    screen.press("1")
    tap.check("the classes are those of that client's arena",
              screen.await_(lambda lines: "default:" in "".join(lines) and
                            "capture:" not in "".join(lines)))
    screen.press("/" + "\x7f" * 20 + "capt\r")
    tap.check("an arena is found",
              screen.await_(lambda lines: len(body(lines)) == 2 and "977K" in "".join(lines)))
    screen.press("/xyz\r")
    tap.check("what matches nothing says so", screen.await_text('no classes match "captxyz"'))
    screen.press("\x1b")
    tap.check("Esc shows all again", screen.await_(lambda lines: len(body(lines)) == 6))


def look_at_time(tap, host, holder, screen):
    screen.press("+")
    tap.check("+ asks less often", screen.await_text("every 0.2 s"))
    screen.press("-")
    tap.check("- more often", screen.await_text("every 0.1 s"))
    screen.press("p")
    tap.check("p pauses", screen.await_text("PAUSED"))
    late = Holder(holder, host, "late")
    screen.press("3h2")
    tap.check("who comes during the pause is not seen",
              screen.await_(lambda lines: sorted(labels(lines)) == ["alpha", "bravo", "charlie"]))
    tap.check("though it is there", len(host.ask("stats")["arenas"][0]["clients"]) == 4)
    screen.press("p")
    tap.check("p goes on", screen.await_text(" late "))
    late.detach()
    tap.check("and who leaves is gone", screen.await_(lambda lines: len(body(lines)) == 3))
    screen.press("1")
    screen.await_text("CLASS LEASED")


def look_at_sizes(tap, host, screen):
    """The arenas are at rest, so that a picture that was drawn anew is as one that was always so."""
    for columns, lines in ((120, 40), (60, 15), (80, 24)):
        screen.resize(columns, lines)
        with top(host, "--interval", "0.1", size=(columns, lines)) as fresh:
            def is_alike(lines, fresh=fresh):
                fresh.read(0)
                return lines[1:] == fresh.lines[1:] and row(lines, "977K")[7:8] == ["0"]

            tap.check(f"{columns}x{lines}: all is drawn anew, and nothing is left of before",
                      screen.await_(is_alike))
            tap.check(f"{columns}x{lines}: no line goes on in the next",
                      [line for line in screen.lines if line[:1] not in ("", " ", "\u25b2")])
    tap.check("80 columns are not enough for all", "RECLAIMED" not in screen.text)
    screen.resize(120, 40)
    tap.check("120 have more", screen.await_text("RECLAIMED"))
    screen.resize(60, 15)
    tap.check("a narrow one says that there are more", screen.await_text("too narrow"))
    screen.resize(30, 5)
    tap.check("one that is too small says so", screen.await_text("too small"))
    screen.resize(1, 1)
    screen.press("ss")
    screen.resize(80, 8)
    tap.check("one of few lines says which it shows", screen.await_text("1-3 of 6"))
    screen.press("\x1bOB")
    tap.check("Down scrolls, below the name of the arena",
              screen.await_(lambda lines: "2-4 of 6" in lines[2] and
                            lines[BODY].startswith(" default:") and "64K" in lines[BODY + 2]))
    screen.press("\x1b[6~")
    tap.check("PageDown scrolls by a page", screen.await_text("4-6 of 6"))
    screen.press("\x1bOB\x1b[5~")
    tap.check("not over the end; PageUp back", screen.await_text("2-4 of 6"))
    screen.press("\x1bOH")
    tap.check("Home to the first", screen.await_text("1-3 of 6"))
    screen.press("\x1bOF")
    tap.check("End to the last", screen.await_text("4-6 of 6"))
    screen.resize(80, 24)
    tap.check("all is seen where there is room",
              screen.await_(lambda lines: len(body(lines)) == 6 and "of 6" not in lines[2]))


def look_at_silence(tap, host, screen):
    host.daemon.send_signal(signal.SIGSTOP)
    try:
        tap.check("a daemon that says nothing is told of", screen.await_text("s: the daemon is silent"))
        tap.check("and the last picture stays", screen.await_text("1.0K"))
        screen.press("3")
        tap.check("keys are heard meanwhile",
                  screen.await_(lambda lines: len(body(lines)) == 3 and "LABEL" in lines[BODY - 1]))
    finally:
        host.daemon.send_signal(signal.SIGCONT)
    tap.check("it goes on", screen.await_(lambda lines: "no answer" not in lines[-1]))
    host.daemon.terminate()
    tap.check("a daemon that is gone is told of",
              screen.await_(lambda lines: re.search(r"no answer since \d+ s: no daemon answers",
                                                    lines[-1])))
    tap.check("the last picture stays", screen.await_text(" alpha "))
    host.daemon.wait(WAIT_S)
    host.start()
    tap.check("the next one is found",
              screen.await_(lambda lines: f"pid {host.daemon.pid} " in lines[0] and
                            "no answer" not in lines[-1]))


def look_at_ends(tap, host):
    ends = {"q": lambda screen: screen.press("q"), "Ctrl-C": Terminal.interrupt,
            "SIGTERM": Terminal.terminate, "Ctrl-D": lambda screen: screen.press("\x04"),
            "q in the help": lambda screen: screen.press("hq")}
    for name, end in ends.items():
        with top(host) as screen:
            screen.await_text("CLASS LEASED")
            end(screen)
            tap.check(f"{name} ends it well", screen.await_end() == 0)
            tap.check(f"{name} restores the terminal", screen.is_restored())
    with top(host) as screen:
        screen.await_text("CLASS LEASED")
        screen.hang_up()
        tap.check("so does the end of the terminal", screen.process.wait(WAIT_S) == 0)
    with top(host, "--interval", "0.1", "--iterations", "2") as screen:
        tap.check("and the number of pictures that was asked for", screen.await_end() == 0)


def look_at_colours(tap, host):
    coloured = re.compile(rb"\x1b\[[\d;]*(3[0-7]|4[0-7])m")
    for more, has_colours, is_utf8 in (({}, True, True), ({"NO_COLOR": "1"}, False, True),
                                       ({"TERM": "vt100"}, False, True),
                                       ({"LANG": "C"}, True, False)):
        with top(host) if not more else Terminal(
                (os.environ["THRUSTERCTL"], "top"), dict(environment(host), **more)) as screen:
            screen.await_text("CLASS LEASED")
            screen.press("q")
            screen.await_end()
            tap.check(f"colours and glyphs with {more or 'all that there is'}",
                      bool(coloured.search(screen.output)) == has_colours and
                      (max(screen.output) > 0x7f) == is_utf8)


def look_at_text(tap, host):
    r = run(host, "--interval", "0.1")
    tap.check("where there is no terminal, one picture is printed",
              [r.returncode, r.stderr, r.stdout.count("thrusterd ")] == [0, "", 1])
    tap.check("of all, as plain text",
              all(word in r.stdout for word in ("Classes\n", "Cores", "Clients\n", "eBPF: ", "64K")) and
              all(c == "\n" or " " <= c <= "~" for c in r.stdout) and
              not re.search(" $", r.stdout, re.M))
    stats = host.ask("stats")
    wanted = [[a["name"], SIZES[c["slot_bytes"]], f"{100 * c['leased'] // c['slots']}%", str(c["slots"]),
               str(c["free"])] for a in stats["arenas"] for c in a["classes"]]
    lines = [line.split()[:5] for line in r.stdout.splitlines()]
    tap.check("with the numbers of the statistics", [f"no {w}" for w in wanted if w not in lines])
    r = run(host, "-b", "-n", "3", "-i", "0.1", "--arena", "capture")
    tap.check("as many pictures as are asked for, of one arena",
              r.stdout.count("thrusterd ") == 3 and r.returncode == 0 and "default" not in r.stdout)
    for options, status, word in ((("--json",), 2, "stats --json"), (("--arena", "x"), 1, "capture"),
                                  (("--interval", "0.09"), 2, "0.1"), (("--interval", "61"), 2, "60"),
                                  (("--interval", "inf"), 2, "inf"), (("--iterations", "0"), 2, "0"),
                                  (("-s", "/nowhere"), 3, "/nowhere")):
        r = run(host, *options)
        tap.check(f"{' '.join(options)} is refused in words",
                  r.returncode == status and word in r.stderr and not r.stdout)
    with Terminal((os.environ["THRUSTERCTL"], "top"), dict(environment(host), TERM="dumb")) as screen:
        tap.check("a terminal that cannot is told from one that can", screen.await_end() == 1)
        tap.check("and what to do is said", "--batch" in screen.text)


def look(tap, host, holder):
    clients = [Holder(holder, host, label) for label in ("alpha", "bravo", "charlie")]
    got = [clients[0].do("rent 1000 100"), clients[1].do("rent 4000 30"), clients[2].do("rent 1000 40")]
    tap.check("three clients rent", got == [100, 30, 40])
    # The daemon looks when it is asked: there were fewer free than there are now.
    more = clients[0].do("rent 1000 20"), host.ask("stats"), clients[0].do("return 20")
    tap.check("one had more", [more[0], more[2]] == [20, 20])
    look_at_text(tap, host)
    look_at_colours(tap, host)
    look_at_ends(tap, host)
    with top(host, "--interval", "0.1") as screen:
        look_at_classes(tap, host, screen, clients)
        look_at_views(tap, host, screen, clients)
        look_at_order(tap, screen)
        look_at_filter(tap, screen, clients)
        look_at_time(tap, host, holder, screen)
        look_at_sizes(tap, host, screen)
        look_at_silence(tap, host, screen)
        tap.check("never did a line run over the edge", screen.screen.overruns == 0)
        screen.press("q")
        tap.check("it ends well after all that", screen.await_end() == 0 and screen.is_restored())
    with top(host, "--arena", "capture") as screen:
        tap.check("one arena may be chosen", screen.await_text("arena capture"))
        tap.check("then no other is seen",
                  screen.await_(lambda lines: len(body(lines)) == 2 and "977K" in "".join(lines)))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if sys.argv[2] != "yes":
        print("1..0 # SKIP built without ncurses (Debian: libncurses-dev)")
        return
    tap = Tap()
    with Host(CONFIG) as host:
        look(tap, host, sys.argv[1])
    tap.check("the daemon ends well", host.daemon.returncode == 0)
    tap.done()


main()
