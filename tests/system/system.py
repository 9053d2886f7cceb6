# SPDX-License-Identifier: MIT
"""
The service under a real systemd, in a machine of its own (machine.py): started by hand and by its
socket, and restarted in every way there is while clients go on that tolerate no error.

  system.py BUILD STORM-CLIENT TRACED-CLIENT THRUSTERD THRUSTERCTL THRUSTER-PROBES LIBDIR CONFIG

All but the first three as installed.
"""

import json
import os
import re
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lint")]

from machine import Machine, Unavailable
from service import PROBES, SERVICE, SOCKET, SOCKET_PATH, Paths, Service, Storm, wait_for
from tap import Tap, text
from traces import traces

RESTARTS = KILLS = 20
EXPOSURE_MAX = "5"  # in tenths
# The arena that is built in, so that it is served on when it is configured in so many words.
CLASSES = [{"slot_bytes": b, "slots": n} for b, n in
           ((1024, 4096), (4096, 4096), (65536, 256), (1048576, 16))]
# No core files: the pattern of the machine around us may well lead into it.
NO_CORES = "[Service]\nLimitCORE=1\n"
BOX = """
set -e
mount -t tmpfs none /mnt
mkdir -p /mnt/usr /mnt/run/thruster
mount --rbind /usr /mnt/usr
for name in lib lib64; do
	if [ -L /$name ]; then cp -P /$name /mnt/$name
	elif [ -d /$name ]; then mkdir /mnt/$name; mount --rbind /$name /mnt/$name; fi
done
cp "$1" /mnt/client
touch /mnt{socket}
mount --bind {socket} /mnt{socket}
exec chroot /mnt /client "$2" "$3"
""".replace("{socket}", SOCKET_PATH)


# Before the program, to have it in mount, PID and user namespaces of its own.
BOXED = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--",
         "sh", "-c", BOX, "sh")


def config(*names, more=()):
    return json.dumps({"arenas": [
        {"name": name, "max_clients": 64, "undelivered_grace_ms": 10000, "classes": CLASSES,
         "allow": {"users": ["root"], "groups": ["thruster-clients"]}}
        for name in names] + list(more)})


def installed(tap, service):
    run = service.machine.run
    tap.check("systemd-sysusers makes the user and the groups",
              service.faults("systemd-sysusers") +
              service.faults("getent", "passwd", "thruster") +
              service.faults("getent", "group", "thruster", "thruster-clients",
                             "thruster-admins"))
    units = (SERVICE, SOCKET) + ((PROBES,) if service.show("LoadState", PROBES) == "loaded" else ())
    r = run("systemd-analyze", "verify", "--man=no", *units)
    said = [l for l in r.stdout.splitlines() if "thruster" in l]
    tap.check(f"systemd-analyze verify finds nothing: {' '.join(units)}", said or r.returncode == 0)
    r = run("systemd-analyze", "security", "--threshold=" + EXPOSURE_MAX, SERVICE)
    tap.check("its exposure is at most 0.5: " + r.stdout.strip().rpartition("\n")[2][2:],
              r.stdout.splitlines() if r.returncode else [])
    arenas = int(re.search(r"STATE_ARENAS_MAX (\d+)", text("daemon/state.h")).group(1))
    tap.check("the service manager keeps what all arenas need that the daemon can know",
              int(service.show("FileDescriptorStoreMax")) >= 1 + 3 * arenas)


def starts(tap, service):
    tap.check("enabling brings the socket along",
              service.ctl("enable", SERVICE) +
              service.faults("systemctl", "is-enabled", SOCKET, SERVICE))
    tap.check("systemctl start", service.ctl("start", SERVICE))
    tap.check("its status line says what it serves",
              bool(re.search(r"\d+ of \d+ slots", wait_for(lambda: service.show("StatusText")))))
    tap.check("it keeps descriptors with the service manager",
              int(service.show("NFileDescriptorStore")) >= 3)
    tap.check("systemctl stop", service.ctl("stop", SOCKET, SERVICE))
    left = service.machine.run(
        "sh", "-c", "ls -d /run/thruster; ps -o pid,args -u thruster --no-headers")
    kept = service.show("NFileDescriptorStore")
    tap.check("and nothing is left of it",
              [l for l in left.stdout.splitlines() if "cannot access" not in l] +
              ([] if kept == "0" else [f"{kept} descriptors"]))


def activates(tap, service):
    tap.check("systemctl start of the socket alone", service.ctl("start", SOCKET))
    was = service.show("ActiveState")
    process, pid = service.hold(8)
    tap.check("a client that attaches starts the service",
              was == "inactive" and service.show("ActiveState") == "active")
    tap.check("and has what it rented", service.leased() == 8)
    service.end(process, pid)
    tap.check("until it is killed", bool(wait_for(lambda: service.leased() == 0)))


