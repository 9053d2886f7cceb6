# SPDX-License-Identifier: MIT
"""The service in a machine, as an operator handles it; and the storm of clients around it."""

import json
import os
import re
import shutil
import time

SERVICE, SOCKET = "thrusterd.service", "thrusterd.socket"
PROBES = "thruster-probes.service"
SOCKET_PATH = "/run/thruster/thrusterd.sock"
CLIENT = "/run/storm-client"
AS_CLIENT = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--groups=thruster-clients")
PATIENCE = 20


def wait_for(question, seconds=PATIENCE):
    """The first answer that is true, or the last."""
    until = time.monotonic() + seconds
    answer = question()
    while not answer and time.monotonic() < until:
        time.sleep(0.05)
        answer = question()
    return answer


class Paths:
    """What the build says of itself."""

    def __init__(self, build, client, traced, daemon, ctl, probes, libraries, config):
        self.build, self.client, self.traced = build, client, traced
        self.daemon, self.ctl, self.probes = daemon, ctl, probes
        self.libraries, self.config = libraries, config

    def install(self, root):
        """The command that installs the build as it is below a directory."""
        return ("meson", "install", "-C", self.build, "--no-rebuild", "--quiet", "--destdir", root)


class Service:
    def __init__(self, machine, paths):
        self.machine, self.paths = machine, paths

    def bring_client(self):
        shutil.copy(self.paths.client, self.machine.path(CLIENT))

    def faults(self, *command, **more):
        """Nothing if the command succeeds, else what it prints."""
        r = self.machine.run(*command, **more)
        return [] if r.returncode == 0 else r.stdout.splitlines() or [f"{command[0]}: no"]

    def ctl(self, *command):
        return self.faults("systemctl", *command)

    def show(self, name, unit=SERVICE):
        return self.machine.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def pid(self):
        return self.show("MainPID")

    def thrusterctl(self, *command):
        return self.machine.run("env", f"LD_LIBRARY_PATH={self.paths.libraries}", self.paths.ctl,
                                *command)

    def stats(self):
        r = self.thrusterctl("stats", "--json")
        if r.returncode:
            raise RuntimeError(f"thrusterctl stats: {r.stdout.strip()}")
        return json.loads(r.stdout)

    def leased(self):
        return sum(c["leased"] for a in self.stats()["arenas"] for c in a["classes"])

    def totals(self):
        """Figures that only grow."""
        stats = self.stats()
        classes = [c for a in stats["arenas"] for c in a["classes"]]
        found = {name: sum(c[name] for c in classes) for name in ("rents_total", "returns_total")}
        for name in ("clients_total", "leases_total"):
            found["reclaim." + name] = stats["reclaim"][name]
        return found

    def configure(self, name, text, unit=SERVICE):
        """A drop-in; effective at the next start."""
        path = self.machine.path(f"/run/systemd/system/{unit}.d/{name}.conf")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return self.ctl("daemon-reload")

    def write_config(self, text):
        path = self.machine.path(self.paths.config)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def is_up_again(self, old):
        state, pid = (self.show(n) for n in ("ActiveState", "MainPID"))
        return state == "active" and pid not in (old, "0")

    def kill(self, signal="KILL"):
        """A signal, and wait for another main process."""
        old = self.pid()
        faults = self.ctl("kill", "--kill-who=main", f"--signal={signal}", SERVICE)
        return faults or ([] if wait_for(lambda: self.is_up_again(old)) else
                          [f"SIG{signal}: it is not up again"])

    def journal(self, *more):
        """Entries of the daemon itself, not of the service manager about it."""
        out = self.machine.run("journalctl", "-o", "json", "_SYSTEMD_UNIT=" + SERVICE, *more).stdout
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def hold(self, n, *prefix):
        """A client with n leases. Returns it and its pid in the machine."""
        process = self.machine.start("sh", "-c", 'echo $$; exec "$@"', "sh", *AS_CLIENT, *prefix,
                                     CLIENT, "hold", str(n))
        pid = process.stdout.readline().strip()
        said = process.stdout.readline().strip()
        if said != "holding":
            raise RuntimeError(f"a client: {said} {process.stdout.read()}")
        return process, pid

    def end(self, process, pid):
        self.machine.run("kill", "-KILL", pid)
        process.wait(timeout=PATIENCE)
        process.stdout.close()


class Storm:
    """Clients that tolerate nothing. done() says what went wrong for them."""

    def __init__(self, service, workers=4):
        self.service = service
        self.process = service.machine.start(*AS_CLIENT, CLIENT, "storm", str(workers))
        said = re.match(r"running (\d+)$", self.process.stdout.readline().strip())
        if not said:
            raise RuntimeError("the storm does not begin: " + self.process.stdout.read())
        self.pid = said.group(1)
        self.counts = ""

    def is_on(self):
        return self.process.poll() is None

    def done(self):
        if self.is_on():
            self.service.machine.run("kill", "-TERM", self.pid)
        self.counts, _ = self.process.communicate(timeout=60)
        self.counts = self.counts.strip()
        return [] if self.process.returncode == 0 else [self.counts]
