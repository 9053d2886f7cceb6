# SPDX-License-Identifier: MIT
"""Files that are written whole or not at all, even where the disk is full."""

import os
import sys


def write(path, words):
    """To a terminal, say, it is written as to any file; - is standard output."""
    if path == "-":
        sys.stdout.write(words)
        return
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(words)
        return
    beside = f"{path}.{os.getpid()}.new"
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.write(words)
        os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.unlink(beside)