class Weather:
    """The storm, the figures before, and what every act in it must leave as it was."""

    def __init__(self, tap, service):
        self.tap, self.service = tap, service
        self.storm = Storm(service)
        self.totals = service.totals()

    def backward(self):
        before, self.totals = self.totals, self.service.totals()
        return [f"{name}: {before[name]}, then {self.totals[name]}"
                for name in before if self.totals[name] < before[name]]

    def act(self, what, faults):
        """`faults` of the act itself; then the clients', and the figures'."""
        begun = time.monotonic()
        faults = list(faults())
        took = time.monotonic() - begun
        if not self.storm.is_on():
            faults += self.storm.done() or ["the storm is over"]
            self.storm = Storm(self.service)  # what follows is to be seen as well
        self.tap.check(f"{what} ({took:.1f} s)", faults or self.backward())


def restart(service):
    old = service.pid()
    return service.ctl("restart", SERVICE) or \
        ([] if service.is_up_again(old) else ["it is not up"])


def repeat(n, act):
    for _ in range(n):
        faults = act()
        if faults:
            return faults
    return []


def stall(service):
    """A main process that does not move: the watchdog ends it."""
    faults = service.configure("watchdog", "[Service]\nWatchdogSec=3\n") or restart(service) or \
        service.kill("STOP")
    said = service.machine.run("journalctl", "-b", "-u", SERVICE, "-g", "Watchdog timeout").stdout
    return faults or ([] if "Watchdog timeout" in said else ["the watchdog did nothing"])


def reexecute(service):
    """The service goes on meanwhile, and what is kept for it survives as well."""
    old = service.pid()
    faults = service.ctl("daemon-reexec")
    wait_for(lambda: not service.ctl("is-active", SERVICE))
    if service.pid() != old:
        faults.append("the service has another process")
    return faults or restart(service)


def upgrade(service):
    daemon = service.paths.daemon
    faults = service.faults("sh", "-c", 'cp -p "$1" "$1.new" && mv "$1.new" "$1"', "sh", daemon)
    old = os.readlink(service.machine.path(f"/proc/{service.pid()}/exe"))
    faults = faults or restart(service)
    new = os.readlink(service.machine.path(f"/proc/{service.pid()}/exe"))
    return faults or ([] if new == daemon and old != new else [f"it ran {old}, then {new}"])


def die_meanwhile(service):
    """A client is killed while there is no daemon; the next one takes back what it had."""
    faults = service.configure("slowly", "[Service]\nRestartSec=2\n")
    process, pid = service.hold(32)
    before = service.totals()
    old = service.pid()
    faults += service.ctl("kill", "--kill-who=main", "--signal=KILL", SERVICE)
    service.end(process, pid)
    if service.pid() != "0":
        faults.append("the daemon was there")
    faults += service.configure("slowly", "")
    if not wait_for(lambda: service.is_up_again(old)):
        return faults + ["it is not up again"]

    def grown():
        now = service.totals()
        return now["reclaim.leases_total"] >= before["reclaim.leases_total"] + 32 and \
            now["reclaim.clients_total"] > before["reclaim.clients_total"]
    return faults or ([] if wait_for(grown) else [f"before: {before}", f"now: {service.totals()}"])


def stay_quiet(service):
    since = len(service.journal())
    time.sleep(2)
    return [e["MESSAGE"] for e in service.journal()[since:]]


def storms(tap, service):
    weather = Weather(tap, service)
    act = weather.act
    act("in normal life it says nothing", lambda: stay_quiet(service))
    act(f"{RESTARTS} times systemctl restart", lambda: repeat(RESTARTS, lambda: restart(service)))
    act(f"{KILLS} times SIGKILL", lambda: repeat(KILLS, service.kill))
    act("a client killed while the daemon is away is reclaimed", lambda: die_meanwhile(service))
    act("the watchdog ends a daemon that hangs", lambda: stall(service))
    act("systemctl daemon-reexec", lambda: reexecute(service))
    act("systemctl daemon-reload", lambda: service.ctl("daemon-reload") or restart(service))
    act("an upgrade", lambda: upgrade(service))
    tap.check("no client saw an error, and none lost a buffer", weather.storm.done())
    print(f"# {weather.storm.counts}")
    tap.check("all buffers came back", bool(wait_for(lambda: service.leased() == 0)))
    tap.check("thrusterctl check finds every rule kept",
              service.thrusterctl("check").returncode == 0)


def messages(service, word):
    return [e["MESSAGE"] for e in service.journal() if word in e.get("MESSAGE", "")]


def names_of_arenas(service):
    return sorted(a["name"] for a in service.stats()["arenas"])


