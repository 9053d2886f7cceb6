# SPDX-License-Identifier: MIT
"""
thruster-probes.service: what it traces within its limits, what it does when the daemon goes, and
what is said when it may not. What the kernel can is found out by a thruster-probes of root without
any limits; where that traces, so must the service.
"""

import json
import os
import shutil
import subprocess
import time

from service import AS_CLIENT, PATIENCE, PROBES, SERVICE, SOCKET, wait_for

EXPOSURE_MAX = "7"  # in tenths
TRACED = "/run/traced-client"
ARENA = {"name": "tight", "max_clients": 8, "classes": [{"slot_bytes": 65536, "slots": 1}],
         "allow": {"users": ["root"], "groups": ["thruster-clients"]}}
# As thruster-probes(8) tells: for a kernel without uprobe_multi, and for copies in containers.
SYS_ADMIN = "CapabilityBoundingSet=CAP_SYS_ADMIN\nAmbientCapabilities=CAP_SYS_ADMIN\n"
SYS_PTRACE = "CapabilityBoundingSet=CAP_SYS_PTRACE\nAmbientCapabilities=CAP_SYS_PTRACE\n"
NO_BPF = "CapabilityBoundingSet=\nCapabilityBoundingSet=CAP_PERFMON\n" \
         "AmbientCapabilities=\nAmbientCapabilities=CAP_PERFMON\n"


