# SPDX-License-Identifier: MIT
"""
shm and client for arm64: cross-compiled, the restartable sequences looked at in the object code, and
the crew (crew.c) run under user emulation, where there is no rseq and threads hold the segments. The
same program natively before that, with both engines. An arm64 kernel in an emulator runs the
sequences themselves: tests/machine/arm64.sh, by hand.

  arm64.py CREW       the native program
"""

import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lint"))

from tap import ROOT, Tap

CC, OBJDUMP, EMULATOR = "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objdump", "qemu-aarch64"
READELF = "aarch64-linux-gnu-readelf"
FLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-Wshadow",
         "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wpointer-arith", "-Wvla", "-Wundef",
         "-Wwrite-strings", "-Wno-missing-field-initializers", "-D_GNU_SOURCE",
         '-DTHRUSTER_VERSION="0"', "-I.", "-Iclient/include")
# The header of the probes is the same for all machines, and here in the place of the native one.
NATIVE = f"/usr/include/{os.uname().machine}-linux-gnu"
HAS_PROBES = os.path.exists(f"{NATIVE}/sys/sdt.h")
FLAGS += ("-DTHR_HAS_PROBES=1", "-idirafter", NATIVE) if HAS_PROBES else ("-DTHR_HAS_PROBES=0",)
CREW = tuple(f"tests/arm64/{name}.c" for name in ("crew", "disturb", "mate", "warden"))
SECTIONS = ("rent", "reserve", "put", "give", "give_all", "switch", "relinquish")
RELEASING = ("give", "give_all", "relinquish")
SIGNATURE = 0xd428bc00
DESCRIPTOR = struct.Struct("<IIQQQ")  # version, flags, start, length, abort: struct rseq_cs
# In a sequence there are plain loads and stores and arithmetic, and nothing that leaves it.
FORBIDDEN = re.compile(r"(bl|blr|br|ret|svc|brk|ld[a]?x\w*|st[l]?x\w*|cas\w*|swp\w*|ldadd\w*)$")
COMMIT = re.compile(r"(str|stlr)$")


def run(*command, **more):
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False,
                          **more)


def build(to, *sources, options=()):
    r = run(CC, *FLAGS, "-static", *options, *sources, "-o", to, "-pthread")
    return (r.stdout + r.stderr).splitlines() or ([] if r.returncode == 0 else ["no"])


class Program:
    """A linked arm64 program: its code, the functions in it, and the descriptors of sequences."""

    def __init__(self, path):
        self.code, self.functions = {}, {}
        name = None
        for line in run(OBJDUMP, "-d", "--no-show-raw-insn", path).stdout.splitlines():
            if m := re.match(r"([0-9a-f]+) <(.+)>:$", line):
                name = m.group(2)
            elif m := re.match(r"\s*([0-9a-f]+):\t(\S+)\s*(.*)", line):
                self.code[int(m.group(1), 16)] = (m.group(2), m.group(3))
                self.functions[int(m.group(1), 16)] = name
        self.words = self.section(path, "__rseq_failure")
        found = b"".join(self.section(path, "__rseq_cs")[1])
        self.descriptors = list(DESCRIPTOR.iter_unpack(found)) if len(found) % 32 == 0 else []

    @staticmethod
    def section(path, name):
        """Where a section begins, and its bytes by fours."""
        start, words = None, []
        for line in run(OBJDUMP, "-s", "-j", name, path).stdout.splitlines():
            if m := re.match(r" ([0-9a-f]+) ((?:[0-9a-f]{8} ?){1,4}) ", line + " "):
                start = int(m.group(1), 16) if start is None else start
                words += [bytes.fromhex(w) for w in m.group(2).split()]
        return start, words

    def names_in(self, function):
        return {self.code[a][0] for a, name in self.functions.items() if name == function}

    def faults(self):
        return [f"{self.functions.get(d[2])}+: {fault}" for d in self.descriptors
                for fault in self.faults_of(*d)]

    def faults_of(self, version, flags, start, length, abort):
        if version or flags:
            yield f"version {version}, flags {flags}"
        first, words = self.words
        at = (abort - 4 - first) // 4
        if not 0 <= at < len(words) or int.from_bytes(words[at], "little") != SIGNATURE:
            yield "no signature before the abort handler"
        if self.code.get(abort, ("", ""))[0] != "b":
            yield "the abort handler is no branch"
        if start % 4 or length % 4 or not 12 <= length <= 256:
            yield f"begins at {start:#x}, of {length} bytes"
            return
        code = [self.code.get(a, ("nothing", "")) for a in range(start, start + length, 4)]
        if not re.match(r"w\d+, \[x\d+, #4\]", code[0][1]):
            yield "does not begin with the number of the core"
        yield from (f"{name} {rest}" for name, rest in code if FORBIDDEN.match(name))
        if not COMMIT.match(code[-1][0]):
            yield f"ends with {code[-1][0]}"


