# SPDX-License-Identifier: MIT
"""
thrusterctl trace: a contender finds the pool exhausted a known number of times while it is traced,
and sleeps in between. With thruster-probes and without; with privileges and without.
Arguments: the contender.
"""

import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lint"))
from host import Host  # noqa: E402
from tap import Tap  # noqa: E402

CONFIG = {"arenas": [{"name": "default", "max_clients": 8,
                      "classes": [{"slot_bytes": 65536, "slots": 1}]}]}
TIMES = 25
CTL = os.environ["THRUSTERCTL"]
PROBES = os.environ.get("THRUSTER_PROBES", "")


class Contender:
    def __init__(self, host, program):
        self.process = subprocess.Popen(
            (program,), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "THRUSTER_SOCKET": host.path("s")})
        host.processes.append(self.process)
        self.process.stdout.read(1)

    def exhaust(self, times, pause):
        for _ in range(times):
            self.process.stdin.write(b"x")
            self.process.stdin.flush()
            self.process.stdout.read(1)
            time.sleep(pause)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def trace(host, contender, *arguments, before=None):
    """Of the seconds in which the contender was at it."""
    work = threading.Timer(0.3, contender.exhaust, (TIMES, 0.01))
    work.start()
    result = subprocess.run((CTL, "--socket", host.path("s"), "trace", *arguments),
                            capture_output=True, encoding="utf-8", preexec_fn=before)
    work.join()
    return result


def exhausted(arenas):
    return sum(core["exhausted_total"] for class_ in arenas[0]["classes"]
               for core in class_["cores"])


def nobody():
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)


def check_document(tap, what, document, is_traced, is_measured, pid):
    ebpf = document["contention"]["ebpf"]["state"]
    tap.check(f"{what}: the document says what it is",
              document["schema"] == "thruster.trace" and document["duration_ns"] > 10**9)
    tap.check(f"{what}: the clients' own counts are of these seconds",
              [] if exhausted(document["arenas"]) == TIMES else [str(exhausted(document["arenas"]))])
    if is_traced:
        tap.check(f"{what}: so is what eBPF saw",
                  [] if exhausted(document["contention"]["arenas"]) == TIMES
                  else [json.dumps(document["contention"]["arenas"])])
    tap.check(f"{what}: it says whether eBPF saw it", (ebpf == "attached") == is_traced)
    spent = document["time"]
    if not is_measured:
        tap.check(f"{what}: it says why times were not measured",
                  spent["state"] == "unavailable" and spent["reason"] != "")
        return
    tap.check(f"{what}: times were measured",
              [] if spent["state"] == "measured" else [spent["reason"]])
    mine = [p for p in spent.get("processes", ()) if p["pid"] == pid]
    tap.check(f"{what}: of the client", len(mine) == 1)
    blocked = mine[0]["blocked"] if mine else {"count": 0, "sum": 0}
    tap.check(f"{what}: it was blocked while it was asked for nothing: so often, and so long",
              [] if blocked["count"] >= TIMES - 2 and blocked["sum"] >= TIMES * 5 * 10**6
              else [json.dumps(blocked)])


def main():
    tap = Tap()
    if os.geteuid() != 0 or not PROBES:
        print("1..0 # SKIP " + ("this build has no thruster-probes" if not PROBES
                                else "only root may trace"))
        return
    with Host(CONFIG) as host:
        os.chmod(host.directory, 0o755)
        contender = Contender(host, sys.argv[1])
        pid = contender.process.pid
        # What exhausts is counted from before: the differences must not have it.
        contender.exhaust(7, 0)

        result = trace(host, contender, "--seconds", "1.5", "--json")
        tap.check("without thruster-probes: exit status 0", result.returncode == 0)
        check_document(tap, "without thruster-probes", json.loads(result.stdout), False, True, pid)

        probes = subprocess.Popen((PROBES, "--socket", host.path("s"), "--file",
                                   os.environ["THRUSTER_LIBRARY"]), stderr=subprocess.DEVNULL)
        host.processes.append(probes)
        host.await_stats(lambda stats: stats["contention"]["ebpf"]["state"] == "attached")
        result = trace(host, contender, "-n", "1.5", "-j")
        check_document(tap, "with thruster-probes", json.loads(result.stdout), True, True, pid)

        result = trace(host, contender, "-n", "1.5")
        tap.check("for people: as eBPF saw it, so often, the client, and where it was",
                  [] if all(part in result.stdout for part in
                            ("as eBPF saw it", f"{TIMES}", f"{pid}", "BLOCKED"))
                  else result.stdout.splitlines())
        tap.check("for people: nothing that a terminal alone should get", result.stderr == "")

        result = trace(host, contender, "-n", "1.5", "-j", before=nobody)
        tap.check("nobody sees no arena, and is told so",
                  result.returncode == 1 and "you may see no arena" in result.stderr)
        probes.terminate()
        probes.wait()
        for wrong in ("0", "-1", "x", "86401", "nan"):
            result = subprocess.run((CTL, "--socket", host.path("s"), "trace", f"--seconds={wrong}"),
                                    capture_output=True, encoding="utf-8")
            tap.check(f"--seconds={wrong} is refused",
                      result.returncode == 2 and "--seconds" in result.stderr)
        contender.stop()
    tap.done()


main()