class Traced:
    """A client with the installed library, that finds the arena exhausted when it is told to."""

    def __init__(self, service):
        self.service = service
        self.process = subprocess.Popen(
            service.machine.inside(*AS_CLIENT, "env", f"LD_LIBRARY_PATH={service.paths.libraries}",
                                   TRACED, ARENA["name"]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.await_byte()

    def await_byte(self):
        if self.process.stdout.read(1) != b"\0":
            raise RuntimeError("a traced client is gone")

    def exhaust(self):
        self.process.stdin.write(b"\0")
        self.process.stdin.flush()
        self.await_byte()

    def pid(self):
        clients = json.loads(self.service.thrusterctl("clients", "--json").stdout)["clients"]
        return next(str(c["pid"]) for c in clients if c["arena"] == ARENA["name"])

    def end(self):
        self.process.communicate(timeout=PATIENCE)


def contention(service):
    return service.stats()["contention"]


def ebpf(service):
    return contention(service)["ebpf"]


def counted(service):
    """How often eBPF saw somebody find the arena exhausted."""
    return sum(core.get("exhausted_total", 0)
               for arena in contention(service).get("arenas", ()) if arena["name"] == ARENA["name"]
               for c in arena["classes"] for core in c["cores"])


def is_attached(service):
    return ebpf(service)["state"] == "attached"


def files_of(service):
    return {(probe["file"], probe["inode"]) for probe in ebpf(service).get("probes", ())}


def what_kernel_can(service):
    """As root, without limits: how it attaches, or None; and why not."""
    process = service.machine.start("sh", "-c", 'echo $$; exec "$1"', "sh", service.paths.probes)
    pid = process.stdout.readline().strip()
    found = wait_for(lambda: ebpf(service).get("backend") and ebpf(service))
    service.machine.run("kill", pid)
    process.communicate(timeout=PATIENCE)
    return (found["backend"] if found["state"] == "attached" else None), found["reason"]


def differs(what, found, wanted):
    return [] if found == wanted else [f"{what}: {found!r}, not {wanted!r}"]


def enabled(tap, service, backend):
    tap.check("it is installed, and not enabled",
              differs("state", service.show("UnitFileState", PROBES), "disabled"))
    tap.check("systemctl enable --now", service.ctl("enable", "--now", PROBES))
    now = ebpf(service)
    tap.check(f"contention is traced when that returns, by {backend}",
              differs("state", now["state"], "attached") + differs("backend", now.get("backend"),
                                                                   backend) +
              differs("reason", now["reason"], ""))
    tap.check("and ends of processes are seen",
              differs("fast_reclaim", now["fast_reclaim"], {"state": "attached", "reason": ""}))
    print("#", service.show("StatusText", PROBES))
    tap.check("its status line says so", service.show("StatusText", PROBES).startswith("Tracing: "))


def counts(tap, service):
    client = Traced(service)
    client.exhaust()
    tap.check("what a client of another user meets is counted", counted(service) == 1)
    since = ebpf(service)["since_realtime_ns"]
    expected = 1
    for what, act in (("systemctl restart of the daemon", lambda: service.ctl("restart", SERVICE)),
                      ("SIGKILL", service.kill)):
        faults = act() or ([] if wait_for(lambda: is_attached(service)) else ["it is not attached"])
        client.exhaust()
        expected += 1
        tap.check(f"{what}: it is attached again, and goes on counting",
                  faults + differs("counted", counted(service), expected) +
                  differs("since", ebpf(service).get("since_realtime_ns"), since))
    told = ebpf(service)["exits_told_total"]
    lost = service.stats()["reclaim"]["clients_total"]
    service.machine.run("kill", "-KILL", client.pid())
    client.end()
    tap.check("a client that is killed is told of before its memory is torn down",
              bool(wait_for(lambda: ebpf(service)["exits_told_total"] > told and
                            service.stats()["reclaim"]["clients_total"] > lost)))


def replaces_library(tap, service):
    """As a package does: another file of the same name."""
    library = f"{service.paths.libraries}/libthruster-client.so.0"
    faults = service.faults("sh", "-c", 'f=$(readlink -f "$1"); cp "$f" /run/new && '
                            'install -m644 /run/new "$f"', "sh", library)
    inode = service.machine.run("stat", "-L", "-c", "%i", library).stdout.strip()
    attached = wait_for(lambda: (library, int(inode)) in files_of(service))
    before = counted(service)
    client = Traced(service)
    client.exhaust()
    client.end()
    tap.check("the library is replaced: new processes are traced",
              faults + differs("attached", bool(attached), True) +
              differs("counted", counted(service), before + 1) +
              differs("reason", ebpf(service)["reason"], ""))


def stops(tap, service):
    pid, client = service.pid(), Traced(service)
    before = counted(service)
    tap.check("systemctl stop", service.ctl("stop", PROBES))
    now = ebpf(service)
    print("#", now["reason"])
    client.exhaust()
    tap.check("nothing is traced then, with a reason",
              differs("state", now["state"], "unavailable") +
              differs("counted", counted(service), before) +
              ([] if "start thruster-probes.service" in now["reason"] else [now["reason"]]))
    client.end()
    tap.check("and the daemon and its clients go on", service.pid() == pid and
              service.show("ActiveState") == "active")


def lacks_capability(tap, service):
    faults = service.configure("capabilities", "[Service]\n" + NO_BPF, PROBES) + \
        service.ctl("start", PROBES)
    now, client = ebpf(service), Traced(service)
    print("#", now["reason"])
    client.exhaust()
    client.end()
    tap.check("without CAP_BPF it starts, and the statistics say why it does not trace",
              faults + differs("state", now["state"], "unavailable") +
              differs("errno", now.get("errno"), 1) +
              ([] if "CAP_BPF" in now["reason"] else [now["reason"]]))
    tap.check("so does its status line",
              service.show("StatusText", PROBES).startswith("Not tracing: cannot load"))
    tap.check("it is stopped in peace", service.ctl("stop", PROBES) +
              differs("state", service.show("ActiveState", PROBES), "inactive"))
    tap.check("with it again, it traces", service.configure("capabilities", "", PROBES) +
              service.ctl("start", PROBES) + differs("attached", is_attached(service), True))


def finds_copies(tap, service, box):
    process, pid = service.hold(1, *box)
    faults = service.configure("copies", "[Service]\n" + SYS_PTRACE, PROBES) + \
        service.ctl("restart", PROBES)
    tap.check("with CAP_SYS_PTRACE it finds the program of a client in a container",
              faults + differs("attached", bool(wait_for(lambda: any(
                  file.startswith("/proc/") for file, _ in files_of(service)))), True))
    service.end(process, pid)
    service.configure("copies", "", PROBES)


def uses_perf_events(tap, service):
    faults = service.configure(
        "perf", f"[Service]\nExecStart=\nExecStart={service.paths.probes} --perf -f "
        f"{service.paths.libraries}/libthruster-client.so.0\n{SYS_ADMIN}", PROBES)
    faults += service.ctl("restart", PROBES)
    before, client = counted(service), Traced(service)
    client.exhaust()
    client.end()
    tap.check("perf events, with CAP_SYS_ADMIN",
              faults + differs("backend", ebpf(service).get("backend"), "perf_uprobe") +
              differs("counted", counted(service), before + 1))
    # It takes a second or two to detach them.
    service.configure("perf", "", PROBES)


def goes_with_the_pool(tap, service):
    faults = service.ctl("stop", SOCKET, SERVICE)
    time.sleep(0.6)  # as long as it takes to look for the daemon again
    tap.check("systemctl stop of the pool ends it, too, and it wakes nobody",
              faults + differs("it", service.show("ActiveState", PROBES), "inactive") +
              differs("the daemon", service.show("ActiveState"), "inactive"))
    tap.check("systemctl start brings it along", service.ctl("start", SERVICE) + differs(
        "attached", bool(wait_for(lambda: is_attached(service))), True))
    tap.check("systemctl disable --now", service.ctl("disable", "--now", PROBES) +
              service.ctl("restart", SERVICE) +
              differs("it", service.show("ActiveState", PROBES), "inactive"))


def traces(tap, service, config, box):
    """`config` makes a configuration of more arenas; `box` is how to put a client into a box."""
    if not os.path.exists(service.machine.path(service.paths.probes)):
        tap.skip("contention is traced", "this build has no thruster-probes")
        return
    r = service.machine.run("systemd-analyze", "security", "--threshold=" + EXPOSURE_MAX, PROBES)
    tap.check("the exposure of thruster-probes is at most 0.7: " +
              r.stdout.strip().rpartition("\n")[2][2:],
              r.stdout.splitlines() if r.returncode else [])
    shutil.copy(service.paths.traced, service.machine.path(TRACED))
    service.write_config(config(ARENA))
    tap.check("an arena with one slot is served", service.ctl("restart", SERVICE))
    backend, reason = what_kernel_can(service)
    if not backend:
        tap.skip("contention is traced", reason)
        return
    if backend != "uprobe_multi":
        service.configure("kernel", "[Service]\n" + SYS_ADMIN, PROBES)
    enabled(tap, service, backend)
    for part in (counts, replaces_library, stops, lacks_capability):
        part(tap, service)
    finds_copies(tap, service, box)
    uses_perf_events(tap, service)
    goes_with_the_pool(tap, service)
