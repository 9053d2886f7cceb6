# SPDX-License-Identifier: MIT
"""
Write the seeds of the corpus that are made and not found: seeds.py. The targets say at their tops
what the bytes mean. Files that are not named here are findings, or were written by hand.
"""

import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))

# wire.c: what is done is in the lower half of a byte, by which peer in the upper one.
DETACH, SPOIL, RECEIVE, RUN, CONNECT = 2, 6, 7, 8, 10
HANG_UP, DROP, DISGUISE, SECOND = 11, 12, 13, 14


def act(what, peer=0, *more):
    return bytes([peer << 4 | what, *more])


def heard(peer=0):
    return act(RUN) + act(RECEIVE, peer)


def attach(peer=0, arena=0):
    return act(0, peer, arena, 2, 0) + heard(peer)


def query(question, peer=0, limit=0):
    return act(3, peer, question, limit, 0) + heard(peer)


def detach(peer=0):
    return act(DROP, peer) + act(DETACH, peer, 0) + heard(peer)


def wire():
    everybody = b"".join(act(CONNECT, peer) + attach(peer) for peer in range(4))
    return {
        "questions": attach() + b"".join(query(q) for q in (1, 2, 3, 4)),
        "one-by-one": attach() + detach() + attach(0, 1) + detach() + attach(0, 3),
        "crowd": everybody + act(SECOND) + everybody + query(2, 1, 5),
        "connects-anew": attach() + act(CONNECT) + act(1, 0, 0, 0, 0) + act(RUN) + query(1) +
        act(CONNECT, 1) + act(1, 1, 1, 0, 0) + heard(1) + detach(),
        "gone-without-a-word": everybody + act(HANG_UP, 1) + act(DROP, 1) + act(RUN) + attach(1),
        "detach-while-mapped": attach() + act(DETACH, 0, 0) + heard() + detach(),
        "locked-seats": attach() + b"".join(act(SPOIL, 0, 0, 3, n) for n in range(5)) + everybody,
        "shrinks": attach() + act(SPOIL, 0, 0, 0, 1),
        "stranger": act(DISGUISE, 0, 3) + act(CONNECT, 1) + attach(1) + query(1, 1),
        "descriptors": act(0, 0, 0, 2, 255) + heard(),
        "another-version": act(5, 0, 8, 0) + struct.pack("<IHH", 0x72687457, 2, 1) + b"\0" +
        heard(),
    }


# arena.c: first which word, then in which class and segment, a value, and an index.
RECORD, MASK, HOLDER, CURRENT, ASKED, SENDER = 0, 2, 3, 4, 5, 6
LEASED, PENDING, CORE, THREAD, TRANSIT = 1, 2, 3, 4, 5
DO = 8
RECLAIM, VISIT, SAMPLE, STATS, LEASES, CHECK, TIME = 0, 2, 4, 5, 5 | 1 << 3, 5 | 2 << 3, 7


def scribble(what, how, low, index=0, where=0, high=1):
    return bytes([what, where, how, low, high, index])


def do(*what):
    return bytes([DO, *what])


def arena():
    leased = b"".join(scribble(RECORD, LEASED, seat, seat) for seat in range(7))
    transit = b"".join(scribble(RECORD, PENDING, seat, 9 + seat) for seat in range(7))
    held = b"".join(scribble(HOLDER, how, n, 0, n << 1) for how in (CORE, THREAD, TRANSIT)
                    for n in range(4))
    questions = do(SAMPLE) + do(STATS) + do(LEASES) + do(CHECK)
    return {
        "leased": leased + questions + do(RECLAIM, 1) + do(RECLAIM, 0x81) + questions,
        "in-transit": transit + questions + do(RECLAIM, 0x82) + do(TIME | 31 << 3) + do(SAMPLE),
        "a-run-too-long": scribble(RECORD, LEASED | 31 << 3, 1, 60) + questions,
        "runs-over-runs": scribble(RECORD, LEASED | 15 << 3, 1, 3) +
        scribble(RECORD, LEASED | 15 << 3, 2, 7) + questions + do(RECLAIM, 0x81) + questions,
        "held": held + leased + questions + do(RECLAIM, 0x81),
        "visited": held + scribble(ASKED, CORE, 2, 1) + b"".join(do(VISIT, how) + do(SAMPLE)
                                                              for how in range(0, 32)),
        "masked": scribble(MASK, 7, 0) + scribble(CURRENT, 7, 0) + held + questions,
    }


# state.c: which file, where in it (in words, from its beginning), and what.
STATE, LEDGER, BOARD, PAGES, NAME, FILE, CONFIG = 0, 1, 3, 5, 6, 7, 8


def spoil(file, word, value, how=0):
    return struct.pack("<BHBQ" if how == 0 else "<BHBB", file, word, how, value)


def state():
    return {
        "as-it-was": b"",
        "no-magic": spoil(LEDGER, 0, 0),
        "another-version": spoil(LEDGER, 1, 77),
        "another-nonce": spoil(BOARD, 2, 5),
        "a-client-that-cannot-be": spoil(LEDGER, 400, 200, 1),
        "failures": spoil(STATE, 20, 1, 1),
        "no-ledger": bytes([NAME, 3, 0x80]),
        "two-of-a-name": bytes([NAME, 3, 2]),
        "a-name-with-a-space": bytes([NAME, 1, 0xff]) + b"a. 1" + bytes(20),
        "a-name-with-a-zero": bytes([NAME, 1, 0xff]) + b"a.01" + bytes(20),
        "wanted-otherwise": bytes([CONFIG, 1]) + bytes([CONFIG, 2]),
        "cut-short": bytes([FILE, 1, 0]),
    }


def write(target, seeds):
    for name, data in seeds.items():
        with open(os.path.join(HERE, "corpus", target, name), "wb") as file:
            file.write(data)


write("wire", wire())
write("arena", arena())
write("state", state())
