# SPDX-License-Identifier: MIT
"""A browser without a window: what a page looks like, and what it holds once it is loaded."""

import os
import shutil
import signal
import struct
import subprocess
import zlib

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars")
WAIT_S = 60


def find():
    return shutil.which("chromium")


class Browser:
    def __init__(self, directory):
        self.directory = directory

    def run(self, page, *flags):
        """Of each run nothing is left but what it printed. Its processes are one group."""
        profile = os.path.join(self.directory, "profile")
        process = subprocess.Popen(
            (find(), *FLAGS, f"--user-data-dir={profile}", *flags, "file://" + page),
            env=dict(os.environ, HOME=self.directory), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            return process.communicate(timeout=WAIT_S)[0]
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            shutil.rmtree(profile, ignore_errors=True)

    def text(self, page):
        return self.run(page, "--dump-dom").decode()

    def picture(self, page, width, height, is_dark):
        """Width, height and some rows from the top, each of (red, green, blue)."""
        path = os.path.join(self.directory, "shot.png")
        if os.path.exists(path):
            os.unlink(path)
        self.run(page, f"--screenshot={path}", f"--window-size={width},{height}",
                 f"--blink-settings=preferredColorScheme={0 if is_dark else 1}")
        with open(path, "rb") as file:
            return decode(file.read(), 1100 if width > 1000 else 1700)


def chunks(png):
    at = 8
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        yield kind, png[at + 8:at + 8 + length]
        at += 12 + length


def nearest(a, b, c):
    """The predictor of Paeth."""
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def unfilter(kind, row, above, step):
    if kind == 2:
        return bytearray((x + up) & 255 for x, up in zip(row, above))
    for i in range(len(row)) if kind else ():
        left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
        row[i] = (row[i] + (left if kind == 1 else (left + above[i]) // 2 if kind == 3 else
                            nearest(left, above[i], corner))) & 255
    return row


def decode(png, n_rows):
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("no PNG")
    width, height, depth, kind = struct.unpack_from(">IIBB", next(chunks(png))[1])
    if depth != 8 or kind not in (2, 6):
        raise ValueError(f"a PNG of {depth} bits, type {kind}")
    step = 3 if kind == 2 else 4
    raw = zlib.decompress(b"".join(data for name, data in chunks(png) if name == b"IDAT"))
    size, above, rows = width * step, bytearray(width * step), []
    for y in range(min(height, n_rows)):
        at = y * (size + 1)
        above = unfilter(raw[at], bytearray(raw[at + 1:at + 1 + size]), above, step)
        rows.append([tuple(above[i:i + 3]) for i in range(0, size, step)])
    return width, height, rows
