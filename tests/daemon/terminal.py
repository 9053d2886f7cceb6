# SPDX-License-Identifier: MIT
"""A terminal for a program to draw on, by a terminal emulator in a library (pyte), which must be
there."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pyte

WAIT_S = 30


class Screen(pyte.Screen):
    """As pyte's, and what xterm knows besides: to scroll, and to repeat a character. Text that runs
    over the right edge is noted."""

    overruns = 0
    last = ""

    def draw(self, data):
        self.last = data[-1:]
        for char in data:
            self.overruns += self.cursor.x == self.columns
            super().draw(char)

    def at(self, line, times, act):
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = line
        for _ in range(times or 1):
            act()
        self.cursor.x, self.cursor.y = x, y

    def scroll_up(self, times=1):
        self.at(self.margins.bottom if self.margins else self.lines - 1, times, self.index)

    def scroll_down(self, times=1):
        self.at(self.margins.top if self.margins else 0, times, self.reverse_index)

    def repeat(self, times=1):
        self.draw(self.last * (times or 1))


class Stream(pyte.ByteStream):
    csi = dict(pyte.ByteStream.csi, S="scroll_up", T="scroll_down", b="repeat")
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down", "repeat"}


class Terminal:
    """A program on a terminal of its own, which it controls; leaving the scope kills it."""

    def __init__(self, command, environment, columns=80, lines=24):
        self.master, self.slave = pty.openpty()
        self.set_size(columns, lines)
        self.screen = Screen(columns, lines)
        self.stream = Stream(self.screen)
        self.output = b""
        self.overruns = None
        self.modes = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(command, env=environment, stdin=self.slave,
                                        stdout=self.slave, stderr=self.slave,
                                        start_new_session=True, preexec_fn=self.control)

    def control(self):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def set_size(self, columns, lines):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for fd in (self.master, self.slave):
            if fd is not None:
                os.close(fd)

    def resize(self, columns, lines):
        """What was on its way for the old size may run over the edge of the new one, until the
        program has drawn anew and somebody has waited for that."""
        if self.overruns is None:
            self.overruns = self.screen.overruns
        self.screen.resize(lines, columns)
        self.set_size(columns, lines)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def read(self, seconds):
        """What it writes in that time, at most one portion; False if nothing."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        portion = os.read(self.master, 65536)
        self.output += portion
        self.stream.feed(portion)
        return True

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self):
        return "\n".join(self.lines)

    def await_(self, is_so):
        """Until the screen, a list of lines, is so; [] then, or what is seen instead. It may be
        asked in the midst of a picture."""
        until = time.monotonic() + WAIT_S
        while not is_so(self.lines):
            self.read(0.2)
            if time.monotonic() > until or (self.process.poll() is not None and not self.read(0)):
                return ["not within the time; the screen:"] + self.lines
        if self.overruns is not None:
            self.screen.overruns, self.overruns = self.overruns, None
        return []

    def await_text(self, text):
        return self.await_(lambda lines: text in "\n".join(lines))

    def await_end(self):
        """The exit status; all that it wrote is read."""
        until = time.monotonic() + WAIT_S
        while self.process.poll() is None and time.monotonic() < until:
            self.read(0.1)
        while self.read(0):
            pass
        return self.process.poll()

    def hang_up(self):
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = None

    def is_restored(self):
        """The modes are as they were, the other screen is left, and the cursor is seen."""
        return termios.tcgetattr(self.slave) == self.modes and \
            self.output.count(b"\x1b[?1049h") == self.output.count(b"\x1b[?1049l") == 1 and \
            self.output.rfind(b"\x1b[?25h") > self.output.rfind(b"\x1b[?25l")

    def interrupt(self):
        self.press("\x03")

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
