# SPDX-License-Identifier: MIT
"""Who includes whom: the floors of the house (docs/architecture.md)."""

import os
import re

from tap import ROOT, Tap, files, text

SYSTEM = re.compile(
    r"(linux|sys|asm|netinet|arpa)/[\w/]+\.h|"
    r"(argp|assert|byteswap|cpuid|ctype|dirent|elf|endian|err|errno|fcntl|float|fnmatch|fts|getopt|"
    r"glob|grp|immintrin|inttypes|langinfo|libgen|limits|locale|malloc|math|mqueue|poll|pthread|"
    r"pwd|regex|sched|search|semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|"
    r"stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|syslog|termios|threads|time|uchar|"
    r"ucontext|unistd|wchar|wctype|x86intrin|arm_neon)\.h")

# Floor: what it may include by "...", and by <...> besides libc and the kernel.
FLOORS = {
    "shm": (r"shm/", None),
    "client": (r"(client/(?!thrusterctl/|thruster-probes/)|shm/)", None),
    "client/thrusterctl": (r"(client/(?!thruster-probes/)|shm/)", r"(curses|jansson)\.h"),
    # What needs privileges: the loader, spoken for to the daemon.
    "client/thruster-probes": (r"(client/(?!thrusterctl/)|shm/|ebpf/(loader|notes|tracing)\.h$)",
                               r"(jansson|systemd/sd-daemon)\.h"),
    "ebpf": (r"(ebpf/|\w[\w-]*\.skel\.h$)", r"(bpf/\w+|gelf|libelf)\.h"),
    "daemon": (r"(daemon/|shm/|ebpf/record\.h$)", r"(jansson|systemd/[\w-]+)\.h"),
}


def floor_of(path):
    return max((f for f in FLOORS if path.startswith(f + "/")), key=len, default=None)


def includes(path):
    for number, line in enumerate(text(path).splitlines(), 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if m:
            yield number, m.group(1), m.group(2)


def law(floor):
    faults = []
    quoted, angle = FLOORS[floor]
    for path in files(".c", ".h", under=floor):
        if floor_of(path) != floor:
            continue
        for number, kind, name in includes(path):
            if kind == '"' and not re.match(quoted, name):
                faults.append(f'{path}:{number}: "{name}" is not for this floor')
            if kind == "<" and not SYSTEM.fullmatch(name) and \
                    not (angle and re.fullmatch(angle, name)):
                faults.append(f"{path}:{number}: <{name}> is not for this floor")
    return faults


def from_root():
    faults = []
    for floor in ("shm", "client", "ebpf", "daemon", "tests", "bench"):
        for path in files(".c", ".h", under=floor):
            for number, kind, name in includes(path):
                generated = name.endswith(".skel.h")
                if kind == '"' and not generated and \
                        not os.path.isfile(os.path.join(ROOT, name)):
                    faults.append(f'{path}:{number}: "{name}" is not a path from the root')
    return faults


def main():
    tap = Tap()
    for floor in FLOORS:
        if not os.path.isdir(os.path.join(ROOT, floor)):
            tap.skip(f"{floor}/ includes only what it may", "there is no such floor")
            continue
        tap.check(f"{floor}/ includes only what it may", law(floor))
    tap.check("includes are written from the root", from_root())
    tap.check("nothing is called common or utils",
              [path for path in files() if re.search(
                  r"(^|/)(common|utils?|helpers?|misc)(/|\.[ch]$|\.py$|\.sh$)", path)])
    tap.done()


main()
