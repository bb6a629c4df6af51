"""5: from the topic into sealed gzip objects on file, beside zlib at the same level over the same topic."""

import re

from harness.measure import Figure, alternate, column
from harness.processes import run as run_program

PARTITIONS = 100
LINE = re.compile(r"^(?P<name>.+): (?P<cpu>[\d.]+) µs CPU an action, (?P<rate>\d+)/s")
OURS, BASE = "archive --once, gzip", "consume and gzip the values, baseline"


def run(bench):
    count = bench.size(full=500_000, quick=100_000)

    def both(warming_up):
        if warming_up:
            return None
        text = run_program([bench.program("ArchiveBenchmark"), count, PARTITIONS])
        found = {match["name"]: {"cpu": float(match["cpu"]), "rate": float(match["rate"])}
                 for match in map(LINE.match, text.splitlines()) if match}
        return {"ours": found[OURS], "base": found[BASE]}

    results = alternate(bench.rounds, {"both": both})["both"]
    ours, base = ([result[side] for result in results] for side in ("ours", "base"))
    return [Figure(
        5, f"archive of {count:,} actions: topic → sealed gzip objects on file",
        "a consumer that discards, and zlib at the same level over the values", "≥", 0.8, "actions/s",
        column(ours, "rate"), column(base, "rate"), "µs an action", column(ours, "cpu"), column(base, "cpu"))]
