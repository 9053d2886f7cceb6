# SPDX-License-Identifier: MIT
"""A page's elements and texts, as a parser sees them."""

import collections
import html.parser
import re


class Reader(html.parser.HTMLParser):
    """The texts of a page, and whatever is not of those elements and attributes, or not closed."""

    TAGS = ATTRIBUTES = VOID = frozenset()
    SPACE = r"\s+"  # is one blank in a text

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.faults, self.open, self.texts = [], [], collections.Counter()
        self.feed(page)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        if tag not in self.TAGS:
            self.faults.append(f"<{tag}>")
        names = [name for name, _ in attributes]
        self.faults += [f"<{tag} {name}>" for name in names
                        if name not in self.ATTRIBUTES or names.count(name) > 1]
        self.faults += [f"<{tag} {name}={value}>" for name, value in attributes
                        if re.search(r"\b(nan|inf|None)\b", value or "") and
                        name in ("x", "y", "x1", "x2", "y1", "y2", "width", "height", "points")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
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
            self.texts[re.sub(self.SPACE, " ", data).strip()] += 1

    def missing(self, words):
        return [w for w in words if not any(w in text for text in self.texts)]
