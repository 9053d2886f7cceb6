# SPDX-License-Identifier: MIT
"""
Every curve is drawn, and the JSON is what the report reads. Nothing is said of how fast it was.
Arguments: thruster-growth and its options.
"""

import json
import os
import subprocess
import sys
import tempfile

CURVES = {"rent-slots", "rent-classes", "rent-clients", "rent-occupancy", "reclaim-slots",
          "reclaim-clients", "stats-slots", "stats-clients"}


def check(document):
    assert document["version"] == 1 and document["quick"] is True, "the head"
    assert {c["name"] for c in document["curves"]} == CURVES, "which curves"
    for curve in document["curves"]:
        assert curve["design"] and curve["x"] and curve["y"] in ("ns", "us"), curve["name"]
        for series in curve["series"]:
            assert len(series["points"]) > 1, (curve["name"], series["name"])
            for point in series["points"]:
                if "absent" not in point:
                    assert 0 < point["p10"] <= point["median"] <= point["p90"], point
                    assert point["n"] == len(point["samples"]) > 0, point


def main():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "growth.json")
        subprocess.run((*sys.argv[1:], "--quick", "--json", path), check=True)
        with open(path, encoding="utf-8") as file:
            check(json.load(file))


main()
