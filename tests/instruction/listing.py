# SPDX-License-Identifier: MIT
"""Every instruction of a shared library or program, from its own disassembly.

    listing.py FILE EXCUSES [FUNCTION...]

prints a line for each, fields parted by tabs:

    I  offset  function  source-file:line  number of the excuse or -1  text of the instruction
    E  number  line of the excuse, for those that excuse nothing that is there

With FUNCTIONs, only theirs and those that they call. Padding between functions and behind jumps is left out.
"""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

SECTION = re.compile(r"^Disassembly of section (\S+):$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
PLACE = re.compile(r"^(/\S+):(\d+)(?: \(discriminator \d+\))?$")
INSTRUCTION = re.compile(r"^\s+([0-9a-f]+):\t(.*?)\s*$")
NOT_OURS = (".plt", ".init", ".fini")  # the linker's, and the C runtime's
IDLE = re.compile(r"^(?:(?:data16|cs) )*(?:nop\w*|xchg +%ax,%ax|int3)\b")
ENDS = re.compile(r"^(?:(?:bnd|notrack|repz) )*(?:jmp|ret|ud2|hlt)\w*\b")
CLONE = re.compile(r"\.(?:isra|part|constprop|cold)\b.*")
CALL = re.compile(r"^(?:call|jmp) [0-9a-f]+ <([^+>@]+)>$")
SIGNATURE = re.compile(r"^ud1 ")  # in front of an abort handler, for the kernel to look at


def source_line(path, number, cache={}):
    if path not in cache:
        try:
            with open(path, encoding="utf-8") as file:
                cache[path] = file.read().split("\n")
        except OSError:
            cache[path] = []
    return cache[path][number - 1].strip() if 0 < number <= len(cache[path]) else ""


def instructions(path):
    """(offset, function, source file, line, text) of each; padding left out."""
    command = ("objdump", "-d", "-l", "-w", "--no-show-raw-insn", path)
    output = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    section, function, place, falls_in = "", "", ("", 0), False
    for line in output.split("\n"):
        if m := SECTION.match(line):
            section, place = m[1], ("", 0)
        elif m := FUNCTION.match(line):
            function, place, falls_in = m[1], ("", 0), False
        elif m := PLACE.match(line):
            file = os.path.realpath(m[1])
            place = (os.path.relpath(file, ROOT) if file.startswith(ROOT) else m[1], int(m[2]))
        elif (m := INSTRUCTION.match(line)) and not section.startswith(NOT_OURS):
            if (IDLE.match(m[2]) and not falls_in) or SIGNATURE.match(m[2]):
                continue
            falls_in = not ENDS.match(m[2])
            yield int(m[1], 16), function, place[0], place[1], re.sub(r"\s+", " ", m[2])


def excuses(path):
    """(line, place, text) of each line `place : text : reason`."""
    found = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#") or not line.strip():
                continue
            place, text, reason = (part.strip() for part in line.split(" : ", 2))
            if not place or not text or not reason:
                sys.exit(f"{path}:{number}: wanted: place : text : reason")
            found.append((line.strip(), place, text))
    return found


def excuse_of(found, function, file, text):
    function = CLONE.sub("", function)
    for number, (_, place, part) in enumerate(found):
        if place in (function, file) and (part == "*" or part in text):
            return number
    return -1


def called_by(roots, listed):
    """The roots and all functions of this file that they call, directly or not."""
    calls = {}
    for _, function, _, _, text in listed:
        found = CALL.match(text)
        calls.setdefault(function, set()).update({found[1]} if found else ())
    reached, left = set(), list(roots)
    while left:
        function = left.pop()
        if function in calls and function not in reached:
            reached.add(function)
            left += calls[function]
    return reached


def main():
    binary, listed, roots = sys.argv[1], excuses(sys.argv[2]), sys.argv[3:]
    found = list(instructions(binary))
    only = called_by(roots, found) if roots else {function for _, function, *_ in found}
    for offset, function, file, line, text in found:
        if function not in only:
            continue
        number = excuse_of(listed, function, file,
                           source_line(os.path.join(ROOT, file), line) if file else "")
        print("I", f"{offset:x}", function, f"{file}:{line}", number, text, sep="\t")
    for number, (line, _, _) in enumerate(listed):
        print("E", number, line, sep="\t")


main()
