# SPDX-License-Identifier: MIT
"""A page's elements and texts, as a parser sees them, and whatever a page of ours never has."""

import base64
import hashlib
import os
import re
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "export"))

from reader import Reader as AnyReader  # noqa: E402 (found by the line above)

TAGS = set("""html head meta title style body header p h1 h2 h3 b span main section em small table
    thead tbody tr th td i svg line text rect path polygon figure figcaption ul ol li details summary
    footer code div""".split())
ATTRIBUTES = set("""lang charset http-equiv content name class id title role aria-label aria-hidden
    scope colspan x y x1 x2 y1 y2 d rx width height points viewbox preserveaspectratio text-anchor
    """.split())
VOID = {"meta"}


class Reader(AnyReader):
    TAGS, ATTRIBUTES, VOID = TAGS, ATTRIBUTES, VOID


def requests(page):
    """Whatever could make a browser ask for something, or run. Not in texts: there < is &lt;."""
    tags = " ".join(re.findall(r"<[^>]*>", page))
    found = re.findall(r"(?i)\s(?:src|href|action|style|on\w+)\s*=|<link|<script", tags)
    return found + re.findall(r"(?i)url\(|@import", page)


def policy_faults(page):
    """The policy allows the page's own style, by its hash, and nothing else."""
    style = re.search(r"<style>(.*?)</style>", page, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    wanted = f"default-src 'none'; style-src 'sha256-{digest}'"
    return [] if f'"Content-Security-Policy" content="{wanted}"' in page else [wanted]
