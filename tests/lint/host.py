# SPDX-License-Identifier: MIT
"""A real daemon in a directory of its own, and clients of it that do as they are told."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

WAIT_S = 30


class Host:
    """Leaving the scope ends the daemon and its clients and removes the directory."""

    def __init__(self, config):
        self.config = config
        self.processes = []

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="thruster-")
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self):
        """Also once more, when the daemon has ended."""
        with open(self.path("config.json"), "w", encoding="utf-8") as file:
            json.dump(self.config, file)
        self.environment = dict(os.environ, THRUSTER_SOCKET=self.path("s"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(self.path("notify"))
            ready.settimeout(WAIT_S)
            self.daemon = subprocess.Popen(
                (os.environ["THRUSTERD"], "--config", self.path("config.json"), "--socket",
                 self.path("s")),
                env=dict(os.environ, NOTIFY_SOCKET=ready.getsockname()), stdin=subprocess.DEVNULL)
            self.processes.append(self.daemon)
            while b"READY=1" not in ready.recv(4096):
                pass
        os.unlink(self.path("notify"))

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def ctl(self, *arguments, **more):
        """thrusterctl with these arguments: what it printed, and how it ended."""
        return subprocess.run((os.environ["THRUSTERCTL"], *arguments), env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                              timeout=WAIT_S, **more)

    def ask(self, *command):
        run = self.ctl(*command, "--json")
        if run.returncode != 0:
            raise RuntimeError(run.stderr)
        return json.loads(run.stdout)

    def await_stats(self, is_so):
        until = time.monotonic() + WAIT_S
        while True:
            stats = self.ask("stats")
            if is_so(stats) or time.monotonic() > until:
                return stats
            time.sleep(0.01)


class Holder:
    """A client of that daemon (tests/lint/holder.c)."""

    def __init__(self, program, host, label):
        self.process = subprocess.Popen((program, label), env=host.environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        encoding="utf-8", bufsize=1)
        host.processes.append(self.process)
        self.id = int(self.process.stdout.readline())

    def do(self, command):
        self.process.stdin.write(command + "\n")
        return int(self.process.stdout.readline())

    def detach(self):
        self.process.stdin.close()
        return self.process.wait(WAIT_S)
