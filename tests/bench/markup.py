# SPDX-License-Identifier: MIT
"""A page's elements and texts, as a parser sees them, and whatever a page of ours never has."""

import base64
import collections
import hashlib
import html.parser
import re

TAGS = set("""html head meta title style body header p h1 h2 h3 b span main section em small table
    thead tbody tr th td i svg line text rect path polygon figure figcaption ul ol li details summary
    footer code div""".split())
ATTRIBUTES = set("""lang charset http-equiv content name class id title role aria-label aria-hidden
    scope colspan x y x1 x2 y1 y2 d rx width height points viewbox preserveaspectratio text-anchor
    """.split())
VOID = {"meta"}


class Reader(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.faults, self.open, self.texts = [], [], collections.Counter()
        self.feed(page)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        if tag not in TAGS:
            self.faults.append(f"<{tag}>")
        names = [name for name, _ in attributes]
        self.faults += [f"<{tag} {name}>" for name in names
                        if name not in ATTRIBUTES or names.count(name) > 1]
        self.faults += [f"<{tag} {name}={value}>" for name, value in attributes
                        if re.search(r"\b(nan|inf|None)\b", value or "") and
                        name in ("x", "y", "x1", "x2", "y1", "y2", "width", "height", "points")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> within {self.open[-3:]}")
        else:
            self.open.pop()

    def handle_comment(self, data):
        self.faults.append(f"a comment: {data[:40]}")

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts[re.sub(r"\s+", " ", data).strip()] += 1

    def missing(self, words):
        return [w for w in words if not any(w in text for text in self.texts)]


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
