# SPDX-License-Identifier: MIT
"""
The record protocol as a model, checked exhaustively by spin; and each mutation of it must fail,
with the assertion that tells what it does. --large checks bigger configurations (minutes,
gigabytes) and no mutations. Names of configurations or mutations choose among them.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lint"))

from tap import Tap

SEGMENT, HAND_OVER = "segment.pml", "hand-over.pml"

THREADS = ("THREADS", "CORES=1")
GIFTS = (*THREADS, "CLIENTS=2")
OFFLINE = ("CLIENTS=2", "EACH_ITS_CORE", "OFFLINE")

# Name: model, macros, what is in it, how steps begin that it does not reach: with a single lane, no
# lane revokes another's segment; with lanes alone, there is nothing that a core does.
SMALL = {
    "rent": (SEGMENT, ("ONE_DIES",), "two clients on one core, one on another", ()),
    "migrate": (SEGMENT, ("CLIENTS=2", "MIGRATE"), "two clients on either core", ()),
    "runs": (SEGMENT, ("CLIENTS=2", "RUNS"), "runs of two and bulk, on one core", ()),
    "steal": (SEGMENT, ("CLIENTS=2", "STEAL", "EACH_ITS_CORE"), "two cores, asking", ()),
    "threads": (SEGMENT, (*GIFTS, "RUNS"), "a core and a lane", ("taken_seen", "holder_seen")),
    "lanes": (SEGMENT, (*GIFTS, "RUNS", "FIRST=lane"), "two lanes", ("",)),
    "offline": (SEGMENT, (*OFFLINE, "ONE_DIES=2"), "a core comes and goes", ()),
    "hand-over": (HAND_OVER, (), "three clients and a slot", ()),
}

LARGE = {
    "rent": (SEGMENT, (), "two clients on one core, one on another", ()),
    "rent-of-3": (SEGMENT, ("CLIENTS=2", "MIGRATE", "SLOTS=3"), "three slots, either core", ()),
    "runs": (SEGMENT, ("CLIENTS=2", "RUNS", "MIGRATE", "SLOTS=3"), "runs on either core", ()),
    "steal": (SEGMENT, ("STEAL", "ONE_DIES"), "two clients on one core, one on another", ()),
    "threads": (SEGMENT, (*THREADS, "RUNS", "ONE_DIES=2"), "two on a core and a lane",
                ("taken_seen", "holder_seen")),
    "lanes": (SEGMENT, (*THREADS, "LAST=lane", "ONE_DIES=2"), "a core and two lanes", ()),
    "offline": (SEGMENT, OFFLINE, "a core comes and goes", ()),
    "hand-over": (HAND_OVER, ("SLOTS=2", "CLIENTS=2"), "two clients and two slots", ()),
}

# A wrong mask is only the cause of harm: without the judge of masks the harm itself must show.
HARM = ("HARM_ONLY",)

# Name, which is a macro too: model, other macros, the assertion that fails, what was changed.
MUTATIONS = {
    "RENT_SWAPPED": (SEGMENT, (*HARM, "CLIENTS=2"), "slot_lost",
        "rent stores the record first and then the mask"),
    "GIVE_SWAPPED": (SEGMENT, (*HARM, "CLIENTS=2"), "two_owners",
        "a local return sets the mask bit first and then stores the record"),
    "RESTART_BLIND": (SEGMENT, (*HARM, "CLIENTS=2"), "two_owners",
        "an interrupted return is done again without a look at the record"),
    "RESTART_IS_DONE": (SEGMENT, ("CLIENTS=2",), "slot_lost",
        "an interrupted return is taken for one that has happened"),
    "ADOPT_STORE": (SEGMENT, (*HARM, "CLIENTS=2", "MIGRATE"), "two_owners",
        "a segment is adopted by a plain store"),
    "SWITCH_UNVERSIONED": (SEGMENT, (*HARM, "CLIENTS=2"), "two_owners",
        "the switch of a refill does not compare the version of current"),
    "SWITCH_UNHELD": (SEGMENT, (*HARM, "CLIENTS=2", "MIGRATE"), "two_owners",
        "the switch of a refill does not compare the holder"),
    "WALK_CURRENT": (SEGMENT, (*HARM, "CLIENTS=2"), "two_owners",
        "the current segment is refilled without being parked"),
    "RELINQUISH_SWAPPED": (SEGMENT, (*HARM, "CLIENTS=2", "MIGRATE"), "two_owners",
        "relinquish stores the holder first and current last"),
    "VACATE_FIRST": (SEGMENT, ("CLIENTS=2", "ONE_DIES"), "lease_lost",
        "the daemon vacates the seat and then takes back its leases"),
    "IGNORE_COVER": (SEGMENT, (*HARM, "CLIENTS=2", "RUNS"), "two_owners",
        "the walk does not see what runs cover"),
    "PUT_UNCHECKED": (SEGMENT, (*HARM, "CLIENTS=2", "RUNS"), "two_owners",
        "a reserved slot is leased though current has changed"),
    "RELINQUISH_KEEPS_MASK": (SEGMENT, (*HARM, *GIFTS), "two_owners",
        "relinquish leaves the mask as it is"),
    "REVOKE_UNSTAMPED": (SEGMENT, (*HARM, *GIFTS), "two_owners",
        "a lane's segment is revoked without stamping the records"),
    "REVOKE_AT_ONCE": (SEGMENT, (*HARM, *GIFTS), "two_owners",
        "a lane's segment is free to adopt before the records are stamped"),
    "FINISH_UNSTAMPED": (SEGMENT, (*HARM, *GIFTS), "two_owners",
        "who finishes another's revocation does not stamp the records again"),
    "HOLDER_FIRST": (SEGMENT, (*HARM, *GIFTS), "two_owners",
        "a lane looks at the holder before it loads the record"),
    "CLAIM_BY_WHO": (SEGMENT, (*HARM, *GIFTS, "RUNS"), "two_owners",
        "a lane compares who holds the segment, and not the version"),
    "CLAIM_BY_STATE": (SEGMENT, (*HARM, *GIFTS), "two_owners",
        "a lane's claim compares only that the record is FREE"),
    "EXHUME_IN_SECTION": (SEGMENT, (*HARM, *OFFLINE, "ONE_DIES=0"),
        "two_owners", "a core that is back releases what is buried by the store of a section"),
    "BURY_UNCHECKED": (SEGMENT, (*HARM, *OFFLINE, "ONE_DIES=0"), "two_owners",
        "an offline core's segment is released without a second look"),
    "NO_SECOND_LOOK": (HAND_OVER, (), "slot_lost",
        "the sender does not look at the roster again after the store"),
    "WALK_FIRST": (HAND_OVER, (), "slot_lost",
        "the daemon walks first and then clears the roster"),
    "TAKE_BACK_STORE": (HAND_OVER, (), "two_owners",
        "the sender takes back by a plain store"),
    "ACCEPT_STORE": (HAND_OVER, (), "two_owners",
        "the receiver accepts by a plain store"),
    "RECLAIM_STORE": (HAND_OVER, (), "two_owners",
        "the daemon takes back by plain stores"),
    "IGNORE_PENDING": (HAND_OVER, (), "slot_lost",
        "the daemon does not take back what a dead receiver has not accepted"),
    "NOTE_AFTER": (HAND_OVER, (), "slot_lost",
        "the sender's note is stored after the record"),
    "NOTE_STAYS": (HAND_OVER, (), "slot_lost",
        "the daemon leaves the notes of a dead sender"),
}


class Effort:
    """How to compile the search, its depth and hash table, and how long it may take."""

    def __init__(self, compiler, search, seconds):
        self.compiler = compiler
        self.search = search
        self.seconds = seconds


# A mutation fails soon: what takes the time is to compile it.
FAILING = Effort(("-O0", "-DMEMLIM=900"), ("-m1000000", "-w18"), 240)
HOLDING = Effort(("-O1", "-DMEMLIM=900"), ("-m3000000", "-w21"), 240)
EXHAUSTING = Effort(("-O2", "-DCOLLAPSE", "-DMEMLIM=16000"), ("-m40000000", "-w26"), 7200)


class Verdict:
    """What spin said of one configuration."""

    def __init__(self, output, seconds):
        self.output = output
        self.seconds = seconds
        self.states = self.number(r"(\d+) states, stored")
        self.depth = self.number(r"depth reached (\d+)")
        self.errors = self.number(r"errors: (\d+)")
        self.mebibytes = self.number(r"([\d.]+)\s+total actual memory usage")
        m = re.search(r"assertion violated (.*?) \(at depth", output)
        self.violated = re.sub(r"[!()\s]", "", m.group(1)) if m else None
        self.unreached = [(where, statement) for where, statement in
                          re.findall(r'^\t([\w.-]+:\d+), state \d+, "(.*)"$', output, re.M)
                          if statement != "-end-"]

    def number(self, pattern):
        m = re.search(pattern, self.output)
        return int(float(m.group(1))) if m else -1

    def incomplete(self):
        """Why this is not an exhaustive search, if it is not."""
        return [line for line in self.output.splitlines() if re.search(
            r"max search depth too small|Search not completed|out of memory|truncated|"
            r"reached -DMEMLIM|error:|Segmentation", line)]

    def __str__(self):
        return f"{self.states} states, depth {self.depth}, {self.mebibytes} MiB, " \
            f"{self.seconds:.1f} s"


def run(*command, cwd, seconds):
    try:
        r = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           stdin=subprocess.DEVNULL, encoding="utf-8", errors="replace",
                           timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"error: {command[0]}: not done after {seconds} s\n"
    return r.stdout if r.returncode == 0 else f"{r.stdout}\nerror: {command[0]}: {r.returncode}\n"


def verify(model, macros, effort):
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="thruster-model-") as directory:
        for name in os.listdir(HERE):
            if name.endswith(".pml"):
                shutil.copy(os.path.join(HERE, name), directory)
        out = run("spin", "-a", *(f"-D{m}" for m in macros), model, cwd=directory, seconds=60)
        if not os.path.exists(os.path.join(directory, "pan.c")) or "error:" in out.lower():
            return Verdict(f"{out}\nerror: spin -a", time.monotonic() - begun)
        out = run("gcc", "-w", "-DSAFETY", *effort.compiler, "-o", "pan", "pan.c", cwd=directory,
                  seconds=120)
        if out:
            return Verdict(f"{out}\nerror: gcc", time.monotonic() - begun)
        out = run("./pan", *effort.search, cwd=directory, seconds=effort.seconds)
    return Verdict(out, time.monotonic() - begun)


def check_holds(tap, name, configuration, verdict):
    model, macros, what, unreached = configuration
    faults = verdict.incomplete()
    if verdict.errors != 0:
        faults.append(f"errors: {verdict.errors}, {verdict.violated}")
    if faults:
        faults += verdict.output.splitlines()[:40]
    print(f"# {name}: {verdict} ({model} {' '.join(macros)})")
    tap.check(f"{name} holds: {what}", faults)
    tap.check(f"{name}: every step is reached",
              [f"{where}: {statement}" for where, statement in verdict.unreached
               if not statement.startswith(unreached or "\0")] +
              ([] if verdict.errors == 0 else ["not checked"]))


def check_fails(tap, name, change, verdict):
    _, _, fails, what = change
    print(f"# {name}: {verdict}")
    faults = [] if verdict.violated == fails else \
        [f"expected {fails}, got {verdict.violated}", *verdict.output.splitlines()[:20]]
    tap.check(f"{name} breaks it, {fails}: {what}", faults)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="bigger configurations, no mutations")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("names", nargs="*", help="only these configurations or mutations")
    return parser.parse_args()


def main():
    options = arguments()
    if not shutil.which("spin") or not shutil.which("gcc"):
        print("1..0 # SKIP spin or gcc is not there (Debian: spin, gcc)")
        return
    tap = Tap()
    configurations = LARGE if options.large else SMALL
    mutations = {} if options.large else MUTATIONS
    if options.names:
        configurations = {k: v for k, v in configurations.items() if k in options.names}
        mutations = {k: v for k, v in mutations.items() if k in options.names}
    effort = EXHAUSTING if options.large else HOLDING
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        holding = [(name, c, pool.submit(verify, c[0], c[1], effort))
                   for name, c in configurations.items()]
        failing = [(name, m, pool.submit(verify, m[0], (*m[1], name), FAILING))
                   for name, m in mutations.items()]
        for name, configuration, future in holding:
            check_holds(tap, name, configuration, future.result())
        for name, change, future in failing:
            check_fails(tap, name, change, future.result())
    tap.done()


main()
