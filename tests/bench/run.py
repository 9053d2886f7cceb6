# SPDX-License-Identifier: MIT
"""
bench/run: with programs that are only played, that one that fails or is not there is told and the
others still count, and that nothing runs on when it is stopped; and with the real ones, that what
they find makes a page. Argument: the build directory.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from markup import Reader, requests
from material import material

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "..", "lint"))

from tap import ROOT, Tap  # noqa: E402 (found by the line above)

BUILD = sys.argv[1]
WAIT_S = 300
PARTS = ("bench", "deaths", "growth")


class Stage:
    """A build directory with programs that do as they are told."""

    def __init__(self, directory):
        self.directory = directory
        self.output = os.path.join(directory, "results")
        self.builds = os.path.join(directory, "builds")
        os.makedirs(os.path.join(self.builds, "bench"))

    def play(self, part, script):
        """In the script, $2 is the file for the JSON. No script: no program."""
        path = os.path.join(self.builds, "bench", "thruster-" + part)
        if script is None:
            os.unlink(path)
            return
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)

    def play_all(self):
        for part in PARTS:
            found = os.path.join(self.directory, part + ".json")
            with open(found, "w", encoding="utf-8") as file:
                json.dump(material()[part], file)
            self.play(part, f"cp '{found}' \"$2\"\necho progress >&2\necho table\n")

    def command(self, *more):
        return (os.path.join(ROOT, "bench", "run"), "--builds", self.builds, "--output", self.output,
                *more)

    def run(self, *more):
        return subprocess.run(self.command(*more), capture_output=True, encoding="utf-8",
                              stdin=subprocess.DEVNULL, timeout=WAIT_S)

    def result(self):
        with open(os.path.join(self.output, "result.json"), encoding="utf-8") as file:
            return json.load(file)

    def page(self):
        with open(os.path.join(self.output, "report.html"), encoding="utf-8") as file:
            return file.read()


def check_whole(tap, stage):
    stage.play_all()
    copy = os.path.join(stage.directory, "copy.json")
    run = stage.run("--quick", "--json", copy)
    found = stage.result()
    tap.check("all is well", run.returncode == 0)
    tap.check("the parts are merged", all(found[p] == material()[p] for p in PARTS) and
              found["version"] == 1 and found["quick"] is True and found["seconds"] >= 0)
    tap.check("--json has the same", json.load(open(copy, encoding="utf-8")) == found)
    reader = Reader(stage.page())
    tap.check("the page is whole", reader.faults + requests(stage.page()))
    tap.check("progress passes through", "\nprogress\n" in run.stderr and "[3/6]" in run.stderr)
    tap.check("where it all is, how long it took and what disturbed it is told",
              [w for w in ("result  " + stage.output, "page    " + stage.output, "took    ",
                           "disturbed by  other programs used 31.0 %", "goal    First in every workload")
               if w not in run.stdout])
    tap.check("nothing else is left where it wrote",
              sorted(os.listdir(stage.output)) == ["report.html", "result.json"])


def check_failures(tap, stage):
    stage.play("deaths", "exit 3\n")
    stage.play("growth", None)
    run = stage.run()
    found = stage.result()
    tap.check("a part that fails makes the exit status 1", run.returncode == 1)
    tap.check("what fails and what is absent is told, and the others count",
              [found["parts"]["deaths"], found["parts"]["growth"]] ==
              ["failed: its exit status was 3", "absent: this build has no thruster-growth"] and
              "thruster-deaths: failed" in run.stderr and "deaths" not in found and
              found["bench"] == material()["bench"])
    stage.play("deaths", None)
    tap.check("one that is absent is no failure", stage.run().returncode == 0)
    stage.play("bench", "echo '{ \"version\": 1 }' >\"$2\"\n")
    run = stage.run()
    tap.check("a result of another version makes no page, and no old one stays",
              run.returncode == 1 and os.listdir(stage.output) == ["result.json"] and
              "is wanted" in run.stderr)
    stage.play("bench", "kill -9 $$\n")
    run = stage.run()
    tap.check("where nothing was measured it says so", run.returncode == 1 and
              "ended by SIGKILL" in run.stderr and "nothing was measured" in run.stderr)


def is_there(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(what):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return False


def pids_in(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return file.read().split()


def check_stop(tap, stage):
    """A program with a child that has a session of its own, and one that will not listen."""
    for number in (signal.SIGINT, signal.SIGTERM):
        pids = os.path.join(stage.directory, number.name)
        stage.play("bench", f"""setsid sh -c 'echo $$ >>"{pids}"; exec sleep 600' &
sh -c 'trap "" TERM; echo $$ >>"{pids}"; exec sleep 600' &
wait
""")
        with subprocess.Popen(stage.command(), stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            started = wait_for(lambda: len(pids_in(pids)) == 2)
            process.send_signal(number)
            _, told = process.communicate(timeout=WAIT_S)
        left = [pid for pid in pids_in(pids) if is_there(pid)]
        tap.check(f"{number.name} stops it, and nothing runs on",
                  started and process.returncode == 128 + number and not left and "stopped" in told)


def check_real(tap, directory):
    output = os.path.join(directory, "real")
    run = subprocess.run((os.path.join(ROOT, "bench", "run"), "--quick", "--builds", BUILD, "--only",
                          "nested", "--output", output),
                         capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL,
                         timeout=WAIT_S)
    what = "of what the real programs find comes a page"
    if "wrote version 1 of its JSON" in run.stderr:
        tap.skip(what, "this thruster-bench does not write version 2 of its JSON yet")
        return
    tap.check("the real programs run", [] if run.returncode == 0 else run.stderr.splitlines()[-5:])
    with open(os.path.join(output, "report.html"), encoding="utf-8") as file:
        page = file.read()
    reader = Reader(page)
    tap.check(what, reader.faults + requests(page) +
              reader.missing(["nested-2", "pool", "quick run"]))


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="thruster-bench-test-") as directory:
        stage = Stage(directory)
        check_whole(tap, stage)
        check_failures(tap, stage)
        check_stop(tap, stage)
        check_real(tap, directory)
    tap.done()


main()
