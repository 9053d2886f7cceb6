# SPDX-License-Identifier: MIT
"""
A machine within the machine: systemd as process 1 of namespaces of its own, with its own network,
control groups and devices, on an overlay of the root file system whose changes go into memory.

Three processes stand between the test and systemd. The keeper outlives the test by a moment: it
waits on a pipe whose other end only the test has, so however the test ends, the keeper sees it,
kills process 1 and with it all that ever ran in there, and removes the control groups. The builder
makes the mounts, in a mount namespace that goes when it goes. Process 1 is its child.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time

SYSTEMD = next((p for p in ("/lib/systemd/systemd", "/usr/lib/systemd/systemd")
                if os.path.exists(p)), None)
TARGET = "thruster-test.target"
UNIT_DIRECTORIES = ("etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system",
                    "usr/lib/systemd/system", "lib/systemd/system")
# Of what the targets want at boot, all else is left out.
WANTED = ("systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket")
# Never, whoever wants them: they know no bounds, or take their time.
MASKED = ("systemd-udevd.service", "systemd-udevd-kernel.socket", "systemd-udevd-control.socket",
          "systemd-udev-trigger.service", "systemd-sysctl.service", "systemd-timesyncd.service",
          "systemd-modules-load.service", "systemd-logind.service", "systemd-networkd.service",
          "systemd-tmpfiles-setup-dev.service", "systemd-journald-audit.socket", "dbus.service",
          "dbus.socket", "tmp.mount", "modprobe@.service", "kmod-static-nodes.service")
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9),
           "tty": (5, 0)}

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEWPID, NEWNET = 0x20000000, 0x40000000
RDONLY, NOSUID, NODEV, NOEXEC = 1, 2, 4, 8
REMOUNT, BIND, REC, PRIVATE, STRICTATIME = 32, 4096, 16384, 1 << 18, 1 << 24
DETACH, PDEATHSIG = 2, 1

libc = ctypes.CDLL(None, use_errno=True)


class Unavailable(Exception):
    """There can be no machine here; says why."""


def call(name, *arguments):
    """A system call by its name in libc."""
    arguments = [a.encode() if isinstance(a, str) else a for a in arguments]
    if getattr(libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount(kind, where, flags=0, options=None, source=None):
    os.makedirs(where, exist_ok=True)
    call("mount", source or kind, where, kind, ctypes.c_ulong(flags), options)


def read_only(where):
    """What processes 1 of containers must not write to, as it is the whole machine's."""
    if os.path.exists(where):
        call("mount", where, where, None, ctypes.c_ulong(BIND | REC), None)
        call("mount", None, where, None,
             ctypes.c_ulong(BIND | REMOUNT | RDONLY | NOSUID | NODEV | NOEXEC), None)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def find_cgroups():
    """Where the unified hierarchy is mounted."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        for line in mounts:
            before, _, after = line.partition(" - ")
            if after.startswith("cgroup2 "):
                return before.split(" ")[4]
    raise Unavailable("control groups of version 2 are not mounted")


def mask(root):
    units = set(MASKED)
    for directory in UNIT_DIRECTORIES:
        directory = os.path.join(root, directory)
        for name in os.listdir(directory) if os.path.isdir(directory) else ():
            if name.endswith((".wants", ".requires")):
                units.update(os.listdir(os.path.join(directory, name)))
    for unit in units:
        keep = unit in WANTED or unit.startswith("thruster") or unit.endswith(".target")
        path = os.path.join(root, "etc/systemd/system", unit)
        if not keep:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            os.symlink("/dev/null", path)
    for directory in ("usr/lib/systemd/system-generators", "etc/systemd/system-generators"):
        directory = os.path.join(root, directory)
        for name in os.listdir(directory) if os.path.isdir(directory) else ():
            path = os.path.join(root, "etc/systemd/system-generators", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            os.symlink("/dev/null", path)


def furnish(root):
    """The files in which this machine differs from the one around it."""
    etc = os.path.join(root, "etc")
    mask(root)
    write(f"{etc}/fstab", "")
    write(f"{etc}/hostname", "thruster-test\n")
    write(f"{etc}/machine-id", os.urandom(16).hex() + "\n")
    write(f"{etc}/systemd/journald.conf.d/test.conf",
          "[Journal]\nStorage=volatile\nRateLimitBurst=0\nForwardToSyslog=no\n")
    write(f"{etc}/systemd/system.conf.d/test.conf",
          "[Manager]\nShowStatus=no\nLogTarget=journal\n")
    write(f"{etc}/systemd/system/{TARGET}",
          "[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n")
    default = f"{etc}/systemd/system/default.target"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(default)
    os.symlink(TARGET, default)


def make_root(place):
    """An overlay of / whose changes are kept in memory. Returns where it is."""
    call("mount", None, "/", None, ctypes.c_ulong(REC | PRIVATE), None)
    mount("tmpfs", place, options="mode=755,size=1g")
    root = os.path.join(place, "root")
    for name in ("upper", "work", "root"):
        os.mkdir(os.path.join(place, name), 0o755)
    mount("overlay", root, options=f"lowerdir=/,upperdir={place}/upper,workdir={place}/work")
    # Where /usr and the like are file systems of their own; an overlay does not go into those.
    for name in ("usr", "etc", "var", "opt"):
        if os.path.ismount("/" + name):
            os.makedirs(f"{place}/upper-{name}"), os.makedirs(f"{place}/work-{name}")
            mount("overlay", f"{root}/{name}", options=f"lowerdir=/{name},"
                  f"upperdir={place}/upper-{name},workdir={place}/work-{name}")
    return root


def mount_rest(root):
    """What process 1 would otherwise share with the machine around it."""
    common = NOSUID | NODEV
    mount("proc", f"{root}/proc", common | NOEXEC)
    for name in ("sys", "sysrq-trigger", "irq", "bus", "fs"):
        read_only(f"{root}/proc/{name}")
    mount("sysfs", f"{root}/sys", common | NOEXEC | RDONLY)
    mount("cgroup2", f"{root}/sys/fs/cgroup", common | NOEXEC)
    mount("tmpfs", f"{root}/run", common | STRICTATIME, "mode=755")
    mount("tmpfs", f"{root}/tmp", common | STRICTATIME, "mode=1777")
    mount("tmpfs", f"{root}/var/tmp", common | STRICTATIME, "mode=1777")
    mount("tmpfs", f"{root}/dev", NOSUID, "mode=755")
    mount("devpts", f"{root}/dev/pts", NOSUID | NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    mount("tmpfs", f"{root}/dev/shm", common, "mode=1777")
    for name, (major, minor) in DEVICES.items():
        os.mknod(f"{root}/dev/{name}", 0o20666, os.makedev(major, minor))
        os.chmod(f"{root}/dev/{name}", 0o666)
    os.symlink("pts/ptmx", f"{root}/dev/ptmx")
    os.symlink("/proc/self/fd", f"{root}/dev/fd")


def be_mortal(group):
    """This process is to end with its parent, and its children with the group."""
    call("prctl", PDEATHSIG, signal.SIGKILL)
    write(f"{group}/cgroup.procs", "0")


def become_systemd(root, group, console):
    """Process 1: into the control group, into the root, and gone."""
    be_mortal(group)
    call("unshare", NEWCGROUP)
    mount_rest(root)
    os.chdir(root)
    call("pivot_root", ".", ".")
    call("umount2", ".", DETACH)
    os.chdir("/")
    call("sethostname", "thruster-test", 13)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(console, 1)
    os.dup2(console, 2)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execve(SYSTEMD, [SYSTEMD, "--system"],
              {"container": "thruster-test", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def build_and_boot(place, group, install, report, console):
    """The builder. Tells the pid of process 1, or what is in the way, in one line, and waits."""
    call("prctl", PDEATHSIG, signal.SIGKILL)
    try:
        call("unshare", NEWNS | NEWUTS | NEWIPC | NEWNET)
        root = make_root(place)
        furnish(root)
    except OSError as e:
        os.write(report, f"unavailable {e.strerror}\n".encode())
        return
    try:
        subprocess.run(install(root), check=True, stdin=subprocess.DEVNULL, stdout=console,
                       stderr=console, preexec_fn=lambda: be_mortal(group))
    except (OSError, subprocess.SubprocessError) as e:
        os.write(report, f"failed {str(e)!r}\n".encode())
        return
    call("unshare", NEWPID) # not earlier: the next child is process 1, whatever it is
    pid = os.fork()
    if pid == 0:
        try:
            become_systemd(root, group, console)
        except OSError as e:
            os.write(report, f"unavailable {e.strerror}\n".encode())
        os._exit(1)
    os.write(report, f"pid {pid}\n".encode())
    os.close(report)
    os.waitpid(pid, 0)


def remove_groups(group):
    """With all that is in them. They become empty as processes are gone, which takes a moment."""
    until = time.monotonic() + 10
    while os.path.isdir(group) and time.monotonic() < until:
        with contextlib.suppress(OSError), open(f"{group}/cgroup.procs", encoding="utf-8") as file:
            for pid in file.read().split():
                os.kill(int(pid), signal.SIGKILL)
        for directory, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(directory)
        if os.path.isdir(group):
            time.sleep(0.02)


def keep(group, lifeline, install, report, console):
    """The keeper."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    place = tempfile.mkdtemp(prefix="thruster-machine-")
    try:
        os.mkdir(group)
        builder = os.fork()
        if builder == 0:
            try:
                build_and_boot(place, group, install, report, console)
            finally:
                os._exit(0)
        os.close(report)
        os.read(lifeline, 1)
        os.kill(builder, signal.SIGKILL)
        os.waitpid(builder, 0)
    except OSError as e:
        with contextlib.suppress(OSError):
            os.write(report, f"unavailable {e.strerror}: {group}\n".encode())
    finally:
        remove_groups(group)
        with contextlib.suppress(OSError):
            os.rmdir(place)


