# SPDX-License-Identifier: MIT
"""A text file as a C string: embed.py FILE NAME OUTPUT."""

import sys

path, name, output = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    lines = file.read().splitlines()
with open(output, "w", encoding="utf-8") as file:
    file.write(f"extern const char {name}[];\nconst char {name}[] =\n")
    for line in lines:
        line = line.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
        file.write(f'\t"{line}\\n"\n')
    file.write("\t;\n")
