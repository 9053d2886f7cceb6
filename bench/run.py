# SPDX-License-Identifier: MIT
"""
Measure Thruster beside its peers: build, run the three programs one after the other, merge what
they found into one file, and make a page of it. A part that fails is told, and the others still
run. Whatever happens, no process stays.
"""

import argparse
import ctypes
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time

from report import page, result, standing, whole
from report.words import NARROW, seconds

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STEPS = 6
PATIENCE_S = 5  # from SIGTERM to SIGKILL
PR_SET_CHILD_SUBREAPER = 36
OPTIONS = ("--buildtype=release", "-Dtests=disabled", "-Debpf=disabled", "-Dman=disabled",
           "-Dtop=disabled")


class Stop(BaseException):
    """A signal came; the number is the argument."""


class Failure(Exception):
    """A part did not do what it should; the message says what."""


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench/run", description="Measure Thruster beside its peers, and make a page of it.",
        epilog="Missing packages are installed with apt-get first, as root or with sudo. Leave the "
        "machine alone meanwhile; it takes some minutes. The exit status is 1 if a part failed, and "
        "says nothing about who was fast.")
    parser.add_argument("--quick", action="store_true", help="only see that everything runs")
    parser.add_argument("--output", metavar="DIR", help="where result.json and report.html go "
                        "(default: build-bench/results)")
    parser.add_argument("--json", metavar="FILE", help="write the merged result to FILE too")
    parser.add_argument("--only", metavar="PATTERN",
                        help="only workloads whose name has PATTERN in it or matches it; no deaths, "
                        "no growth")
    parser.add_argument("--no-install", action="store_true", help="install no packages")
    parser.add_argument("--builds", metavar="DIR",
                        help="use this build directory as it is; nothing is installed or built")
    return parser.parse_args()


def say(step, words):
    print(f"[{step}/{STEPS}] {words}", file=sys.stderr, flush=True)


def tell(words):
    print(f"      {words}", file=sys.stderr, flush=True)


def on_signal(number, _frame):
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Stop(number)


def adopt_orphans():
    """Whoever loses its parent becomes our child, so that none can get lost."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise Failure("prctl(PR_SET_CHILD_SUBREAPER) failed")


def children():
    """Those that have not been waited for."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, IndexError):  # gone meanwhile
            continue
        if parent == os.getpid():
            found.append(int(name))
    return found


def end_all():
    """Ends and waits for every child, and for those that become ours by that."""
    patience = time.monotonic() + PATIENCE_S
    number = signal.SIGTERM
    signalled = set()
    while pids := children():
        if time.monotonic() > patience:
            number, signalled, patience = signal.SIGKILL, set(), float("inf")
        for pid in set(pids) - signalled:
            os.kill(pid, number)  # not waited for yet, so the number is still its own
            signalled.add(pid)
        while os.waitpid(-1, os.WNOHANG)[0] if children() else 0:
            pass
        time.sleep(0.01)


def run(command, **more):
    """
    Returns the exit status. In a process group of its own, so that Ctrl-C reaches us alone, and we
    end it and all that it has started.
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, **more)
    try:
        return process.wait()
    finally:
        end_all()


def run_quiet(command, what):
    """What it prints is of interest only if it fails."""
    with tempfile.TemporaryFile() as log:
        status = run(command, stdout=log, stderr=subprocess.STDOUT)
        if status == 0:
            return
        log.seek(0)
        sys.stderr.write(log.read().decode(errors="replace")[-8000:])
    raise Failure(f"{what} failed: {shlex.join(command)}")


def build(directory):
    """Configured anew each time: a rival's package may have come since."""
    again = ["--reconfigure"] if os.path.exists(os.path.join(directory, "build.ninja")) else []
    run_quiet(["meson", "setup", *again, *OPTIONS, directory, ROOT], "to configure")
    status = run(["ninja", "-C", directory, "--quiet"], stdout=sys.stderr)
    if status != 0:
        raise Failure("to build failed")


def how_it_ended(status):
    if status < 0:
        return f"it was ended by {signal.Signals(-status).name}"
    return f"its exit status was {status}"