class Machine:
    """
    A booted machine. `install` takes the directory that will be its / and returns the command that
    installs there what is to be tested.
    """

    def __init__(self, install):
        self.check_possible()
        self.group = os.path.join(find_cgroups(), f"thruster-test-{os.getpid()}")
        self.console = os.memfd_create("console")
        end, self.lifeline = os.pipe()
        report, to = os.pipe()
        self.keeper = os.fork()
        if self.keeper == 0:
            os.close(self.lifeline)
            os.close(report)
            try:
                keep(self.group, end, install, to, self.console)
            finally:
                os._exit(0)
        os.close(end)
        os.close(to)
        with os.fdopen(report, encoding="utf-8") as file:
            kind, _, rest = file.readline().strip().partition(" ")
            self.report = file
            if kind == "pid":
                kind, rest = self.await_exec(file, int(rest))
        if kind != "pid":
            self.stop()
            if kind == "unavailable":
                raise Unavailable(rest)
            raise RuntimeError(f"{rest or 'no keeper'} {self.said()[-1000:]!r}")
        self.pid = rest

    @staticmethod
    def check_possible():
        if os.geteuid() != 0:
            raise Unavailable("needs root")
        if not SYSTEMD:
            raise Unavailable("there is no systemd here")
        for name in ("nsenter", "systemctl", "journalctl"):
            if not shutil.which(name):
                raise Unavailable(f"there is no {name} here")

    @staticmethod
    def await_exec(file, pid):
        """The pipe ends when process 1 has become systemd; until then it may still complain."""
        kind, _, rest = file.readline().strip().partition(" ")
        return (kind, rest) if kind else ("pid", pid)

    def await_boot(self, seconds):
        until = time.monotonic() + seconds
        while not os.path.exists(f"/proc/{self.pid}/root/run/systemd/private"):
            if time.monotonic() > until or not os.path.exists(f"/proc/{self.pid}/root"):
                raise RuntimeError("systemd does not come up: " + self.said())
            time.sleep(0.02)
        r = self.run("systemctl", "is-system-running", "--wait",
                     timeout=max(1, until - time.monotonic()))
        return r.stdout.strip()

    def said(self):
        """What process 1 wrote to its standard error before there was a journal."""
        return os.pread(self.console, 65536, 0).decode(errors="replace")

    def inside(self, *command):
        return ("nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", "-C", "--", *command)

    def run(self, *command, timeout=60, **more):
        """A command within; what it prints, errors too, is in .stdout."""
        return subprocess.run(self.inside(*command), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                              errors="replace", check=False, timeout=timeout, **more)

    def start(self, *command, **more):
        return subprocess.Popen(self.inside(*command), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                encoding="utf-8", errors="replace", **more)

    def path(self, path):
        """A file of the machine, as it is seen from outside."""
        return f"/proc/{self.pid}/root{path}"

    def stop(self):
        """What is left over, in words."""
        if self.keeper:
            os.close(self.lifeline)
            os.waitpid(self.keeper, 0)
            self.keeper = 0
        return [f"{self.group} is still there"] if os.path.exists(self.group) else []
