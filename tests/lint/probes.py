# SPDX-License-Identifier: MIT
"""
The probes are the same in shm/probes.h, in ebpf/record.h, in docs/contention.md and in the library;
each is one site with its arguments in the registers of a call; and the fast paths have the same
instructions with probes and without. Arguments: the library, or "none" if it has no probes; the
build directory.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

from tap import ROOT, Tap, differences, text

REGISTERS = {
    "x86_64": "8@%rdi 8@%rsi 8@%rdx 8@%rcx 8@%r8 8@%r9",
    "aarch64": "8@x0 8@x1 8@x2 8@x3 8@x4 8@x5",
}
FAST = {"rent": "thruster_rent", "return": "thruster_return"}


def of_header():
    code = text("shm/probes.h").replace("\\\n", "\n")
    rows = re.search(r"#define THR_PROBES\(X\)(.*?)\n\n", code, re.S).group(1)
    return {name: (arguments, re.sub(r'"\s*"', "", words)) for name, arguments, words in
            re.findall(r'X\((\w+), "([^"]*)",\s*"((?:[^"]|"\s*")*)"\)', rows)}


def of_record():
    code = text("ebpf/record.h").replace("\\\n", "\n")
    return [name for _, name in re.findall(r"^\s*X\((\w+), (\w+), \w+\)", code, re.M)]


def of_page():
    table = re.search(r"^\| probe \| arguments 4, 5 \|.*?\n\n", text("docs/contention.md"),
                      re.S | re.M)
    return {name: (arguments, words) for name, arguments, words in
            re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", table.group(0), re.M)}


def of_library(library):
    """Of each note: name, operands, whether it has a semaphore."""
    out = subprocess.run(("readelf", "-n", "-W", library), check=True, capture_output=True,
                         encoding="utf-8").stdout
    return re.findall(r"Provider: thruster\s+Name: (\w+)\s+Location: \w+, Base: \w+, "
                      r"Semaphore: (\w+)\s+Arguments: (.*)", out)


def machine():
    return os.uname().machine


def check_library(tap, library, names):
    notes = of_library(library)
    tap.check("the library has each probe once",
              differences("the library", [n for n, _, _ in notes], "shm/probes.h", names) +
              [f"{n} is there more than once" for n in names
               if sum(n == m for m, _, _ in notes) > 1])
    tap.check("each has a semaphore",
              [n for n, semaphore, _ in notes if int(semaphore, 16) == 0])
    if machine() in REGISTERS:
        tap.check("the arguments are in the registers of a call",
                  [f"{n}: {arguments}" for n, _, arguments in notes
                   if arguments.strip() != REGISTERS[machine()]])


def command_of(build, source):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        for entry in json.load(file):
            if entry["file"].endswith(f"client/{source}.c") and "thruster-client" in entry["output"]:
                return entry
    return None


def function_of(path, name):
    """The instructions, without addresses."""
    out = subprocess.run(("objdump", "-d", "--no-show-raw-insn", path), check=True,
                         capture_output=True, encoding="utf-8").stdout
    body = re.search(rf"^\w+ <{name}>:\n(.*?)(?=^\w+ <|\Z)", out, re.S | re.M).group(1)
    # Other functions, which come before or behind, are where they are.
    return [re.sub(r"\s+", " ", re.sub(r"\b[0-9a-f]+ <[^>]*>|\s*#.*", "", line.partition("\t")[2]))
            for line in body.splitlines() if "\t" in line]


def compile_with(entry, value, output):
    command, skip = [], False
    for word in shlex.split(entry["command"]):
        if skip or word.startswith(("-DTHR_HAS_PROBES", "-fsanitize", "-O", "-M")):
            skip = word in ("-MQ", "-MF") and not skip
            continue
        if word == "-o":
            skip = True
            continue
        command.append(word)
    subprocess.run((*command, "-O2", f"-DTHR_HAS_PROBES={value}", "-o", output), check=True,
                   cwd=entry["directory"], capture_output=True)


def check_fast_paths(tap, build):
    for source, function in FAST.items():
        entry = command_of(build, source)
        if not entry:
            tap.check(f"{function}: how it is compiled is known", False)
            continue
        with tempfile.TemporaryDirectory() as directory:
            bodies = []
            for value in (0, 1):
                output = os.path.join(directory, f"{value}.o")
                compile_with(entry, value, output)
                bodies.append(function_of(output, function))
        tap.check(f"{function}: it has instructions", len(bodies[0]) > 20)
        tap.check(f"{function}: they are the same with probes and without",
                  [] if bodies[0] == bodies[1] else
                  [f"{len(bodies[0])} and {len(bodies[1])} instructions"] +
                  [f"{a}   |   {b}" for a, b in zip(*bodies) if a != b][:10])


def main():
    tap = Tap()
    library, build = sys.argv[1:3]
    header, page = of_header(), of_page()
    tap.check("shm/probes.h lists probes", len(header) >= 12)
    tap.check("ebpf/record.h has them in the same order",
              [] if of_record() == list(header) else [str(of_record()), str(list(header))])
    tap.check("docs/contention.md tells each as the header does",
              differences("docs/contention.md", [f"{n}: {v}" for n, v in page.items()],
                          "shm/probes.h", [f"{n}: {v}" for n, v in header.items()]))
    if library == "none":
        tap.skip("the library has each probe once", "this build has none (no sys/sdt.h)")
    else:
        check_library(tap, library, list(header))
        check_fast_paths(tap, build)
    tap.done()


main()
