# SPDX-License-Identifier: MIT
"""Every event of the daemon has an id of its own, is logged somewhere, and is explained."""

import re

from tap import Tap, files, text

tap = Tap()
events = dict(re.findall(r"X\((\w+), ([0-9a-f]{32})\)", text("daemon/events.h")))
catalog = dict(re.findall(r"^-- ([0-9a-f]{32})\nSubject: (.+)$", text("systemd/thruster.catalog"),
                          re.M))
source = "".join(text(path) for path in files() if path.startswith("daemon/"))

tap.check("there are events", [] if len(events) > 5 else ["none were found"])
tap.check("no two events have the same id",
          [] if len(set(events.values())) == len(events) else ["two have"])
tap.check("the catalog explains each event",
          [f"{name} is not in it" for name, i in events.items() if i not in catalog])
tap.check("the catalog explains nothing else",
          [f"{i} is no event" for i in catalog if i not in events.values()])
tap.check("each event is logged",
          [f"{name} is not" for name in events if f"EVENT_{name}" not in source])
tap.check("the catalog names fields that entries have",
          [f"@{f}@" for f in set(re.findall(r"@(\w+)@", text("systemd/thruster.catalog")))
           if f"{f}=" not in source])
tap.done()