def reloads(tap, service):
    service.write_config(config("default", "first"))
    tap.check("systemctl reload with the first configuration that there is",
              service.ctl("reload", SERVICE))
    tap.check("brings what is in it",
              bool(wait_for(lambda: names_of_arenas(service) == ["default", "first"])))
    service.write_config(config("default"))
    tap.check("with a configuration of its own", restart(service))
    pid = service.pid()
    service.write_config(config("default", "second"))
    tap.check("systemctl reload", service.ctl("reload", SERVICE))
    tap.check("brings what is new in the configuration",
              bool(wait_for(lambda: names_of_arenas(service) == ["default", "second"])))
    service.write_config('{ "arenas": [ { "name": "default", "classes": 7 } ] }')
    service.ctl("reload", SERVICE)
    tap.check("one that is broken is told of in the journal",
              bool(wait_for(lambda: messages(service, "classes"))))
    print("#", *messages(service, "classes")[:1])
    tap.check("and changes nothing", pid == service.pid() and
              names_of_arenas(service) == ["default", "second"] and
              service.show("ActiveState") == "active")
    service.write_config(config("default"))
    tap.check("the next restart is with one that is right", restart(service))


def boxed(tap, service):
    before = service.totals()
    process, pid = service.hold(16, *BOXED)
    tap.check("a client in other mount, PID and user namespaces, with nothing but the socket",
              service.leased() == 16)
    service.end(process, pid)
    tap.check("is reclaimed when it is killed",
              bool(wait_for(lambda: service.leased() == 0)) and
              service.totals()["reclaim.leases_total"] >= before["reclaim.leases_total"] + 16)


def traced(tap, service):
    traces(tap, service, lambda arena: config("default", more=[arena]), BOXED)
    service.write_config(config("default"))
    tap.check("the daemon is as before", restart(service))


def resident(service):
    return sum(a["memory"]["resident_bytes"] for a in service.stats()["arenas"])


def memory(tap, service):
    """Within the unit's filter of system calls, and its limits."""
    before = resident(service)
    r = service.thrusterctl("trim")
    print("#", r.stdout.strip())
    tap.check("thrusterctl trim gives idle memory back",
              r.returncode == 0 and 0 < resident(service) < before / 10)
    faults = service.ctl("stop", SOCKET, SERVICE) + \
        service.configure("memory", "[Service]\nMemoryMax=16M\n")
    if service.ctl("start", SERVICE):
        said = wait_for(lambda: messages(service, "cannot be had: the control group"))
        print("#", *said[:1])
        tap.check("it does not start where MemoryMax= has no room for the arenas, and says so",
                  faults or bool(said))
    else:
        tap.skip("it does not start where MemoryMax= has no room for the arenas",
                 "MemoryMax= has no effect in this machine")
    tap.check("and starts where it has",
              service.configure("memory", "[Service]\nMemoryMax=1G\n") + service.ctl(
                  "restart", SOCKET, SERVICE) + service.faults("systemctl", "is-active", SERVICE))


def journal(tap, service):
    events = dict((id, name) for name, id in
                  re.findall(r"X\((\w+), ([0-9a-f]{32})\)", text("daemon/events.h")))
    seen = [(e.get("MESSAGE_ID"), e) for e in service.journal() if "MESSAGE_ID" in e]
    names = {events.get(id, id) for id, _ in seen}
    print("# events in the journal:", *sorted(names))
    tap.check("events are in the journal by their ids",
              [f"{name} is not" for name in ("ARENA_CREATED", "ARENA_ADOPTED", "CLIENT_LOST",
                                             "CONFIG_RELOADED", "CONFIG_REFUSED")
               if name not in names])
    tap.check("and no others", sorted(names - set(events.values())))
    refused = [e["MESSAGE"] for _, e in seen
               if events.get(e["MESSAGE_ID"]) in ("PROTOCOL_VIOLATION", "ARENA_SET_ASIDE")]
    tap.check("no client was found wrong, and no arena set aside", refused)


def main():
    tap = Tap()
    sys.stdout.reconfigure(line_buffering=True)
    paths = Paths(*sys.argv[1:])
    begun = time.monotonic()
    try:
        machine = Machine(paths.install)
    except Unavailable as e:
        print(f"1..0 # SKIP {e}")
        return
    except RuntimeError as e:
        tap.check(f"the machine is made: {e}", False)
        tap.done()
    # The keeper cleans up however this ends; an exit that runs the "finally" says so sooner.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    service = Service(machine, paths)
    try:
        state = machine.await_boot(60)
        tap.check(f"systemd boots ({time.monotonic() - begun:.1f} s)",
                  [] if state == "running" else [state] + machine.said().splitlines())
        service.bring_client()
        service.configure("test", NO_CORES)
        for part in (installed, starts, activates, storms, reloads, boxed, traced, memory, journal):
            part(tap, service)
    except Exception as e:
        tap.check(f"it goes on to the end: {type(e).__name__}: {e}", False)
        log = machine.run("journalctl", "-b", "--no-pager", "-n", "60").stdout
        print("\n".join("# " + line for line in log.splitlines()))
    finally:
        left = machine.stop()
    tap.check("nothing is left of the machine", left)
    tap.done()


main()
