# SPDX-License-Identifier: MIT
"""What the client library exports and what it calls. Arguments: shared library, static archive."""

import re
import subprocess
import sys

from tap import Tap, differences, text

HEADER = "client/include/thruster/client.h"
MAP = "client/libthruster-client.map"
VERSION_NODE = "LIBTHRUSTER_CLIENT_0.1"

# The library's path of renting, returning and handing over.
FAST = ("rent.c", "return.c", "hand-over.c", "transition.c", "wait.c")

ALLOCATION = {"malloc", "calloc", "realloc", "reallocarray", "free", "strdup", "strndup",
              "asprintf", "vasprintf", "aligned_alloc", "posix_memalign", "memalign", "mmap",
              "mmap64", "brk", "sbrk"}
FORBIDDEN = re.compile(
    r"v?[fsd]?n?printf|f?puts|f?putc|putchar|perror|fwrite|stderr|stdout|warnx?|errx?|error|"
    r"psignal|v?syslog|openlog|pthread_create|thrd_create|clone|fork|signal|sigaction|sigprocmask|"
    r"pthread_sigmask|atexit|on_exit|abort|exit|_exit|__assert_fail|pthread_atfork")


def nm(*arguments):
    return subprocess.run(("nm", *arguments), check=True, capture_output=True,
                          encoding="utf-8").stdout.splitlines()


def declared():
    """Functions of the header; comments out of the way."""
    code = re.sub(r"/\*.*?\*/", "", text(HEADER), flags=re.S)
    return set(re.findall(r"\b(thruster_\w+)\s*\(", code))


def listed():
    m = re.search(r"(\w+(?:\.\w+)*)\s*\{\s*global:(.*?)local:\s*\*;\s*\};", text(MAP), re.S)
    return (m.group(1), re.findall(r"([^\s;]+);", m.group(2))) if m else ("", [])


def exported(library):
    symbols = {}
    for line in nm("-D", "--defined-only", library):
        kind, name = line.split()[-2:]
        if kind != "A":
            name, _, version = name.partition("@@")
            symbols[name] = version
    return symbols


def plain(symbol):
    """Without what fortification, large files and versions do to a name."""
    symbol = symbol.partition("@")[0]
    m = re.fullmatch(r"__(\w+)_chk", symbol)
    symbol = m.group(1) if m else symbol
    return re.sub(r"^__isoc\d+_", "", symbol)


def members(archive, *arguments):
    """Of each object of an archive, by the name of its source, its symbols."""
    found, name = {}, None
    for line in nm(*arguments, archive):
        m = re.fullmatch(r"(?:.*\[)?([^\s\]]+?)\.o\]?:", line.strip())
        if m:
            name = m.group(1).rpartition("/")[2].rpartition("_")[2]
            found.setdefault(name, [])
        elif line.strip():
            found[name].append(line.split()[-1])
    return found


def foreign_globals(archive):
    # And where notes of probes say that the file was linked, which sys/sdt.h names.
    instrumentation = re.compile(r"_\.stapsdt\.base|__(odr_)?(asan|ubsan|tsan|gcov|llvm|prof|start|stop)\w*")
    return [f"{member}: {symbol}"
            for member, symbols in members(archive, "-g", "--defined-only").items()
            for symbol in symbols
            if not re.match(r"(thruster|thr)_", symbol) and not instrumentation.match(symbol)]


def main():
    tap = Tap()
    library, archive = sys.argv[1:3]
    header, symbols = declared(), exported(library)
    node, names = listed()
    undefined = members(archive, "-u")

    tap.check("the header declares functions", len(header) >= 11)
    tap.check("the map lists each export by hand",
              [f"{n} is no name of a function" for n in names if not re.fullmatch(r"\w+", n)] +
              [f"{n} is there twice" for n in names if names.count(n) > 1] +
              ([] if names else ["no list of globals that ends with local: *"]))
    tap.check("the map lists what the header declares",
              differences(HEADER, header, MAP, names))
    tap.check("the library exports what the header declares",
              differences("the library", symbols, HEADER, header))
    tap.check("every export has the version of the map's node",
              [f"{n}@@{v}" for n, v in symbols.items() if v != node or v != VERSION_NODE])
    tap.check("the archive's globals are thruster_* and thr_*", foreign_globals(archive))
    tap.check("the archive has the objects that are looked at",
              [f"no {f}" for f in FAST if f not in undefined])
    for source in FAST:
        tap.check(f"{source} neither allocates, logs, nor starts anything",
                  [s for s in undefined.get(source, [])
                   if plain(s) in ALLOCATION or FORBIDDEN.fullmatch(plain(s))])
    tap.check("the library prints nothing, starts no thread and touches no signal",
              [f"{member}: {s}" for member, symbols in undefined.items() for s in symbols
               if FORBIDDEN.fullmatch(plain(s))])
    tap.check("the library does not use the heap",
              [f"{member}: {s}" for member, symbols in undefined.items() for s in symbols
               if plain(s) in ALLOCATION and not plain(s).startswith("mmap")])
    tap.done()


main()
