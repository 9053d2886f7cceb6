# SPDX-License-Identifier: MIT
"""
The public header compiles alone, in C and in C++; so does the example of libthruster-client(3).
Arguments: the C compiler and its options.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap

from tap import ROOT, Tap, text

INCLUDE = os.path.join(ROOT, "client/include")
STRICT = ("-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I" + INCLUDE)
ALONE = "#include <thruster/client.h>\n"
TWICE = ALONE + ALONE + "extern const char *(*version)(void);\n" \
    "const char *(*version)(void) = thruster_version;\n"


def compile_text(compiler, suffix, code):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "alone" + suffix)
        with open(path, "w", encoding="utf-8") as file:
            file.write(code)
        r = subprocess.run((*compiler, *STRICT, path), capture_output=True, encoding="utf-8")
    return [] if r.returncode == 0 else r.stderr.splitlines() or ["no reason given"]


def example():
    page = text("docs/man/libthruster-client.3.rst")
    block = re.search(r"^EXAMPLE\n=+\n\n[^\n]*::\n\n((?:    [^\n]*\n|\n)+)", page, re.M)
    return textwrap.dedent(block.group(1)) if block else "#error no example"


def main():
    tap = Tap()
    c = tuple(sys.argv[1:])
    tap.check("client.h compiles alone as C11", compile_text((*c, "-std=c11"), ".c", ALONE))
    tap.check("client.h can be included twice", compile_text((*c, "-std=c11"), ".c", TWICE))
    cxx = [x for x in ("c++", "g++", "clang++") if shutil.which(x)]
    if cxx:
        tap.check("client.h compiles alone as C++17",
                  compile_text((cxx[0], "-std=c++17"), ".cc", ALONE))
        tap.check("client.h gives C++ the names of C",
                  compile_text((cxx[0], "-std=c++17"), ".cc",
                               ALONE + 'extern "C" const char *thruster_version(void);\n'))
    else:
        tap.skip("client.h compiles alone as C++17", "no C++ compiler: c++, g++ or clang++")
        tap.skip("client.h gives C++ the names of C", "no C++ compiler: c++, g++ or clang++")
    tap.check("the example of libthruster-client(3) compiles",
              compile_text((*c, "-std=c11", "-D_GNU_SOURCE"), ".c", example()))
    tap.done()


main()
