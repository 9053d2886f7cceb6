# SPDX-License-Identifier: MIT
"""The man pages say what the header and the configuration's code say."""

import os
import re

from tap import ROOT, Tap, differences, files, text

HEADER = "client/include/thruster/client.h"
CONFIG_PAGE = "docs/man/thrusterd.json.5.rst"


def functions():
    """Of each function of the header, the comment above it."""
    found = {}
    for comment, name in re.findall(r"/\*((?:(?!\*/).)*)\*/\s*[\w\s*]*?\b(thruster_\w+)\s*\(",
                                    text(HEADER), re.S):
        found[name] = comment
    return found


def page_of(name):
    """The page's text, through the alias if there is one; and what is wrong, if anything."""
    source, alias = f"docs/man/{name}.3.rst", f"docs/man/{name}.3"
    if os.path.isfile(os.path.join(ROOT, source)):
        return text(source), None
    if not os.path.isfile(os.path.join(ROOT, alias)):
        return "", f"no page and no alias for {name}"
    m = re.fullmatch(r"\.so man3/(\w+)\.3\n", text(alias))
    if not m or not os.path.isfile(os.path.join(ROOT, f"docs/man/{m.group(1)}.3.rst")):
        return "", f"{alias} does not lead to a page"
    return text(f"docs/man/{m.group(1)}.3.rst"), None


def have_pages(tap):
    faults = []
    for name in functions():
        page, fault = page_of(name)
        if fault:
            faults.append(fault)
        elif not re.search(rf"\b{name}\(", page.partition("DESCRIPTION")[0]):
            faults.append(f"{name} is not in the synopsis of its page")
    tap.check("every function has a page or an alias", faults)
    built = text("docs/meson.build")
    tap.check("every page is built and installed",
              [f"{path} is not in docs/meson.build" for path in files(under="docs/man")
               if f"'man/{os.path.basename(path)}'" not in built])


def have_errors(tap):
    for name, comment in functions().items():
        page, _ = page_of(name)
        errors = page.partition("\nERRORS\n")[2].partition("\nNOTES\n")[0]
        tap.check(f"{name}: its page has the errors of the header",
                  [f"-{e} is missing" for e in sorted(set(re.findall(r"-(E[A-Z0-9]+)\b", comment)))
                   if f"-{e}" not in errors])


def number(macro):
    """The value of a macro of the configuration or the geometry."""
    for path in ("daemon/config.h", "daemon/access.h", "daemon/config.c", "daemon/users.h",
                 "shm/geometry.h", "shm/abi.h"):
        m = re.search(rf"^#define {macro} (.*?)(?:\s*/\*.*)?$", text(path), re.M)
        if m:
            value = re.sub(r"\(uint\d+_t\)|(?<=\d)u(ll)?\b", "", m.group(1))
            if re.fullmatch(r"[A-Z_]+", value):
                return number(value)
            return str(eval(value, {"__builtins__": {}}))
    raise LookupError(macro)


def field_section(field):
    m = re.search(rf"^``{field}``\n(.*?)(?=^``|^\S|\Z)", text(CONFIG_PAGE), re.S | re.M)
    return m.group(1) if m else ""


BOUNDS = {
    "arenas": ["CONFIG_ARENAS_MAX"],
    "max_connections_per_user": ["CONFIG_CONNECTIONS_MAX", "USERS_BESIDE_CLIENTS",
                                 "USERS_STRANGERS_MAX"],
    "bytes": ["CONFIG_QUOTA_BYTES_MAX"],
    "leases": ["CONFIG_QUOTA_LEASES_MAX"],
    "max_clients": ["THR_SEATS_MAX", "CONFIG_MAX_CLIENTS_DEFAULT"],
    "undelivered_grace_ms": ["CONFIG_GRACE_MS_MAX", "CONFIG_GRACE_MS_DEFAULT"],
    "classes": ["THR_CLASSES_MAX"],
    "slot_bytes": ["GEOMETRY_SLOT_BYTES_MIN", "GEOMETRY_SLOT_BYTES_MAX"],
    "slots": ["GEOMETRY_SLOTS_MAX"],
    "align_bytes": ["GEOMETRY_ALIGN_MIN", "GEOMETRY_ALIGN_MAX"],
    "page_bytes": ["GEOMETRY_PAGE_BYTES_MAX"],
    "trim_after_s": ["CONFIG_TRIM_AFTER_S_MAX"],
    "users": ["ACCESS_ENTRIES_MAX"],
    "groups": ["ACCESS_ENTRIES_MAX"],
}


def have_fields(tap):
    lists = re.findall(r"names\[\] = \{(.*?)\};",
                       text("daemon/config.c") + text("daemon/config-access.c"), re.S)
    known = {name for l in lists for name in re.findall(r'"(\w+)"', l)}
    told = set(re.findall(r"^``(\w+)``$", text(CONFIG_PAGE), re.M))
    tap.check("thrusterd.json(5) describes the fields that config.c reads",
              differences("config.c", known, CONFIG_PAGE, told) or
              ([] if known else ["no fields found in config.c"]))
    faults = []
    for field, macros in BOUNDS.items():
        for macro in macros:
            if not re.search(rf"\b{number(macro)}\b", field_section(field)):
                faults.append(f"{field}: {macro}, {number(macro)}, is missing")
    page = text(CONFIG_PAGE)
    for macro, value in (("CONFIG_BYTES_MAX", "1 MiB"), ("GEOMETRY_ARENA_BYTES_MAX", None)):
        wanted = value or number(macro)
        if wanted not in page or (value == "1 MiB" and number(macro) != str(1 << 20)):
            faults.append(f"{macro}, {number(macro)}, is missing")
    tap.check("thrusterd.json(5) has the bounds and defaults of the source", faults)


def main():
    tap = Tap()
    have_pages(tap)
    have_errors(tap)
    have_fields(tap)
    tap.done()


main()