def look(tap, directory):
    """The sequences, each by itself, and as they were inlined into the crew."""
    alone = os.path.join(directory, "sections")
    faults = build(alone, "tests/arm64/sections.c")
    tap.check("the sequences compile by themselves", faults)
    if faults:
        return
    program = Program(alone)
    names = sorted(str(program.functions.get(d[2])) for d in program.descriptors)
    tap.check("each of the seven has one descriptor, in its own function",
              [] if names == sorted("look_" + s for s in SECTIONS) else ["found:", *names])
    tap.check("leases end, and segments are given up, with release stores",
              [s for s in RELEASING if "stlr" not in program.names_in(f"look_{s}")])
    tap.check("each is checked, plain and ends with its commit; signature before its handler",
              program.faults())
    program = Program(os.path.join(directory, "crew"))
    tap.check(f"so are the {len(program.descriptors)} in the program",
              program.faults() if len(program.descriptors) >= len(SECTIONS) else ["too few"])


def crew(tap, what, *command, engine):
    """A run of the crew is one check; its own are shown if one fails."""
    r = run(*command, timeout=240)
    lines = (r.stdout + r.stderr).splitlines()
    said = next((l for l in lines if l.startswith("# engine: ")), "# engine: none")
    faults = [] if r.returncode == 0 and re.match(f"# engine: {engine},", said) else lines
    tap.check(f"{what}: {said[10:]}", faults or ([] if r.returncode == 0 else ["no"]))
    if not faults:
        print("\n".join(l for l in lines if re.match("# (rents|killed)", l)))


def native(tap, program):
    there = "rseq" if "engine: rseq" in run(program, "--seconds", "1", "--processes", "1").stdout \
        else "threads"
    both = "rseq and threads" if there == "rseq" else there
    print(f"# natively there is {'' if there == 'rseq' else 'no '}rseq")
    crew(tap, "as cores", program, "--kill", "40", engine=there)
    crew(tap, "as threads", program, "--engine", "threads", "--kill", "40", engine="threads")
    crew(tap, "as both in one arena", program, "--engine", "mixed", "--kill", "40", engine=both)
    crew(tap, "for 1 core", program, "--cores", "1", "--seconds", "1", engine=there)
    crew(tap, "for 1,024 cores", program, "--cores", "1024", "--seconds", "1", engine=there)


def probes(tap, program):
    what = "each probe has its arguments in the registers of a call"
    if not HAS_PROBES:
        tap.skip(what, "no sys/sdt.h (systemtap-sdt-dev)")
        return
    notes = re.findall(r"Provider: thruster\s+Name: (\w+)\s+Location: .*\s+Arguments: (.*)",
                       run(READELF, "-n", "-W", program).stdout)
    tap.check(what, [f"{name}: {arguments}" for name, arguments in notes
                     if arguments.strip() != "8@x0 8@x1 8@x2 8@x3 8@x4 8@x5"] or
              ([] if len(notes) >= 12 else [f"{len(notes)} probes"]))


def programs(tap, directory):
    what = "the BPF programs compile for arm64"
    headers = "/usr/aarch64-linux-gnu/include"
    if not shutil.which("clang") or not os.path.exists("/usr/include/bpf/bpf_helpers.h"):
        tap.skip(what, "no clang, or no libbpf-dev")
        return
    faults = []
    for source in sorted(glob.glob("ebpf/*.bpf.c", root_dir=ROOT)):
        r = run("clang", "-target", "bpf", "-D__TARGET_ARCH_arm64", "-mcpu=v3", "-O2", "-g",
                "-Wall", "-Werror", "-Wno-missing-declarations", "-I.", "-I", headers, "-c", source,
                "-o", os.path.join(directory, "program.o"))
        faults += r.stderr.splitlines()
    tap.check(what, faults)


def main():
    tap = Tap()
    native(tap, os.path.abspath(sys.argv[1]))
    if not shutil.which(CC) or not shutil.which(OBJDUMP):
        tap.skip("shm and client for arm64", f"{CC} is not installed (gcc-aarch64-linux-gnu libc6-dev-arm64-cross)")
        tap.done()
    with tempfile.TemporaryDirectory(prefix="thruster-arm64-") as directory:
        program = os.path.join(directory, "crew")
        sources = sorted(glob.glob("shm/*.c", root_dir=ROOT) + glob.glob("client/*.c",
                                                                         root_dir=ROOT))
        faults = build(program, *CREW, *sources)
        tap.check(f"{len(sources)} sources of shm and client compile for arm64 without a warning",
                  faults)
        if not faults:
            look(tap, directory)
            probes(tap, program)
        programs(tap, directory)
        if not faults and not shutil.which(EMULATOR):
            tap.skip("arm64 under user emulation", f"{EMULATOR} is not installed (qemu-user)")
        elif not faults:
            crew(tap, "arm64 under user emulation", EMULATOR, program, "--kill", "100",
                 "--disturb", "2000", engine="(rseq|threads)")
    tap.done()


main()
