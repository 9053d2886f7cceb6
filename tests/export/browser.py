# SPDX-License-Identifier: MIT
"""A browser without a window: what a page looks like, and what it holds once it is loaded."""

import os
import shutil
import signal
import subprocess

try:
    from PIL import Image
except ImportError:
    Image = None

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars")
WAIT_S = 60


def find():
    return shutil.which("chromium")


def missing():
    """What is not there to look with, or None."""
    if not find():
        return "chromium is not installed (Debian: chromium)"
    return None if Image else "there is no library for pictures (Debian: python3-pil)"


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
        """The size, the first pixel, and how many pixels there are of each (red, green, blue)."""
        path = os.path.join(self.directory, "shot.png")
        if os.path.exists(path):
            os.unlink(path)
        self.run(page, f"--screenshot={path}", f"--window-size={width},{height}",
                 f"--blink-settings=preferredColorScheme={0 if is_dark else 1}")
        with Image.open(path) as image:
            pixels = image.convert("RGB")
        colours = {colour: n for n, colour in pixels.getcolors(pixels.width * pixels.height)}
        return pixels.size, pixels.getpixel((0, 0)), colours