def measure(program, builds, scratch, args):
    """What the program found, and the words for how it went; it may find much and then fail."""
    path = os.path.join(builds, "bench", program)
    if not os.path.exists(path):
        return None, "absent: this build has no " + program
    found = os.path.join(scratch, program + ".json")
    command = [path, "--json", found, "--thrusterd", os.path.join(builds, "daemon", "thrusterd")]
    if args.quick:
        command.append("--quick")
    if args.only:
        command += ["--only", args.only]
    # What it prints for people is in the page; the last lines here say where that is.
    with open(os.path.join(scratch, program + ".txt"), "wb") as told:
        status = run(command, stdout=told)
    try:
        with open(found, encoding="utf-8") as file:
            part = json.load(file)
    except (OSError, ValueError) as error:
        why = how_it_ended(status) if status else f"it wrote no result: {error}"
        return None, "failed: " + why
    if status != 0:
        return part, "failed: " + how_it_ended(status)
    return part, "ran"


def measure_all(builds, scratch, args):
    """{part: found}, {part: words}."""
    found, words = {}, {}
    for step, (name, program) in enumerate(result.PARTS.items(), 3):
        if args.only and name != "bench":
            words[name] = "left out: --only is for workloads"
        else:
            say(step, program)
            found[name], words[name] = measure(program, builds, scratch, args)
        if words[name] != "ran":
            tell(f"{program}: {words[name]}")
    return {name: part for name, part in found.items() if part is not None}, words


def write_all(document, output, args):
    """The files; returns the result as read, or None where there is nothing to show."""
    merged = json.dumps(document, indent=1) + "\n"
    path = os.path.join(output, "result.json")
    whole.write(path, merged)
    if args.json:
        whole.write(args.json, merged)
    report = os.path.join(output, "report.html")
    try:
        found = result.load(path)
    except result.Unreadable as error:
        if os.path.exists(report):
            os.unlink(report)  # of another run
        raise Failure(f"no page: {error}") from error
    whole.write(report, page.page(found))
    return found


def summary(found, output):
    print(f"result  {os.path.join(output, 'result.json')}")
    if found is None:
        return
    print(f"page    {os.path.join(output, 'report.html')}")
    for goal in standing.goals(found):
        words = goal.found if goal.is_met is None else f"{goal.verdict}: {goal.found}"
        print(f"goal    {goal.what}: {words}".replace(NARROW, " "))
    for name, why in found.absent_parts().items():
        print(f"absent  {result.PARTS[name]}: {why}")
    for engine in found.engines.values():
        if engine.absent:
            print(f"absent  {engine.name}: {engine.absent}")
    for line in found.disturbances() or ["nothing that was noticed"]:
        print(f"disturbed by  {line}")


def go(args):
    begun = time.monotonic()
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    builds = os.path.abspath(args.builds or os.path.join(ROOT, "build-bench"))
    output = os.path.abspath(args.output or os.path.join(ROOT, "build-bench", "results"))
    if not args.builds:
        say(2, f"Build in {builds}")
        build(builds)
    os.makedirs(output, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="thruster-bench-run-") as scratch:
        found, words = measure_all(builds, scratch, args)
    failed = [name for name in words if words[name].startswith("failed")]
    if not found:
        raise Failure("nothing was measured")
    say(STEPS, f"The result and its page, in {output}")
    took = time.monotonic() - begun
    document = {"version": 1, "quick": args.quick, "seconds": round(took, 1), "started": started,
                "parts": words, **found}
    read = None
    try:
        read = write_all(document, output, args)
    except Failure as failure:
        print(f"bench/run: {failure}", file=sys.stderr)
        failed.append("page")
    summary(read, output)
    print(f"took    {seconds(took)}".replace(NARROW, " "))
    return 1 if failed else 0


def main():
    args = arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        adopt_orphans()
        return go(args)
    except Stop as stop:
        end_all()
        print("\nbench/run: stopped; nothing of it runs on", file=sys.stderr)
        return 128 + stop.args[0]
    except (Failure, OSError) as error:
        print(f"bench/run: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
